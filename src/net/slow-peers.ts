import { InvalidArgumentError, OutOfRangeError, SystemError } from '../port/errors.js';
import type { NodeSocket } from './node-socket.js';
import { StreamHandle } from './stream-handle.js';

/** The slowest that a server bears, in bytes per second over a window. Absent: nothing is slow enough. */
export interface SlowPeerOptions {
  /** A peer that reads less, while there is something for it to read. */
  readonly minSendBytesPerSecond?: number | undefined;
  /** A peer that sends less, while the server wants bytes. An idle peer sends nothing: choose the window accordingly. */
  readonly minReceiveBytesPerSecond?: number | undefined;
  /** Milliseconds; 10,000 unless told otherwise. */
  readonly windowMs?: number | undefined;
}

/** Of one connection: where it stood when the window began. */
interface Mark {
  sent: number;
  received: number;
  /** Whether it had something to send, and wanted something, at that time. */
  sending: boolean;
  reading: boolean;
}

const DEFAULT_WINDOW_MS = 10_000;

/** Ends connections whose peer is too slow: one that does not read, or that trickles. */
export class SlowPeers {
  readonly #options: { [Key in keyof SlowPeerOptions]-?: number };
  readonly #marks = new Map<NodeSocket, Mark>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SlowPeerOptions) {
    if (typeof options !== 'object' || options === null) throw new InvalidArgumentError('slowPeers must be an object');
    this.#options = {
      minSendBytesPerSecond: rate('minSendBytesPerSecond', options.minSendBytesPerSecond),
      minReceiveBytesPerSecond: rate('minReceiveBytesPerSecond', options.minReceiveBytesPerSecond),
      windowMs: rate('windowMs', options.windowMs ?? DEFAULT_WINDOW_MS),
    };
    if (this.#options.windowMs < 1) throw new OutOfRangeError('windowMs must be 1 or more');
  }

  watch(socket: NodeSocket): void {
    this.#marks.set(socket, mark(socket));
    socket.once('close', () => this.#forget(socket));
    this.#timer ??= setInterval(() => this.#look(), this.#options.windowMs).unref();
  }

  #forget(socket: NodeSocket): void {
    this.#marks.delete(socket);
    if (this.#marks.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const seconds = this.#options.windowMs / 1000;
    for (const [socket, before] of this.#marks) {
      const now = mark(socket);
      this.#marks.set(socket, now);
      const read = (now.sent - before.sent) / seconds;
      const sent = (now.received - before.received) / seconds;
      if (before.sending && now.sending && read < this.#options.minSendBytesPerSecond)
        end(socket, 'ERR_SLOW_READER', `The peer reads too slowly: ${Math.round(read)} bytes per second`);
      else if (before.reading && now.reading && sent < this.#options.minReceiveBytesPerSecond)
        end(socket, 'ERR_SLOW_SENDER', `The peer sends too slowly: ${Math.round(sent)} bytes per second`);
    }
  }
}

/** No FIN, which would call the torso whole, and no waiting for what the peer does not take. */
function end(socket: NodeSocket, code: string, message: string): void {
  const error = new SystemError(message, { code, syscall: code === 'ERR_SLOW_READER' ? 'send' : 'recv' });
  if (socket.listenerCount('error') > 0) socket.emit('error', error);
  if (!socket.destroyed) socket.resetAndDestroy();
}

function mark(socket: NodeSocket): Mark {
  const handle = socket._handle;
  const pending = handle instanceof StreamHandle ? handle.writeQueueSize : 0;
  return {
    sent: (handle?.bytesWritten ?? 0) - pending,
    received: socket.bytesRead,
    sending: pending > 0 || socket.writableLength > 0,
    reading: handle?.reading ?? false,
  };
}

function rate(name: string, value: number | undefined): number {
  if (value === undefined) return 0;
  if (typeof value !== 'number') throw new InvalidArgumentError(`${name} must be a number`);
  if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) throw new OutOfRangeError(`${name} must be 0 or more`);
  return value;
}
