// What a report says of a socket, as bits.
/** A receive or an accept would not wait. */
export const READABLE = 1;
/** A send would not wait, or a connect is over. */
export const WRITABLE = 2;
/** The receiving side has come to its end, or an error is pending: it stands behind what can still be received. */
export const ENDING = 4;
/** Urgent data has arrived. A receive stops short of it (tcp(7)), whatever comes after it. */
export const URGENT = 8;

/** Takes one report about a registered socket. Runs no user code. */
export type ReadinessSink = (index: number, generation: number, report: number) => void;

/** A watch for reports, from the host's own event loop. */
export interface NotifierWatch {
  ref(): void;
  unref(): void;
  close(): void;
}

/**
 * Says which sockets have become ready: epoll, poll, select. A socket is registered under the index and the generation
 * that its reports name, so that a report about one that is gone is recognised.
 *
 * Edge-triggered: both directions are reported whenever something new arrives, once. Otherwise a direction is reported
 * once after each `want` for it, and for as long as nobody wants it the notifier leaves it alone: a level that nobody
 * consumes must not keep the host's event loop busy.
 *
 * Calls that can fail return 0 or the platform's error number.
 */
export interface Notifier {
  readonly edgeTriggered: boolean;
  /** Sockets that one `wait` can report. */
  readonly reportsPerWait: number;
  /** Registers a socket. Whatever it is ready for at this moment is reported by the next `wait`. */
  add(descriptor: number, index: number, generation: number): number;
  /** Ends the registration; call it before the descriptor is closed. */
  remove(descriptor: number): void;
  /** Asks for one report of each direction named, besides those asked for before. Not for edge-triggered ones. */
  want(descriptor: number, readable: boolean, writable: boolean): void;
  /** Delivers what is there, without waiting. True: it was as much as one call can deliver, and there may be more. */
  wait(sink: ReadinessSink): boolean;
  /** Calls back from the host's event loop whenever `wait` has something to deliver. */
  watch(onReady: () => void): NotifierWatch;
  close(): void;
}
