import type { PollEntries, SelectLists } from './waiter.js';

/**
 * The call has returned at once because of an error that is pending on a socket it was not asked about. Nothing has
 * been found, and to ask again at once would be to spin. (No negated error number is this small.)
 */
export const ELSEWHERE = -(2 ** 31);

/**
 * One poll on the stack, without patience: it may be interrupted, end early, or have nothing to say. `revents` is
 * filled in whenever the result is not negative. The result: entries that are ready, a negated error, or ELSEWHERE.
 */
export interface OnePoll {
  /** The longest that `poll` may take of this many milliseconds. */
  slice(entries: PollEntries, remainingMs: number): number;
  poll(entries: PollEntries, timeoutMs: number): number;
}

/** One select likewise; null where nothing is ready. */
export interface OneSelect {
  slice(lists: SelectLists, remainingMs: number): number;
  select(lists: SelectLists, timeoutMs: number): SelectLists | number | null;
}
