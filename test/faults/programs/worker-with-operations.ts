import { parentPort, workerData } from 'node:worker_threads';
import { TcpListener, TcpSocket } from '../../../src/index.js';

// A worker thread that always has receives, sends, accepts and connects in flight, with timeouts armed.

async function receiveForEver(socket: TcpSocket): Promise<void> {
  const buffer = new Uint8Array(4096);
  for (;;) await socket.recv(buffer, { timeoutMs: 1000 }).catch(() => 0);
}

async function sendForEver(socket: TcpSocket): Promise<void> {
  for (;;) await socket.send(new Uint8Array(200_000), { timeoutMs: 1000 }).catch(() => 0);
}

async function main(): Promise<void> {
  const { port } = workerData as { port: number };
  const listener = await TcpListener.listen({ host: '127.0.0.1' });
  for (let i = 0; i < 10; i++) {
    const socket = await TcpSocket.connect({ host: '127.0.0.1', port });
    receiveForEver(socket);
    sendForEver(socket);
    socket.recvLent({ timeoutMs: 60_000 });
  }
  parentPort?.postMessage(listener.port);
  for await (const socket of listener) {
    receiveForEver(socket);
    sendForEver(socket);
    TcpSocket.connect({ host: '127.0.0.1', port }).then(receiveForEver, () => undefined);
  }
}

main();
