/** What the thread that blocks is told: a receive, and four words to report in. */
export interface ReceiveOrder {
  readonly fd: number;
  /** Of mapped memory. */
  readonly address: number;
  readonly length: number;
  readonly shared: SharedArrayBuffer;
}

// The words. RESULT is valid once STATE is ENDED: the bytes, or the negated errno.
export const STATE = 0;
export const RESULT = 1;
export const THREAD = 2;
export const WORDS = 4;

export const WAITING = 0;
export const STARTED = 1;
export const ENDED = 2;
