import type { NotifierWatch } from '../notifier.js';

/** Between looks while nothing comes: a millisecond, or so much that looking takes a twentieth of the time. */
const SHORTEST_INTERVAL_MS = 1;
const LONGEST_INTERVAL_MS = 16;
const INTERVALS_PER_COST = 20;

/** After something has come, the next is looked for in every turn of the event loop for this long. */
const BUSY_MS = 1;

/** What a timer's watch needs to know of the waits it watches. */
export interface Watched {
  /** Whether there is anything to wait for. Without, no timer runs. */
  readonly wantsAnything: boolean;
  /** Delivered reports so far: whether a look has found something. */
  readonly reports: number;
}

/**
 * A watch by the host's timers, for stacks whose descriptors mean nothing to the host: it looks at every turn of the
 * event loop while the stack is busy, and at intervals otherwise. With a thousand sockets a look costs about a tenth of
 * a millisecond, and the intervals grow to two.
 */
export class TimerWatch implements NotifierWatch {
  readonly #watched: Watched;
  readonly #look: () => void;
  #timer: NodeJS.Timeout | null = null;
  #timerMs = 0;
  #immediate: NodeJS.Immediate | null = null;
  #intervalMs = SHORTEST_INTERVAL_MS;
  #busyUntil = 0;
  #referenced = true;
  #closed = false;
  readonly #onTurn = () => {
    this.#immediate = null;
    this.#tick();
  };
  readonly #onTimer = () => {
    this.#timerMs = 0;
    this.#tick();
  };

  constructor(watched: Watched, look: () => void) {
    this.#watched = watched;
    this.#look = look;
    this.wake();
  }

  /** Something is wanted that was not before. */
  wake(): void {
    if (this.#closed || this.#immediate !== null || this.#timerMs > 0) return;
    this.#nextTurn();
  }

  ref(): void {
    this.#referenced = true;
    this.#timer?.ref();
    this.#immediate?.ref();
  }

  unref(): void {
    this.#referenced = false;
    this.#timer?.unref();
    this.#immediate?.unref();
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#immediate !== null) clearImmediate(this.#immediate);
  }

  #tick(): void {
    if (this.#closed) return;
    const before = this.#watched.reports;
    const start = performance.now();
    this.#look();
    const end = performance.now();
    if (this.#watched.reports !== before) this.#busyUntil = end + BUSY_MS;
    // `look` may have woken or closed the watch.
    if (this.#closed || this.#immediate !== null || this.#timerMs > 0 || !this.#watched.wantsAnything) return;
    if (end < this.#busyUntil) return this.#nextTurn();
    const wantedMs = (end - start) * INTERVALS_PER_COST;
    this.#intervalMs += (wantedMs - this.#intervalMs) / 4;
    this.#wait(Math.round(Math.min(Math.max(this.#intervalMs, SHORTEST_INTERVAL_MS), LONGEST_INTERVAL_MS)));
  }

  #nextTurn(): void {
    this.#immediate = setImmediate(this.#onTurn);
    if (!this.#referenced) this.#immediate.unref();
  }

  #wait(ms: number): void {
    this.#timerMs = ms;
    this.#timer = setTimeout(this.#onTimer, ms);
    if (!this.#referenced) this.#timer.unref();
  }
}
