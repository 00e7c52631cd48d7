/** The bits of a normalised poll, whatever numbers the stack has for them. */
export const POLLIN = 1;
export const POLLPRI = 2;
export const POLLOUT = 4;
export const POLLERR = 8;
export const POLLHUP = 16;
export const POLLNVAL = 32;

/**
 * What a poll is asked and answers: entry i is a descriptor, the events that are wanted of it, and those that were
 * found. A descriptor below 0 is passed over, as POSIX has it. Reused from call to call; only the first `count` count.
 */
export interface PollEntries {
  readonly descriptors: Int32Array;
  readonly events: Uint16Array;
  readonly revents: Uint16Array;
  readonly count: number;
}

/** What a select is asked: descriptors. It answers with those that are ready. Each list is in the order it was given. */
export interface SelectLists {
  readonly read: readonly number[];
  readonly write: readonly number[];
  readonly except: readonly number[];
}

/**
 * poll(2) and select(2) as POSIX means them, on any stack. Results are as everywhere in src/bsd: 0 or more, or the
 * negated native error of a failure that is the call's own. An error that is pending on a *socket* is none: the call
 * has succeeded, the socket is ready, and the error is kept for that socket's next call.
 *
 * `timeoutMs` is how long the calling thread may be blocked: 0 is not at all, Infinity until something happens.
 */
export interface StackWaiter {
  /** Fills `revents`; how many entries have any. */
  poll(entries: PollEntries, timeoutMs: number): number;
  /** The ready descriptors, or the negated error. Throws ERR_OUT_OF_RANGE for a descriptor that `canSelect` denies. */
  select(lists: SelectLists, timeoutMs: number): SelectLists | number;
  /** Whether `poll` can be asked about the descriptor: not where it is built from a select whose sets are too small. */
  canPoll(descriptor: number): boolean;
  /** Whether an fd_set can hold the descriptor. */
  canSelect(descriptor: number): boolean;
}
