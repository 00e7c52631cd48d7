import type { StackLayouts } from '../profile/profile.js';
import type { QuirkFlags } from '../profile/quirks.js';
import { writeField } from './fields.js';

const MAX_INT32 = 2 ** 31 - 1;
const NO_END = -1;

/** What a poll or an epoll_wait may be asked to take at once, and the number that says so. */
export class PollTimeouts {
  readonly #unitsPerMs: number;
  readonly #longestMs: number;
  readonly #mayBeEndless: boolean;

  constructor(quirks: QuirkFlags) {
    this.#unitsPerMs = quirks.timeoutUnit === 'microseconds' ? 1000 : 1;
    this.#longestMs = Math.min(Math.floor(MAX_INT32 / this.#unitsPerMs), quirks.longestTimeoutMs ?? MAX_INT32);
    this.#mayBeEndless = quirks.longestTimeoutMs === undefined;
  }

  /** How much of these milliseconds one call may take. */
  slice(remainingMs: number): number {
    return remainingMs > this.#longestMs && !(remainingMs === Infinity && this.#mayBeEndless)
      ? this.#longestMs
      : remainingMs;
  }

  /** In the stack's unit, rounded up: a wait must not end early. */
  native(timeoutMs: number): number {
    return timeoutMs === Infinity ? NO_END : Math.ceil(timeoutMs * this.#unitsPerMs);
  }
}

/** The longest that one select is asked to take where it may not be asked for ever: a day. */
const LONGEST_TIMEVAL_MS = 86_400_000;

export type TimevalLayout = NonNullable<StackLayouts['timeval']>;

/** The same for select, whose timeout is a `struct timeval`, or NULL for ever. */
export class SelectTimeouts {
  readonly #layout: TimevalLayout;
  readonly #littleEndian: boolean;
  readonly #longestMs: number;
  readonly #mayBeEndless: boolean;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;

  constructor(layout: TimevalLayout, byteOrder: 'little' | 'big', quirks: QuirkFlags) {
    this.#layout = layout;
    this.#littleEndian = byteOrder === 'little';
    this.#longestMs = Math.min(LONGEST_TIMEVAL_MS, quirks.longestTimeoutMs ?? LONGEST_TIMEVAL_MS);
    this.#mayBeEndless = !quirks.nullTimeoutCrashes && quirks.longestTimeoutMs === undefined;
    this.#bytes = new Uint8Array(layout.size);
    this.#view = new DataView(this.#bytes.buffer);
  }

  slice(remainingMs: number): number {
    return remainingMs > this.#longestMs && !(remainingMs === Infinity && this.#mayBeEndless)
      ? this.#longestMs
      : remainingMs;
  }

  /** The timeval, written anew for each call since Linux changes it; NULL for ever. */
  native(timeoutMs: number): Uint8Array | null {
    if (timeoutMs === Infinity) return null;
    const seconds = Math.floor(timeoutMs / 1000);
    const microseconds = Math.ceil((timeoutMs - seconds * 1000) * 1000);
    const carry = microseconds >= 1_000_000 ? 1 : 0;
    writeField(this.#view, 0, this.#layout.seconds, seconds + carry, this.#littleEndian);
    writeField(this.#view, 0, this.#layout.microseconds, microseconds - carry * 1_000_000, this.#littleEndian);
    return this.#bytes;
  }
}
