import type { Driver } from '../port/driver.js';
import type { Operation } from '../port/operation.js';
import { LentBuffer } from './lent-buffer.js';

/** Submits one lending receive whose completion `convert` turns into the iterator's result. */
type SubmitReceive = (convert: (operation: Operation) => unknown, iterator: ReceiveIterator) => Promise<unknown>;

/**
 * The loop over received bytes. The chunk and the result object are one each for the whole loop: a server with
 * thousands of connections makes no garbage for a message but the promise.
 */
export class ReceiveIterator implements AsyncIterableIterator<LentBuffer> {
  readonly #submit: SubmitReceive;
  readonly #chunk: LentBuffer;
  readonly #result: IteratorYieldResult<LentBuffer>;
  #ended = false;

  constructor(driver: Driver, submit: SubmitReceive) {
    this.#submit = submit;
    this.#chunk = new LentBuffer(driver);
    this.#result = { done: false, value: this.#chunk };
  }

  next(): Promise<IteratorResult<LentBuffer, undefined>> {
    this.#chunk.release();
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    try {
      return this.#submit(yieldChunk, this) as Promise<IteratorResult<LentBuffer, undefined>>;
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

const yieldChunk = (operation: Operation) => (operation.context as ReceiveIterator).yielded(operation);
