import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { selfEcho } from './self-echo.js';

// Terminates worker threads that have every kind of operation in flight, again and again, while peers in this thread
// go on sending to them. Then this thread uses the library itself.

const ROUNDS = 8;

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Writes again and again until the socket is gone. Not as fast as can be: what the peers do is to be in the way of the
 * worker's end, and not to take all of the time that the worker needs to begin.
 */
function feed(socket: Socket, bytes: Buffer): void {
  if (!socket.destroyed) socket.write(bytes, () => setTimeout(feed, 1, socket, bytes));
}

async function terminateOne(port: number, round: number): Promise<void> {
  const worker = new Worker(new URL('worker-with-operations.js', import.meta.url), { workerData: { port } });
  const exited = new Promise<number>((resolve) => worker.once('exit', resolve));
  const listening = await new Promise<number>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  const clients: Socket[] = [];
  for (let i = 0; i < 10; i++) {
    const client = connect({ port: listening, host: '127.0.0.1' });
    client.on('error', () => undefined);
    client.once('connect', () => feed(client, Buffer.alloc(3000, i)));
    client.resume();
    clients.push(client);
  }
  await wait(round % 5);
  await worker.terminate();
  await exited;
  globalThis.gc?.();
  await wait(3);
  for (const client of clients) client.destroy();
}

async function main(): Promise<void> {
  const peers = new Set<Socket>();
  const server = createServer((socket) => {
    peers.add(socket);
    socket.on('error', () => undefined);
    feed(socket, Buffer.alloc(5000, 1));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  for (let round = 0; round < ROUNDS; round++) await terminateOne(port, round);
  console.log(`terminated ${ROUNDS}`);
  for (const socket of peers) socket.destroy();
  server.close();
  await selfEcho(20);
}

main();
