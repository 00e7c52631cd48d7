import type { AddressFamily } from '../../port/address.js';
import type { DriverSocket, SocketType } from '../../port/driver.js';
import type { Operation } from '../../port/operation.js';

/** What is believed of a direction: a call would only hear that it had to wait. */
export const NOT_READY = 0;
/** Nothing speaks against it, and only a call can tell: a new socket, or one that gave all it was asked for. */
export const MAYBE_READY = 1;
/** The notifier has said so, and nothing was received since. */
export const READY = 2;
export type Belief = 0 | 1 | 2;

/** Nothing is known to have ended the receiving side. */
export const END_NONE = -1;
/** The peer's FIN has been received. A positive value is the error number that ended it. */
export const END_OF_STREAM = 0;

/** The driver's state of one socket. */
export class ReadySocket implements DriverSocket {
  descriptor: number;
  readonly family: AddressFamily;
  readonly type: SocketType;
  readonly index: number;
  readonly generation: number;

  /** The notifier knows the socket. It gets to know it when an operation first has to wait. */
  registered = false;
  readable: Belief = MAYBE_READY;
  writable = true;
  /** The end of the stream or an error has been reported. */
  ending = false;
  /** A receive that brings less than it was asked for has emptied the socket. */
  shortMeansEmpty: boolean;

  /** The started operation of each direction. */
  recvOperation: Operation | null = null;
  sendOperation: Operation | null = null;

  recvEnd = END_NONE;
  /** A RST has arrived: whoever is told second must not read it as an end or a broken pipe. */
  wasReset = false;

  /** All the bytes of the started send, and the lent buffer that is kept for it. */
  sendBytes = 0;
  sendLent = -1;

  /** It stands in the list of those whose operations go on in the next turn. */
  postponed = false;

  constructor(descriptor: number, family: AddressFamily, type: SocketType, index: number, generation: number) {
    this.descriptor = descriptor;
    this.family = family;
    this.type = type;
    this.index = index;
    this.generation = generation;
    // A UNIX-domain receive stops where a descriptor was passed along (unix(7)), and what follows raises no new edge.
    this.shortMeansEmpty = type === 'stream' && family !== 'unix';
  }
}
