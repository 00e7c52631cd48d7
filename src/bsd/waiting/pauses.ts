/** A pause after a wait that was ended by nothing anybody waits for; it doubles while that goes on. */
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 32;

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Blocks the calling thread. Infinity is for ever, as a wait for nothing without an end is in POSIX. */
export function sleepLocally(timeoutMs: number): void {
  if (timeoutMs > 0) Atomics.wait(sleeper, 0, 0, timeoutMs);
}

/** Pauses that grow: 1 ms, 2 ms … 32 ms. */
export class GrowingPauses {
  #nextMs = FIRST_PAUSE_MS;

  reset(): void {
    this.#nextMs = FIRST_PAUSE_MS;
  }

  /** The pause to make now. */
  next(): number {
    const pauseMs = this.#nextMs;
    this.#nextMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    return pauseMs;
  }
}
