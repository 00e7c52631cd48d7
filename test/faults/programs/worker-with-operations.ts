import { parentPort, workerData } from 'node:worker_threads';
import { TcpListener, TcpSocket } from '../../../src/index.js';

// A worker thread that always has receives, sends, accepts and connects in flight, with timeouts armed.
//
// The loops end with their connection. A loop that went on would await promises that are rejected already, so its thread
// would never again come to its event loop; and Node 20 loses worker.terminate() on such a thread now and then. On Linux
// it takes no more for that than `for (;;) await reject().catch(() => 0)` in a worker, where reject() is an async function
// that throws: of 26 calls of terminate() six never resolved, and of 120 without the rejections none.

/** The deadlines expire only when the machine is slow: the peers send all the time, and never read. */
const RECEIVE_TIMEOUT_MS = 1000;
/** A send whose deadline passes may end its connection's sending side for good, and there would be none in flight. */
const SEND_TIMEOUT_MS = 600_000;

async function receiveForEver(socket: TcpSocket): Promise<void> {
  const buffer = new Uint8Array(4096);
  for (;;) {
    try {
      if ((await socket.recv(buffer, { timeoutMs: RECEIVE_TIMEOUT_MS })) === 0) return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ETIMEDOUT') return;
    }
  }
}

async function sendForEver(socket: TcpSocket): Promise<void> {
  try {
    for (;;) await socket.send(new Uint8Array(200_000), { timeoutMs: SEND_TIMEOUT_MS });
  } catch {
    // The connection has ended.
  }
}

async function main(): Promise<void> {
  const { port } = workerData as { port: number };
  const listener = await TcpListener.listen({ host: '127.0.0.1' });
  for (let i = 0; i < 10; i++) {
    const socket = await TcpSocket.connect({ host: '127.0.0.1', port });
    receiveForEver(socket);
    sendForEver(socket);
    socket.recvLent({ timeoutMs: 60_000 }).catch(() => undefined);
  }
  parentPort?.postMessage(listener.port);
  for await (const socket of listener) {
    receiveForEver(socket);
    sendForEver(socket);
    TcpSocket.connect({ host: '127.0.0.1', port }).then(receiveForEver, () => undefined);
  }
}

main();
