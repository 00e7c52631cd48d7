import type { Socket } from 'node:net';
import { AbortError, InvalidArgumentError, SocketStateError } from '../port/errors.js';
import { checkOptions, checkSignal, checkTimeout, type OperationOptions } from '../sockets/arguments.js';
import type { NodeSocket } from './node-socket.js';
import { StreamHandle } from './stream-handle.js';
import { NetTimeoutError } from './timeout-error.js';

const EVENTS = ['readable', 'end', 'error', 'close'] as const;

const lastReceive = new WeakMap<Socket, Promise<unknown>>();

/** One chunk, or null at the end. Calls queue up, and are on the clock while they do. */
export function recvOnce(socket: Socket, options: OperationOptions): Promise<Buffer | null> {
  let timeoutMs: number;
  let signal: AbortSignal | undefined;
  try {
    timeoutMs = checkTimeout(checkOptions(options).timeoutMs, Number.POSITIVE_INFINITY);
    signal = checkSignal(options.signal);
  } catch (error) {
    return Promise.reject(error as Error);
  }
  const limit = new Limit('recv', timeoutMs, signal);
  const before = lastReceive.get(socket);
  const turn = before === undefined ? Promise.resolve() : before.catch(() => undefined);
  const received = limit.within((stop) => turn.then(() => nextChunk(socket, stop)));
  lastReceive.set(socket, received);
  return received;
}

/** Sends behind what the stream has still to write. */
export async function sendOnce(socket: Socket, data: Uint8Array | string, options: OperationOptions): Promise<number> {
  const timeoutMs = checkTimeout(checkOptions(options).timeoutMs, Number.POSITIVE_INFINITY);
  const signal = checkSignal(options.signal);
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  if (!(bytes instanceof Uint8Array)) throw new InvalidArgumentError('data must be a string or a Uint8Array');
  const began = performance.now();
  const limit = new Limit('send', timeoutMs, signal);
  await limit.within(() => written(socket));
  if (bytes.length === 0) return 0;
  const handle = (socket as NodeSocket)._handle;
  if (!(handle instanceof StreamHandle)) throw closedError();
  const left = timeoutMs === 0 ? 0 : Math.max(timeoutMs - (performance.now() - began), 0);
  return handle.sendNow(bytes, left, signal);
}

/** Runs a wait with a timeout and a signal; `stop` is called back when either ends it. */
class Limit {
  readonly #direction: 'recv' | 'send';
  readonly #timeoutMs: number;
  readonly #signal: AbortSignal | undefined;

  constructor(direction: 'recv' | 'send', timeoutMs: number, signal: AbortSignal | undefined) {
    this.#direction = direction;
    this.#timeoutMs = timeoutMs;
    this.#signal = signal;
  }

  within<T>(work: (stop: AbortSignal) => Promise<T>): Promise<T> {
    const signal = this.#signal;
    const abortError = () => new AbortError(`Cannot ${this.#direction}: aborted by its signal`, signal?.reason, 0);
    if (signal?.aborted) return Promise.reject(abortError());
    const stop = new AbortController();
    return new Promise<T>((resolve, reject) => {
      const timer = this.#startTimer(() => end(new NetTimeoutError(this.#direction, this.#timeoutMs, 0)));
      const onAbort = () => end(abortError());
      const settled = () => {
        timer?.();
        signal?.removeEventListener('abort', onAbort);
      };
      const end = (error: Error) => {
        settled();
        stop.abort();
        reject(error);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      work(stop.signal).then(resolve, reject).finally(settled);
    });
  }

  /** Calls back when the time is over, never early; gives what stops it. */
  #startTimer(callback: () => void): (() => void) | undefined {
    if (this.#timeoutMs >= 2 ** 31 - 2) return undefined;
    if (this.#timeoutMs === 0) {
      // What has arrived is told in this turn of the event loop or the next.
      const immediate = setImmediate(() => setImmediate(callback));
      return () => clearImmediate(immediate);
    }
    const timer = setTimeout(callback, Math.ceil(this.#timeoutMs) + 1);
    return () => clearTimeout(timer);
  }
}

function nextChunk(socket: Socket, stop: AbortSignal): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      for (const event of EVENTS) socket.off(event, look);
      stop.removeEventListener('abort', leave);
    };
    const look = (...args: unknown[]) => {
      const [error] = args;
      if (error instanceof Error) return settle(() => reject(error));
      if (stop.aborted) return leave();
      const chunk = socket.read() as Buffer | null;
      if (chunk !== null) return settle(() => resolve(chunk));
      if (socket.readableEnded) return settle(() => resolve(null));
      if (socket.destroyed) settle(() => reject(socket.errored ?? closedError()));
    };
    const settle = (how: () => void) => {
      leave();
      how();
    };
    for (const event of EVENTS) socket.on(event, look);
    stop.addEventListener('abort', leave);
    look();
  });
}

/** All that was written before has gone, and the socket is connected. */
function written(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket.destroyed || socket.writableEnded) return reject(socket.errored ?? closedError());
    if (socket.writableLength === 0 && !socket.connecting) return resolve();
    socket.write('', (error) => (error ? reject(error) : resolve()));
  });
}

function closedError(): SocketStateError {
  return new SocketStateError('Socket is closed', 'ERR_SOCKET_CLOSED');
}
