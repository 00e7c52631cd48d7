import type { SimulationFlags } from './flags.js';

const US_PER_MS = 1000;

/** How long the simulated stack waits, given what it was told. Milliseconds; Infinity for ever; -1: it refuses. */
export class Timeouts {
  readonly #flags: SimulationFlags;

  constructor(flags: SimulationFlags) {
    this.#flags = flags;
  }

  /** poll's and epoll_wait's timeout, in the stack's own unit. */
  ofPoll(timeout: number): number {
    if (timeout < 0) return Number.POSITIVE_INFINITY;
    return this.#limited(this.#flags.timeoutUnit === 'microseconds' ? timeout / US_PER_MS : timeout);
  }

  /** select's timeval. */
  ofSelect(seconds: number, microseconds: number): number {
    if (seconds < 0 || microseconds < 0 || microseconds >= 1_000_000) return -1;
    return this.#limited(seconds * 1000 + microseconds / US_PER_MS);
  }

  // A wait without an end is a case of its own in every stack; it is the arithmetic on long ones that fails.
  #limited(timeoutMs: number): number {
    const longest = this.#flags.longestTimeoutMs ?? Number.POSITIVE_INFINITY;
    if (timeoutMs <= longest) return timeoutMs;
    return this.#flags.longTimeout === 'returnsEarly' ? longest : -1;
  }
}
