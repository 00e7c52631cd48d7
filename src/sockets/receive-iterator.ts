import type { Driver } from '../port/driver.js';
import type { Operation } from '../port/operation.js';
import { LentBuffer } from './lent-buffer.js';

/** The receive of a loop, for the loop alone: submits one lending receive whose completion goes to `iterator.yielded`. */
export const receiveNext = Symbol('receiveNext');

/** What a loop receives from. */
export interface ReceiveSource {
  [receiveNext](iterator: ReceiveIterator): Promise<IteratorResult<LentBuffer, undefined>>;
}

/**
 * The loop over received bytes. The chunk and the result object are one each for the whole loop: a server with
 * thousands of connections makes no garbage for a message but the promise.
 */
export class ReceiveIterator implements AsyncIterableIterator<LentBuffer> {
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly #source: ReceiveSource;
  readonly #chunk: LentBuffer;
  readonly #result: IteratorYieldResult<LentBuffer>;
  #ended = false;

  constructor(source: ReceiveSource, driver: Driver, timeoutMs: number | undefined, signal: AbortSignal | undefined) {
    this.#source = source;
    this.timeoutMs = timeoutMs;
    this.signal = signal;
    this.#chunk = new LentBuffer(driver);
    this.#result = { done: false, value: this.#chunk };
  }

  next(): Promise<IteratorResult<LentBuffer, undefined>> {
    this.#chunk.release();
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    try {
      return this.#source[receiveNext](this);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  return(): Promise<IteratorResult<LentBuffer, undefined>> {
    this.#ended = true;
    this.#chunk.release();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** For the library: what the loop gets for a completed receive. */
  yielded(operation: Operation): IteratorResult<LentBuffer, undefined> {
    if (operation.bytesTransferred === 0) {
      this.#ended = true;
      return { done: true, value: undefined };
    }
    this.#chunk.assign(operation.lentBuffer, operation.lentOffset, operation.lentLength);
    return this.#result;
  }
}
