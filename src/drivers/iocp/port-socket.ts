import type { AddressFamily } from '../../port/address.js';
import type { DriverSocket, SocketType } from '../../port/driver.js';
import type { Operation } from '../../port/operation.js';

/** The kinds of request that the kernel may hold for a socket. */
export const REQUEST_RECEIVE = 1;
export const REQUEST_SEND = 2;
export const REQUEST_CONNECT = 3;
export const REQUEST_ACCEPT = 4;
export type RequestKind = 1 | 2 | 3 | 4;

/** A slot number that is none. */
export const NO_SLOT = -1;

/** Nothing is known to have ended the receiving side. */
export const END_NONE = -1;
/** The peer's FIN has been received. A positive value is the error number that ended it. */
export const END_OF_STREAM = 0;

/** What only listeners have. */
export class Accepting {
  /** Connections that were accepted ahead of an accept. */
  readonly ahead: PortSocket[] = [];
  /** Per slot of an AcceptEx in the kernel: the socket that is to become the connection, and where addresses go. */
  readonly inFlight = new Map<number, { readonly handle: number; readonly slab: number }>();
}

/** The driver's state of one socket. Small: a server has one for each of its idle connections. */
export class PortSocket implements DriverSocket {
  descriptor: number;
  readonly family: AddressFamily;
  readonly type: SocketType;
  readonly index: number;
  readonly generation: number;
  /** A request that ends at once leaves no packet on the port (FILE_SKIP_COMPLETION_PORT_ON_SUCCESS). */
  readonly skipsSuccess: boolean;

  /** Requests in the kernel. */
  requests = 0;
  receiveSlot = NO_SLOT;
  sendSlot = NO_SLOT;

  /** The started operation of each direction. */
  recvOperation: Operation | null = null;
  sendOperation: Operation | null = null;

  /** A receive is likely to bring something: it was announced, or the last one left something behind. */
  mayReceive = false;
  /** The last wait was none: the bytes were there already, and those of the next receive may be, too. */
  arrivesEarly = false;
  recvEnd = END_NONE;
  /** An error that a request has brought, for whatever is received last; 0 for none. */
  pendingError = 0;
  /** The error that a peeking receive has brought and that may lie in the kernel still; 0 for none. */
  peekedError = 0;
  /** A RST has arrived: whoever is told second must not read it as an end or a broken pipe. */
  wasReset = false;
  shutReceive = false;
  shutSend = false;
  /** A cancelled send has left it open how many of its bytes went: no further byte may follow. */
  sendFailed = false;

  /** All the bytes of the started send, the slab or lent buffer that is on its way, and how much of it. */
  sendBytes = 0;
  sendSlab = -1;
  sendLent = -1;

  bound = false;
  /** A datagram socket with a default destination. */
  connected = false;
  /** It stands in the list of those whose operations go on in the next turn. */
  postponed = false;
  accepting: Accepting | null = null;
  closed: ((unreadBytes: number) => void) | null = null;
  resetOnClose = false;

  constructor(
    descriptor: number,
    family: AddressFamily,
    type: SocketType,
    index: number,
    generation: number,
    skipsSuccess: boolean,
  ) {
    this.descriptor = descriptor;
    this.family = family;
    this.type = type;
    this.index = index;
    this.generation = generation;
    this.skipsSuccess = skipsSuccess;
  }

  get closing(): boolean {
    return this.closed !== null;
  }
}
