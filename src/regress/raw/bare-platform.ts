import type { OperationOutcome, SendAccount } from './cell.js';
import type { Cell, CloseWay, Pending, Unread } from './matrix.js';

/** The platforms that can be characterised: an interface of the system's each, and none of the library's drivers. */
export type BareName = 'io_uring' | 'epoll' | 'iocp';

export const BARE_NAMES: readonly BareName[] = ['io_uring', 'epoll', 'iocp'];

/** What was measured, never more: Wine is `wine`. */
export interface PlatformTitle {
  readonly system: 'linux' | 'wine' | 'windows';
  /** `6.18.44`, without what a machine's builder puts behind it. */
  readonly version: string;
  readonly interface: BareName;
}

/** How the platform spells the axes. */
export interface Vocabulary {
  readonly pending: Readonly<Record<Pending, string>>;
  readonly close: Partial<Readonly<Record<CloseWay, string>>>;
  readonly unread: Readonly<Record<Unread, string>>;
  /** What is said of something pending that did not end while it was looked at. */
  readonly unended: Readonly<Record<Pending, string>>;
}

/**
 * How bytes come to be unread in a cell. `before`: the peer sends before the close begins. `low-water`: the same, and a
 * low-water mark above them keeps them from completing the receive. `after-cancel`: they come when the cancelled
 * receive is over, and before the handle is closed.
 */
export type UnreadWay = 'before' | 'low-water' | 'after-cancel';

export type CellWay =
  | { readonly applicable: true; readonly unread: UnreadWay | null; readonly note: string }
  | { readonly applicable: false; readonly note: string };

/** One system interface and nothing else: no policy, no driver. */
export interface BarePlatform {
  readonly title: PlatformTitle;
  readonly closeWays: readonly CloseWay[];
  readonly vocabulary: Vocabulary;
  /** How the state of a cell is reached here, or why it cannot be. */
  wayOf(cell: Cell): CellWay;
  /** Connects a socket to the peer's, over 127.0.0.1. */
  open(): BareConnection;
  destroy(): void;
}

/**
 * A connection whose own end is used through the interface under test. Every call returns at once or within the time
 * it is given. A call of the system's that should not fail and does throws BareError.
 */
export interface BareConnection {
  readonly localPort: number;
  readonly peer: PlainSocket;
  /** Starts what is to be pending, and sees that it is: sends are repeated until one stays. */
  post(pending: Exclude<Pending, 'none'>): void;
  /** Makes bytes below `bytes` complete no receive (SO_RCVLOWAT). Only where `wayOf` says `low-water`. */
  setLowWater(bytes: number): void;
  /** '' if exactly what was posted is pending in the kernel; otherwise what is there instead. */
  pendingProblem(): string;
  /** FIONREAD. */
  unreadBytes(): number;
  /** Null where nothing was sent. */
  readonly sends: SendAccount | null;
  shutdownSend(): void;
  lingerZero(): void;
  cancel(): void;
  /** Takes completions until none of ours is missing, or the time is over; gives whether none is missing. */
  reap(withinMs: number): boolean;
  /** The platform's close. The handle is gone afterwards. */
  close(way: 'close' | 'op-close'): void;
  /** How what was pending when the close began has ended, as far as it was reaped. */
  outcomes(): readonly BareOutcome[];
  /** Ends whatever is left: the peer's end is closed, and everything pending awaited. */
  destroy(): void;
}

export type BareOutcome = Omit<OperationOutcome, 'ended'> & { readonly over: boolean };

/** The peer's end: a plain, non-blocking socket. */
export interface PlainSocket {
  /** Waits until there is something to read, an end or an error included. */
  waitReadable(withinMs: number): boolean;
  /** Bytes; 0 at the end of the stream; a code where the call failed; null where there is nothing yet. */
  recv(): number | string | null;
  /** '' where the system took all of the bytes, otherwise the code. */
  send(data: Uint8Array): string;
  close(): void;
}

/** A call of the system's failed that a cell needs to get anywhere. */
export class BareError extends Error {
  override name = 'BareError';

  constructor(call: string, code: string) {
    super(`${call} failed: ${code}`);
  }
}
