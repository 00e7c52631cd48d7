import { operationError } from '../port/errors.js';
import { MAX_QUEUED_OPERATIONS } from '../port/limits.js';
import type { CancelReason, Operation, OperationOwner } from '../port/operation.js';
import type { Proactor } from '../port/proactor.js';
import { type AbortTarget, unwatchSignal, watchSignal } from './abort-watch.js';

// One executor for all promises: it runs inside `new Promise` and so cannot be interleaved.
let resolveLast: (value: unknown) => void;
let rejectLast: (error: Error) => void;
const capture = (resolve: (value: unknown) => void, reject: (error: Error) => void) => {
  resolveLast = resolve;
  rejectLast = reject;
};

/**
 * The operations of one direction of a socket, first in, first out. The driver has the first; the others wait here
 * and are on the clock all the same (SEMANTICS 4).
 */
export class OperationQueue implements OperationOwner, AbortTarget {
  readonly #proactor: Proactor;
  #head: Operation | null = null;
  #tail: Operation | null = null;
  #length = 0;
  #onEmpty: (() => void) | null = null;
  #referenced = true;

  constructor(proactor: Proactor) {
    this.#proactor = proactor;
  }

  /** Operations that have not ended, those left pending after a timeout included. */
  get length(): number {
    return this.#length;
  }

  /** Whether what is pending here keeps the process alive. */
  setReferenced(referenced: boolean): void {
    if (referenced === this.#referenced) return;
    this.#referenced = referenced;
    this.#proactor.holdUnreferenced(referenced ? -this.#length : this.#length);
  }

  /**
   * Submits an operation whose arguments are set; the promise settles on its one completion, with what its `convert`
   * makes of it. The operation belongs to the queue from here on.
   */
  submit(operation: Operation, timeoutMs: number, signal: AbortSignal | undefined): Promise<unknown> {
    operation.owner = this;
    if (signal?.aborted) {
      operation.signal = signal;
      operation.cancelReason = 'signal';
      operation.cancelled();
      return this.#settled(operation);
    }
    if (this.#begin(operation, timeoutMs)) return this.#settled(operation);
    const promise = new Promise(capture);
    operation.resolve = resolveLast;
    operation.reject = rejectLast;
    if (signal !== undefined) {
      operation.signal = signal;
      watchSignal(signal, operation, this);
    }
    return promise;
  }

  /** Submits an operation whose `observer` is told of its end, perhaps before this returns. */
  submitObserved(operation: Operation, timeoutMs: number): void {
    operation.owner = this;
    if (this.#begin(operation, timeoutMs)) this.#settle(operation);
  }

  operationEnded(operation: Operation): void {
    this.#shift();
    this.#settle(operation);
    this.#startNext();
  }

  deadlinePassed(operation: Operation): void {
    if (operation.state === 'queued') {
      this.#unlink(operation);
      this.#endQueued(operation, 'timeout');
    } else if (operation.leavePending && operation.state === 'started') this.#abandon(operation);
    else this.#proactor.cancel(operation, 'timeout');
  }

  abortRequested(operation: Operation): void {
    if (operation.state === 'queued') {
      this.#unlink(operation);
      this.#endQueued(operation, 'signal');
    } else this.#proactor.cancel(operation, 'signal');
  }

  /** Cancels all; those that the driver has end when it says so. */
  cancelAll(reason: CancelReason): void {
    const first = this.#head;
    if (first === null) return;
    let waiting = first.next;
    first.next = null;
    this.#tail = first;
    this.#count(1 - this.#length);
    this.#proactor.cancel(first, reason);
    while (waiting !== null) {
      const { next } = waiting;
      waiting.next = null;
      this.#endQueued(waiting, reason);
      waiting = next;
    }
  }

  /** Calls back once nothing is pending: at once, or when the last operation has ended. */
  whenEmpty(callback: () => void): void {
    if (this.#head === null) callback();
    else {
      const previous = this.#onEmpty;
      this.#onEmpty = previous
        ? () => {
            previous();
            callback();
          }
        : callback;
    }
  }

  /** Starts or queues an operation and puts it on the clock. True: it has ended already. */
  #begin(operation: Operation, timeoutMs: number): boolean {
    if (this.#head === null) {
      operation.state = 'started';
      if (this.#proactor.driver.start(operation)) return true;
      this.#head = operation;
      if (timeoutMs === 0) this.#proactor.cancel(operation, 'timeout');
    } else {
      if (this.#length >= MAX_QUEUED_OPERATIONS) return operation.refused();
      operation.state = 'queued';
      if (timeoutMs === 0) {
        operation.cancelReason = 'timeout';
        return operation.cancelled();
      }
      if (this.#tail !== null) this.#tail.next = operation;
    }
    this.#tail = operation;
    this.#count(1);
    if (timeoutMs > 0) this.#proactor.arm(operation, timeoutMs);
    this.#proactor.flushWanted();
    return false;
  }

  /** The promise of an operation that ended before it had one. */
  #settled(operation: Operation): Promise<unknown> {
    if (operation.outcome === 'done') {
      const value = operation.convert?.(operation);
      this.#proactor.release(operation);
      return Promise.resolve(value);
    }
    const error = operationError(this.#proactor.driver, operation);
    this.#proactor.release(operation);
    return Promise.reject(error);
  }

  #settle(operation: Operation): void {
    const { resolve, reject, observer } = operation;
    if (operation.signal !== null) unwatchSignal(operation.signal, operation);
    if (observer !== null) {
      observer.operationSettled(operation);
      this.#proactor.release(operation);
      return;
    }
    if (operation.outcome === 'done') {
      // An abandoned operation has nobody to tell, and took nothing.
      const value = resolve === null ? undefined : operation.convert?.(operation);
      this.#proactor.release(operation);
      resolve?.(value);
      return;
    }
    const error = reject === null ? null : operationError(this.#proactor.driver, operation);
    this.#proactor.release(operation);
    if (error !== null) reject?.(error);
  }

  /** The timeout of a `leavePending` operation: the promise fails, and the operation stays, taking no bytes. */
  #abandon(operation: Operation): void {
    const { reject, observer } = operation;
    operation.cancelReason = 'timeout';
    operation.outcome = 'cancelled';
    const error = reject === null ? null : operationError(this.#proactor.driver, operation);
    observer?.operationSettled(operation);
    operation.cancelReason = 'none';
    operation.observer = null;
    operation.resolve = null;
    operation.reject = null;
    if (operation.signal !== null) unwatchSignal(operation.signal, operation);
    operation.waitOnly = operation.kind === 'recv';
    if (error !== null) reject?.(error);
  }

  #endQueued(operation: Operation, reason: CancelReason): void {
    operation.cancelReason = reason;
    operation.cancelled();
    this.#settle(operation);
  }

  #count(change: number): void {
    this.#length += change;
    if (!this.#referenced) this.#proactor.holdUnreferenced(change);
  }

  #shift(): void {
    const first = this.#head;
    if (first === null) return;
    this.#head = first.next;
    first.next = null;
    if (this.#head === null) this.#tail = null;
    this.#count(-1);
  }

  #unlink(operation: Operation): void {
    let before = this.#head;
    while (before !== null && before.next !== operation) before = before.next;
    if (before === null) return;
    before.next = operation.next;
    if (this.#tail === operation) this.#tail = before;
    operation.next = null;
    this.#count(-1);
  }

  /** Starts the operation that is first now; those that end at once make room for the one behind. */
  #startNext(): void {
    for (let operation = this.#head; operation !== null; operation = this.#head) {
      operation.state = 'started';
      if (!this.#proactor.driver.start(operation)) {
        this.#proactor.flushWanted();
        return;
      }
      this.#shift();
      this.#settle(operation);
    }
    const callback = this.#onEmpty;
    this.#onEmpty = null;
    callback?.();
  }
}
