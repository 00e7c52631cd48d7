import { Deadlines } from './deadlines.js';
import type { Driver, DriverEvents } from './driver.js';
import { SystemError } from './errors.js';
import { MAX_OPERATIONS } from './limits.js';
import { type CancelReason, Operation } from './operation.js';

/** Something of the user's to be called. Must not throw. */
export interface DeferredTask {
  run(): void;
}

/** Makes a driver that reports to `events`. */
export type DriverFactory = (events: DriverEvents) => Driver;

/**
 * The proactor: operations with deadlines over one driver. It belongs to the thread that made it.
 *
 * What is started in one host callback goes to the kernel together, at its end. A deadline only requests a cancel;
 * the operation ends when the driver says so (SEMANTICS 2).
 */
export class Proactor implements DriverEvents {
  readonly driver: Driver;
  readonly #deadlines: Deadlines;
  readonly #operations: Operation[] = [];
  #free: Operation | null = null;
  #outstanding = 0;
  #unreferenced = 0;
  #referenced = false;
  #flushScheduled = false;
  #closed = false;
  #deferred: DeferredTask[] = [];
  readonly #runDeferred = () => {
    const tasks = this.#deferred;
    this.#deferred = [];
    for (const task of tasks) task.run();
  };
  readonly #flush = () => {
    this.#flushScheduled = false;
    this.flush();
  };

  constructor(makeDriver: DriverFactory) {
    this.#deadlines = new Deadlines({ onExpire: (slot) => this.#expired(slot) });
    this.driver = makeDriver(this);
  }

  /** Operations that have not ended. */
  get outstanding(): number {
    return this.#outstanding;
  }

  get armedDeadlines(): number {
    return this.#deadlines.armedCount;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Takes an operation from the table. It must be given back with `release` after it has ended. */
  acquire(): Operation {
    let operation = this.#free;
    if (operation) {
      this.#free = operation.next;
      operation.next = null;
    } else {
      if (this.#operations.length >= MAX_OPERATIONS) {
        throw new SystemError('Cannot start an operation: the table of operations is full', {
          code: 'ENOBUFS',
          syscall: 'acquire',
        });
      }
      operation = new Operation(this.#operations.length);
      this.#operations.push(operation);
    }
    this.#outstanding++;
    return operation;
  }

  release(operation: Operation): void {
    this.#deadlines.disarm(operation.slot);
    // A send from a lent buffer holds on to it until the kernel is done with it; a receive has passed its own on.
    if (operation.lentBuffer !== -1 && operation.kind === 'send') this.driver.releaseLent(operation.lentBuffer);
    operation.recycle();
    operation.next = this.#free;
    this.#free = operation;
    this.#outstanding--;
  }

  /** Puts an operation on the clock. Infinity: it waits for ever. The clock starts at the end of this callback. */
  arm(operation: Operation, timeoutMs: number): void {
    if (timeoutMs === Number.POSITIVE_INFINITY) return;
    this.#deadlines.arm(operation.slot, timeoutMs);
    this.flushWanted();
  }

  disarm(operation: Operation): void {
    this.#deadlines.disarm(operation.slot);
  }

  /** Asks the driver to cancel a started operation; it ends through its owner all the same. */
  cancel(operation: Operation, reason: CancelReason): void {
    if (operation.state !== 'started') return;
    operation.state = 'cancelling';
    operation.cancelReason = reason;
    this.driver.cancel(operation);
    this.flushWanted();
  }

  completed(operation: Operation): void {
    operation.owner?.operationEnded(operation);
  }

  flushWanted(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    // nextTick runs when the microtasks of this callback are done: every continuation has had its chance to submit.
    process.nextTick(this.#flush);
  }

  /** Hands what was collected to the kernel now, and starts the clocks. */
  flush(): void {
    if (this.#closed) return;
    this.driver.flush();
    this.#deadlines.settle();
    this.#updateReference();
  }

  /** Runs user code soon: after the completions that are being delivered, in their order. */
  defer(task: DeferredTask): void {
    this.#deferred.push(task);
    if (this.#deferred.length === 1) queueMicrotask(this.#runDeferred);
  }

  /** Operations started for an `unref`ed socket do not keep the process alive. */
  holdUnreferenced(count: number): void {
    this.#unreferenced += count;
    this.flushWanted();
  }

  /** Ends the proactor and its driver. Sockets must be closed first; what is still pending is leaked, not freed. */
  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#deadlines.close();
    this.driver.destroy();
  }

  #expired(slot: number): void {
    const operation = this.#operations[slot];
    if (operation === undefined || operation.state === 'free') return;
    operation.owner?.deadlinePassed(operation);
  }

  #updateReference(): void {
    const referenced = this.#outstanding > this.#unreferenced;
    if (referenced === this.#referenced) return;
    this.#referenced = referenced;
    this.driver.setReferenced(referenced);
  }
}
