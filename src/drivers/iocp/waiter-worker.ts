import { isMainThread, Worker } from 'node:worker_threads';
import { INFINITE } from '../../../native-bindings/windows/constants.js';
import { WAITER_IDLE, type WaiterData, type WaiterMessage, type WaiterPort, waiterSteps } from './waiter-protocol.js';

/**
 * A thread that is in the kernel cannot be ended from outside. The main thread's exit wakes it; a worker that is
 * terminated runs no exit handler, so there the wait ends by itself now and then.
 */
const WAIT_IN_WORKER_MS = 250;

/** Threads without a port that are kept for the next one: to start one takes as long as thousands of receives. */
const MAX_IDLE = 1;

/** Whoever waits by way of the thread. */
export interface WaiterOwner {
  readonly port: WaiterPort;
  /** The thread has started, or has delivered. */
  heard(message: WaiterMessage): void;
  /** Puts something on the port, so that a wait ends. */
  interrupt(): void;
}

const idle: WaiterWorker[] = [];
const hired = new Set<WaiterWorker>();

/** Node joins its worker threads when it exits, and would wait for one in the kernel for ever. */
function interruptAll(): void {
  for (const worker of hired) worker.interrupt();
}

/** A worker thread that blocks in GetQueuedCompletionStatusEx for one owner after the other. */
export class WaiterWorker {
  readonly #worker: Worker;
  readonly #words: Int32Array;
  #owner: WaiterOwner;
  #up = false;

  private constructor(owner: WaiterOwner) {
    const control = new SharedArrayBuffer(4);
    this.#words = new Int32Array(control);
    this.#owner = owner;
    const workerData: WaiterData = { control, timeoutMs: isMainThread ? INFINITE : WAIT_IN_WORKER_MS };
    this.#worker = new Worker(new URL('./waiter-thread.js', import.meta.url), {
      workerData,
      name: 'overlapped-waiter',
      // None of the program's preloads, loaders and flags: it runs a loop of one call.
      execArgv: [],
      env: {},
    });
    this.#worker.on('message', (message: WaiterMessage) => this.#heard(message));
    this.#worker.on('error', (error) => {
      throw error;
    });
  }

  /** A thread for this owner: one that is idle, or a new one. */
  static hire(owner: WaiterOwner): WaiterWorker {
    const found = idle.pop();
    const worker = found ?? new WaiterWorker(owner);
    worker.#owner = owner;
    worker.#worker.postMessage(owner.port);
    waiterSteps.park(worker.#words);
    if (hired.size === 0) process.on('exit', interruptAll);
    hired.add(worker);
    return worker;
  }

  /** Whether the thread has begun to work. A new one takes some ten milliseconds. */
  get up(): boolean {
    return this.#up;
  }

  get delivered(): boolean {
    return waiterSteps.hasDelivered(this.#words);
  }

  taken(): void {
    waiterSteps.take(this.#words);
  }

  watch(): void {
    if (waiterSteps.send(this.#words)) waiterSteps.wake(this.#words);
  }

  ref(): void {
    this.#worker.ref();
  }

  unref(): void {
    this.#worker.unref();
  }

  /** Has the thread leave its owner's port; the owner hears 'left' when it has, if it still lives then. */
  dismiss(): void {
    hired.delete(this);
    if (hired.size === 0) process.off('exit', interruptAll);
    this.#worker.unref();
    this.interrupt();
  }

  /** Gets the thread out of the kernel, and away from the port. */
  interrupt(): void {
    if (waiterSteps.callOff(this.#words)) this.#owner.interrupt();
    waiterSteps.wake(this.#words);
  }

  #heard(message: WaiterMessage): void {
    if (message === 'up') this.#up = true;
    this.#owner.heard(message);
    if (message !== 'left' || waiterSteps.look(this.#words) !== WAITER_IDLE) return;
    if (idle.length < MAX_IDLE) idle.push(this);
    else void this.#worker.terminate();
  }
}
