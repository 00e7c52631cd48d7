import type { Operation, OperationObserver } from '../port/operation.js';
import { NetTimeoutError } from './timeout-error.js';
import { errnoException, uvNumber } from './uv-errors.js';

export type WriteCallback = (error?: Error | null) => void;
export type WriteData = Uint8Array | Uint8Array[];

/** What the write side needs of its handle. */
export interface WriteHandle {
  /** An operation of the handle's, its kind and socket set. */
  sendOperation(): Operation;
  submitSend(operation: Operation): void;
  readonly sendTimeoutMs: number;
  /** Whether the socket is gone, so that nobody wants to know how a write ended. */
  readonly abandoned: boolean;
  uvErrorOf(operation: Operation): number;
  /** Calls `deliver` once the driver's batch is over. */
  defer(): void;
  /** The write side is another handle's from here on. */
  writeFinished(): void;
  /** Tells the socket; true where the write is to go on. */
  timedOut(error: NetTimeoutError): boolean;
}

/** One write at a time, as a `Writable` has it. A write that ran out of time may go on where it stopped. */
export class WriteSide implements OperationObserver {
  #handle: WriteHandle;
  /** The next one that nobody uses. */
  #next: WriteSide | null = null;
  #operation: Operation | null = null;
  #data: WriteData | null = null;
  #bytes = 0;
  #sentBefore = 0;
  #callback: WriteCallback | null = null;
  #status = 0;
  #timeoutMs = 0;
  #timedOut = false;
  #ended = false;
  #submitting = false;

  constructor(handle: WriteHandle) {
    this.#handle = handle;
  }

  /** One for the handle, an earlier one if there is: a handle has one only while it writes. */
  static take(handle: WriteHandle): WriteSide {
    const side = WriteSide.#free;
    if (side === null) return new WriteSide(handle);
    WriteSide.#free = side.#next;
    side.#next = null;
    side.#handle = handle;
    return side;
  }

  static #free: WriteSide | null = null;

  /** Bytes of the write in progress that have not gone. */
  get pendingBytes(): number {
    if (this.#callback === null) return 0;
    return this.#bytes - this.#sentBefore - (this.#operation?.bytesTransferred ?? 0);
  }

  /** It has ended, and nobody was told. */
  get isOver(): boolean {
    return this.#ended;
  }

  start(data: WriteData, bytes: number, callback: WriteCallback): void {
    this.#data = data;
    this.#bytes = bytes;
    this.#sentBefore = 0;
    this.#callback = callback;
    this.#submit(data);
    if (this.#ended) this.deliver();
  }

  operationSettled(operation: Operation): void {
    this.#operation = null;
    this.#sentBefore += operation.bytesTransferred;
    this.#timedOut = operation.outcome === 'cancelled' && operation.cancelReason === 'timeout';
    if (operation.outcome === 'done') this.#status = 0;
    else this.#status = operation.outcome === 'failed' ? this.#handle.uvErrorOf(operation) : uvNumber('ECANCELED');
    this.#ended = true;
    if (!this.#submitting) this.#handle.defer();
  }

  /** Tells how the write ended, if it has. */
  deliver(): void {
    if (!this.#ended) return;
    this.#ended = false;
    if (this.#timedOut && !this.#handle.abandoned) {
      const error = new NetTimeoutError('send', this.#timeoutMs, this.#sentBefore);
      if (!this.#handle.timedOut(error)) return this.#finish(error);
      if (!this.#handle.abandoned && this.#data !== null) {
        this.#submit(rest(this.#data, this.#sentBefore));
        // It may have ended at once: what is left fits by now, or the sending side has failed.
        return this.deliver();
      }
    }
    const failed = this.#status !== 0 && !this.#handle.abandoned;
    this.#finish(failed ? errnoException(this.#status, 'write') : null);
  }

  #submit(data: WriteData): void {
    const operation = this.#handle.sendOperation();
    operation.observer = this;
    if (data instanceof Uint8Array) operation.buffer = data;
    else operation.buffers = data;
    this.#operation = operation;
    this.#timeoutMs = this.#handle.sendTimeoutMs;
    this.#submitting = true;
    this.#handle.submitSend(operation);
    this.#submitting = false;
  }

  #finish(error: Error | null): void {
    const callback = this.#callback;
    this.#callback = null;
    this.#data = null;
    this.#handle.writeFinished();
    this.#next = WriteSide.#free;
    WriteSide.#free = this;
    callback?.(error);
  }
}

/** What is left of the data behind its first `from` bytes. */
function rest(data: WriteData, from: number): WriteData {
  if (data instanceof Uint8Array) return data.subarray(from);
  return [Buffer.concat(data).subarray(from)];
}
