import { isMainThread, Worker } from 'node:worker_threads';
import { INFINITE } from '../../../native-bindings/windows/constants.js';
import * as protocol from './waiter-protocol.js';

/**
 * A thread that is in the kernel cannot be ended from outside. The main thread's exit wakes it; a worker that is
 * terminated runs no exit handler, so there the wait ends by itself now and then.
 */
const WAIT_IN_WORKER_MS = 250;

/** Until the thread has started, the port is looked at this often. */
const POLL_WHILE_STARTING_MS = 1;

export interface WaiterOptions {
  readonly port: number;
  readonly entries: number;
  readonly capacity: number;
  readonly removed: number;
  /** Completions may be there: in the waiter's buffer, or (while it starts) on the port. */
  readonly onCompletions: () => void;
  /** Puts something on the port, so that a wait ends. */
  readonly interrupt: () => void;
  /** The thread has left the port alone for good. */
  readonly onEnded: () => void;
}

/**
 * The event loop's ear at the completion port: a worker thread that blocks in GetQueuedCompletionStatusEx. koffi's own
 * `async` calls would do the same on a thread of libuv's pool, but there are four of those for all of a process's file
 * system and DNS calls, and a call in flight there always keeps the process alive.
 *
 * It watches from `watch()` until it has delivered once.
 */
export class Waiter {
  readonly #options: WaiterOptions;
  readonly #control = new SharedArrayBuffer(4);
  readonly #words = new Int32Array(this.#control);
  #worker: Worker | null = null;
  #starting: NodeJS.Timeout | null = null;
  #referenced = false;
  #stopped = false;
  readonly #onExit = () => this.stop();

  constructor(options: WaiterOptions) {
    this.#options = options;
  }

  /** Completions lie in the waiter's buffer. `taken` gives the buffer back. */
  get delivered(): boolean {
    return Atomics.load(this.#words, protocol.WAITER_STATE) === protocol.WAITER_DELIVERED;
  }

  taken(): void {
    Atomics.store(this.#words, protocol.WAITER_STATE, protocol.WAITER_PARKED);
  }

  /** Has the thread wait for completions, unless it does already. */
  watch(): void {
    if (Atomics.load(this.#words, protocol.WAITER_STATE) !== protocol.WAITER_PARKED || this.#stopped) return;
    Atomics.store(this.#words, protocol.WAITER_STATE, protocol.WAITER_WATCHING);
    if (this.#worker === null) this.#start();
    else Atomics.notify(this.#words, protocol.WAITER_STATE);
  }

  /** Whether the thread keeps the process alive. */
  setReferenced(referenced: boolean): void {
    if (this.#referenced === referenced) return;
    this.#referenced = referenced;
    this.#applyReference();
  }

  /** Ends the thread; its owner hears `onEnded` when it is over, if it still lives then. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    if (this.#starting !== null) clearInterval(this.#starting);
    this.#starting = null;
    process.off('exit', this.#onExit);
    Atomics.store(this.#words, protocol.WAITER_STATE, protocol.WAITER_STOPPED);
    Atomics.notify(this.#words, protocol.WAITER_STATE);
    if (this.#worker === null) return this.#options.onEnded();
    this.#options.interrupt();
    this.#worker.unref();
  }

  #start(): void {
    const { port, entries, capacity, removed, onCompletions, onEnded } = this.#options;
    const timeoutMs = isMainThread ? INFINITE : WAIT_IN_WORKER_MS;
    const workerData: protocol.WaiterData = { port, entries, capacity, removed, timeoutMs, control: this.#control };
    const worker = new Worker(new URL('./waiter-thread.js', import.meta.url), {
      workerData,
      name: 'overlapped-waiter',
      // None of the program's preloads, loaders and flags: it runs a loop of one call.
      execArgv: [],
      env: {},
    });
    this.#worker = worker;
    worker.on('message', (message: protocol.WaiterMessage) => {
      if (message === 'up') this.#started();
      if (!this.#stopped) onCompletions();
    });
    worker.on('error', (error) => {
      throw error;
    });
    worker.once('exit', onEnded);
    // Node joins its worker threads when it exits, and would wait for this one for ever.
    process.on('exit', this.#onExit);
    this.#starting = setInterval(onCompletions, POLL_WHILE_STARTING_MS);
    this.#applyReference();
  }

  #started(): void {
    if (this.#starting !== null) clearInterval(this.#starting);
    this.#starting = null;
  }

  #applyReference(): void {
    if (this.#referenced) {
      this.#worker?.ref();
      this.#starting?.ref();
    } else {
      this.#worker?.unref();
      this.#starting?.unref();
    }
  }
}
