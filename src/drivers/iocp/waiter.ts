import type { WaiterMessage, WaiterPort } from './waiter-protocol.js';
import { type WaiterOwner, WaiterWorker } from './waiter-worker.js';

/** Until the thread has started, the port is looked at this often. */
const POLL_WHILE_STARTING_MS = 1;

export interface WaiterOptions {
  readonly port: WaiterPort;
  /** Completions may be there: in the waiter's buffer, or (while its thread starts) on the port. */
  readonly onCompletions: () => void;
  /** Puts something on the port, so that a wait ends. */
  readonly interrupt: () => void;
  /** The port is nobody's any more. */
  readonly onEnded: () => void;
}

/**
 * The event loop's ear at a completion port: a worker thread that blocks in GetQueuedCompletionStatusEx. koffi's own
 * `async` calls would do the same on a thread of libuv's pool, but there are four of those for all of a process's file
 * system and DNS calls, and a call in flight there always keeps the process alive.
 *
 * It watches from `watch()` until it has delivered once.
 */
export class Waiter implements WaiterOwner {
  readonly port: WaiterPort;
  readonly #options: WaiterOptions;
  #worker: WaiterWorker | null = null;
  #starting: NodeJS.Timeout | null = null;
  #referenced = false;
  #stopped = false;

  constructor(options: WaiterOptions) {
    this.#options = options;
    this.port = options.port;
  }

  /** The thread does not work yet, and whoever wants to hear of completions has to look at the port. */
  get starting(): boolean {
    return this.#starting !== null;
  }

  /** Completions lie in the waiter's buffer. `taken` gives the buffer back. */
  get delivered(): boolean {
    return this.#worker !== null && !this.#stopped && this.#worker.delivered;
  }

  taken(): void {
    this.#worker?.taken();
  }

  /** Has the thread wait for completions, unless it does already. */
  watch(): void {
    if (this.#stopped) return;
    if (this.#worker === null) this.#worker = this.#hire();
    this.#worker.watch();
  }

  /** Whether the thread keeps the process alive. */
  setReferenced(referenced: boolean): void {
    if (this.#referenced === referenced || this.#stopped) return;
    this.#referenced = referenced;
    this.#applyReference();
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#endStart();
    if (this.#worker === null) this.#options.onEnded();
    else this.#worker.dismiss();
  }

  heard(message: WaiterMessage): void {
    if (message === 'up') this.#endStart();
    if (message === 'left') this.#options.onEnded();
    else if (!this.#stopped) this.#options.onCompletions();
  }

  interrupt(): void {
    this.#options.interrupt();
  }

  #hire(): WaiterWorker {
    this.#worker = WaiterWorker.hire(this);
    if (!this.#worker.up) this.#starting = setInterval(this.#options.onCompletions, POLL_WHILE_STARTING_MS);
    this.#applyReference();
    return this.#worker;
  }

  #endStart(): void {
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
