import type { AddressFamily, SocketAddress } from './address.js';
import type { DatagramBatch } from './datagrams.js';

/** Datagrams that one batch may hold: UIO_MAXIOV, what Linux takes in one recvmmsg or sendmmsg. */
export const MAX_BATCH_CAPACITY = 1024;

/** Bytes that one datagram of a batch may have: UDP's 16-bit length, in whole pages. */
export const MAX_DATAGRAM_BYTES = 65_536;

/** Datagrams that one segmented message may be cut into: UDP_MAX_SEGMENTS of linux/udp.h, before 6.9 doubled it. */
export const MAX_SEGMENTS = 64;

/** ICMP errors that a socket keeps until somebody takes them; the oldest go first. */
export const MAX_DATAGRAM_ERRORS = 1024;

/** An error that the network reported about a datagram that was sent earlier (ICMP). */
export interface DatagramError {
  /** The platform's number of the error. */
  readonly nativeCode: number;
  /** Where the datagram was to go; null where the report does not say. */
  readonly address: SocketAddress | null;
}

/** A batch as users get it: with memory to give back. */
export interface ReleasableBatch extends DatagramBatch {
  readonly released: boolean;
  /** Gives the memory back for other batches. Views of it show other datagrams from then on. */
  release(): void;
  /** Large buffers that the kernel cuts up and puts together (UDP_SEGMENT, UDP_GRO) stand for several datagrams. */
  readonly segmented: boolean;
  /** Appends `data` as datagrams of `segmentBytes` each, the last one shorter. */
  addSegments(data: Uint8Array, segmentBytes: number, to?: SocketAddress): void;
}

/**
 * What a batch can do where the platform's datagram calls take whole batches. A socket sets the fields before each
 * operation; the stack reads them during it. Batches of other platforms have only `DatagramBatch`.
 */
export interface ManagedBatch extends ReleasableBatch {
  /** Addresses given to `add` must be of this family; null takes any. */
  family: AddressFamily | null;
  /** Datagrams from the front of the batch that a reader has taken already. */
  taken: number;
  /** A batch with datagrams that were received ahead: a receive gives those first. May be this batch itself. */
  ahead: ManagedBatch | null;
  /** Where ICMP errors go that were queued for the socket (IP_RECVERR); null leaves the queue alone. */
  errors: DatagramError[] | null;
  /** A pending error ends the operation: the socket is connected, so the error is about its one peer. */
  failsOnErrors: boolean;
  /** A send of this batch sends nothing: it only moves the queued ICMP errors to `errors`. */
  readsErrors: boolean;
  /** A send leaves out what the system refuses instead of failing, so that one bad address stops nobody else. */
  skipsRefused: boolean;
  /** Datagrams that the last send left out, and the error number of the first of them. */
  refused: number;
  refusal: number;

  /** Empties the batch and makes it `segmented`, for its whole life. */
  splitSegments(): void;
}

export function isManaged(batch: DatagramBatch): batch is ManagedBatch {
  return 'splitSegments' in batch;
}

/** Datagrams that a receive into this batch gets without asking the system. */
export function datagramsAhead(batch: DatagramBatch): number {
  const ahead = isManaged(batch) ? batch.ahead : null;
  return ahead === null ? 0 : ahead.count - ahead.taken;
}
