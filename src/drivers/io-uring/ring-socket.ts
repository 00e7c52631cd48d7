import type { AddressFamily } from '../../port/address.js';
import type { DriverSocket, SocketType } from '../../port/driver.js';
import type { Operation } from '../../port/operation.js';

/**
 * The kinds of request a socket may have in the kernel, at most one of each but for cancels. A completion's user_data
 * is `kind << 24 | index` and the socket's generation.
 */
export const REQUEST_RECV = 1;
export const REQUEST_SEND = 2;
export const REQUEST_ACCEPT = 3;
export const REQUEST_CONNECT = 4;
export const REQUEST_POLL_IN = 5;
export const REQUEST_POLL_OUT = 6;
export const REQUEST_CANCEL = 7;
export type RequestKind = 1 | 2 | 3 | 4 | 5 | 6 | 7;

export const INDEX_BITS = 24;
export const INDEX_MASK = 0xffffff;

/** Nothing is known to have ended the receiving side. */
export const END_NONE = -1;
/** The peer's FIN has arrived. A positive value is the error number that ended it. */
export const END_OF_STREAM = 0;

/** Cancels on their way, and what is to happen once the kernel has let go of the socket. */
export class Ending {
  /** Bit per request kind: whose cancel has been asked for. */
  cancelled = 0;
  cancelsInFlight = 0;
  closed: ((unreadBytes: number) => void) | null = null;
  reset = false;
}

/** The ring's state of one socket. Small: a server has one for each of its idle connections. */
export class RingSocket implements DriverSocket {
  descriptor: number;
  readonly family: AddressFamily;
  readonly type: SocketType;
  readonly index: number;
  readonly generation: number;

  /** Bit per request kind: what the kernel holds. */
  requests = 0;
  /** The started operation of each direction. */
  recvOperation: Operation | null = null;
  sendOperation: Operation | null = null;

  /** Buffers with bytes that arrived ahead of a receive, linked through the buffers' own table. */
  inboxHead = -1;
  inboxTail = -1;
  inboxBytes = 0;
  recvEnd = END_NONE;
  /** A RST has arrived: whoever is told second must not read it as an end or a broken pipe. */
  wasReset = false;

  /** The slab that the send in flight is staged in, its bytes, and all the bytes of its operation. */
  sendSlab = -1;
  sendRequested = 0;
  sendBytes = 0;

  /** What a connection does not have before something is cancelled or it is closed. */
  ending: Ending | null = null;
  /** Connections that a listener has accepted ahead of an accept. */
  accepted: number[] | null = null;

  constructor(descriptor: number, family: AddressFamily, type: SocketType, index: number, generation: number) {
    this.descriptor = descriptor;
    this.family = family;
    this.type = type;
    this.index = index;
    this.generation = generation;
  }

  get closing(): boolean {
    return this.ending !== null && this.ending.closed !== null;
  }

  get cancelsInFlight(): number {
    return this.ending === null ? 0 : this.ending.cancelsInFlight;
  }

  holds(kind: RequestKind): boolean {
    return (this.requests & (1 << kind)) !== 0;
  }
}
