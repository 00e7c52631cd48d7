import type { AddressFamily, SocketAddress } from '../port/address.js';
import type { DatagramBatch } from '../port/datagrams.js';
import type { ShutdownHow, SocketType } from '../port/driver.js';
import type { ErrorTable } from '../port/error-names.js';
import type { SocketOptionName, SocketOptionValue } from '../port/socket-options.js';
import type { SockaddrLayout } from './sockaddr.js';

/**
 * A BSD socket stack, normalised: whatever its calls are named and however it reports errors, here a call gives its
 * result (0 or more), or the negated native error number. Nothing blocks.
 */
export interface BsdStack {
  readonly name: string;
  readonly errors: ErrorTable;
  readonly sockaddr: SockaddrLayout;
  /** The native numbers of the errors that drivers act on. */
  readonly again: number;
  readonly inProgress: number;
  readonly interrupted: number;
  readonly noBuffers: number;

  /** Opens a socket. `nonBlocking` false leaves waiting to the kernel's own requests (io_uring). */
  socket(family: AddressFamily, type: SocketType, nonBlocking: boolean): number;
  bind(descriptor: number, address: SocketAddress): number;
  listen(descriptor: number, backlog: number): number;
  accept(descriptor: number): number;
  connect(descriptor: number, address: SocketAddress): number;
  /** Receives into JavaScript's memory; the call is over when it returns. */
  recv(descriptor: number, target: Uint8Array, length: number): number;
  recvAt(descriptor: number, address: number, length: number): number;
  send(descriptor: number, source: Uint8Array, length: number): number;
  sendAt(descriptor: number, address: number, length: number): number;
  shutdown(descriptor: number, how: ShutdownHow): number;
  close(descriptor: number): number;
  /** SO_LINGER {1,0}: the next close sends a RST. */
  lingerZero(descriptor: number): number;
  /** Reads and clears SO_ERROR; 0 where none is pending. */
  takeError(descriptor: number): number;
  unreadBytes(descriptor: number): number;
  setOption(descriptor: number, name: SocketOptionName, value: SocketOptionValue, family: AddressFamily): number;
  getOption(descriptor: number, name: SocketOptionName, family: AddressFamily): number;
  /** Fills the batch with what has arrived: datagrams, or the negated error. */
  recvBatch(descriptor: number, batch: DatagramBatch): number;
  /** Sends the batch's datagrams from index `from` on: how many went, or the negated error of the first. */
  sendBatch(descriptor: number, batch: DatagramBatch, from: number): number;
  createBatch(capacity: number, datagramBytes: number): DatagramBatch;
  membership(descriptor: number, group: SocketAddress, localInterface: string, join: boolean): number;
  localAddress(descriptor: number): SocketAddress | null;
  remoteAddress(descriptor: number): SocketAddress | null;
}
