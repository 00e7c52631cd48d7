import { TcpListener, TcpSocket } from '../../../src/index.js';

// Ends connections in the ways that its arguments say, one after the other, and says what came of each:
//   closer.js connect MODE PORT [MODE PORT …]
//   closer.js accept MODE [MODE …]

const TIMEOUT_MS = 100;
const MORE_THAN_BUFFERS_HOLD = 32 << 20;
const DRAINED_BYTES = 4 << 20;

/** What came of a connection's end: the close's own result, and how the operation that was pending ended. */
interface Ended {
  readonly sent: string;
  readonly unreadBytes: number;
  readonly pending?: string;
}

type Mode = (socket: TcpSocket) => Promise<Ended>;

/** How an operation ends: `done`, or the code of its error. */
function outcome(operation: Promise<unknown>): Promise<string> {
  return operation.then(
    () => 'done',
    (error: NodeJS.ErrnoException) => String(error.code),
  );
}

function pendingReceive(socket: TcpSocket, timeoutMs?: number): Promise<string> {
  return outcome(socket.recv(new Uint8Array(64), { timeoutMs }));
}

const MODES: Readonly<Record<string, Mode>> = {
  close: (socket) => socket.close(),
  'timeout, close': async (socket) => {
    const pending = await pendingReceive(socket, TIMEOUT_MS);
    return { ...(await socket.close()), pending };
  },
  'pending recv, close': async (socket) => {
    const receiving = pendingReceive(socket);
    return { ...(await socket.close()), pending: await receiving };
  },
  'unread, close': async (socket) => {
    await socket.readable();
    return socket.close();
  },
  'send, close': async (socket) => {
    const sending = outcome(socket.send(new Uint8Array(DRAINED_BYTES)));
    return { ...(await socket.close()), pending: await sending };
  },
  'shutdown, close': async (socket) => {
    await socket.shutdown('send');
    const buffer = new Uint8Array(64);
    let received = 0;
    for (;;) {
      const length = await socket.recv(buffer);
      if (length === 0) break;
      received += length;
    }
    return { ...(await socket.close()), pending: String(received) };
  },
  abort: async (socket) => {
    const receiving = pendingReceive(socket);
    return { ...(await socket.abort()), pending: await receiving };
  },
  closesocket: (socket) => socket.closesocket(),
  'pending recv, closesocket': async (socket) => {
    const receiving = pendingReceive(socket);
    return { ...(await socket.closesocket()), pending: await receiving };
  },
  'pending send, closesocket': async (socket) => {
    const sending = outcome(socket.send(new Uint8Array(MORE_THAN_BUFFERS_HOLD)));
    return { ...(await socket.closesocket()), pending: await sending };
  },
  'leavePending, closesocket': async (socket) => {
    socket.onTimeout = 'leavePending';
    const pending = await pendingReceive(socket, TIMEOUT_MS);
    return { ...(await socket.closesocket()), pending };
  },
  killed: async (socket) => {
    const receiving = pendingReceive(socket);
    console.log(`dying ${socket.pendingOperations}`);
    process.kill(process.pid, 'SIGKILL');
    return { sent: 'nothing', unreadBytes: 0, pending: await receiving };
  },
};

async function end(name: string, socket: TcpSocket): Promise<void> {
  const mode = MODES[name];
  if (mode === undefined) throw new Error(`There is no mode ${name}`);
  console.log(`ended ${JSON.stringify(await mode(socket))}`);
}

async function connectAll(args: readonly string[]): Promise<void> {
  for (let i = 0; i + 1 < args.length; i += 2) {
    const socket = await TcpSocket.connect({ host: '127.0.0.1', port: Number(args[i + 1]) });
    if (i === 0) console.log(`driver ${socket.driver}`);
    await end(String(args[i]), socket);
  }
}

async function acceptAll(modes: readonly string[]): Promise<void> {
  const listener = await TcpListener.listen({ host: '127.0.0.1' });
  console.log(`driver ${listener.driver}`);
  console.log(`listening ${listener.port}`);
  for (const mode of modes) await end(mode, await listener.accept());
  await listener.close();
}

const [direction, ...rest] = process.argv.slice(2);
if (direction === 'connect') void connectAll(rest);
else if (direction === 'accept') void acceptAll(rest);
