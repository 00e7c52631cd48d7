import type { SocketAddress } from './address.js';

/**
 * A batch of datagrams in memory that the kernel may read and write: what `recvBatch` fills and `sendBatch` sends.
 * Sending a batch that was received, unchanged, echoes it without a copy.
 */
export interface DatagramBatch {
  /** Datagrams that fit. */
  readonly capacity: number;
  /** Bytes that fit in each. */
  readonly datagramBytes: number;
  /** Datagrams in it now. */
  readonly count: number;
  /** The bytes of a datagram: a view on the batch's memory, overwritten by the next receive into it. */
  data(index: number): Uint8Array;
  byteLength(index: number): number;
  /** The datagram was larger than `datagramBytes` and its end is lost. */
  truncated(index: number): boolean;
  address(index: number): SocketAddress;
  clear(): void;
  /** Appends a datagram; `to` may be left out on a connected socket. Throws RangeError when the batch is full. */
  add(data: Uint8Array, to?: SocketAddress): void;
}
