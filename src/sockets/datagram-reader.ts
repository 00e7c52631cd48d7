import type { SocketAddress } from '../port/address.js';
import { isManaged, MAX_DATAGRAM_BYTES, type ManagedBatch } from '../port/datagram-features.js';
import type { DatagramBatch } from '../port/datagrams.js';
import type { Driver } from '../port/driver.js';

/**
 * Datagrams that one `recvFrom` takes from the kernel at once; the further ones wait for the next calls. More would
 * save little: at 16 the system call is already a small part of a datagram's cost.
 */
export const READ_AHEAD_DATAGRAMS = 16;

/** A datagram that was received. */
export interface ReceivedDatagram {
  /** The bytes: a copy that is the caller's, or the part of the caller's `buffer` that they fill. */
  readonly data: Uint8Array;
  readonly address: SocketAddress;
  /** The datagram had more bytes than the buffer; they are lost. */
  readonly truncated: boolean;
}

/** What a receive into the caller's buffer did. */
export interface ReceivedInto {
  readonly bytesTransferred: number;
  readonly address: SocketAddress;
  /** The datagram had more bytes than the buffer; they are lost. */
  readonly truncated: boolean;
}

/** The batch behind `recvFrom`, and the place in it where the next call goes on. */
export class DatagramReader {
  readonly batch: DatagramBatch;
  /** The same batch where it can read ahead; null where it cannot. */
  readonly managed: ManagedBatch | null;

  constructor(driver: Driver) {
    const batch = driver.createBatch(READ_AHEAD_DATAGRAMS, MAX_DATAGRAM_BYTES);
    if (!isManaged(batch)) {
      // Nobody would keep such a batch from being overwritten by the next receive in the queue: no reading ahead.
      this.batch = driver.createBatch(1, MAX_DATAGRAM_BYTES);
      this.managed = null;
      return;
    }
    // Segmented from the start, for `udpGro` may be switched on while there are datagrams in it.
    batch.splitSegments();
    batch.ahead = batch;
    this.batch = batch;
    this.managed = batch;
  }

  /** Takes the next datagram, into `buffer` or as a copy. */
  take(buffer: Uint8Array | null): ReceivedDatagram {
    const { batch, managed } = this;
    const index = managed === null ? 0 : managed.taken++;
    const bytes = batch.data(index);
    const address = batch.address(index);
    const lost = batch.truncated(index);
    if (buffer === null) return { data: Buffer.from(bytes), address, truncated: lost };
    const truncated = bytes.length > buffer.length;
    buffer.set(truncated ? bytes.subarray(0, buffer.length) : bytes);
    return { data: buffer.subarray(0, bytes.length), address, truncated: truncated || lost };
  }

  release(): void {
    this.managed?.release();
  }
}
