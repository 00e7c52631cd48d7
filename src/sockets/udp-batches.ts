import type { AddressFamily, SocketAddress } from '../port/address.js';
import {
  isManaged,
  MAX_BATCH_CAPACITY,
  MAX_DATAGRAM_BYTES,
  type ManagedBatch,
  type ReleasableBatch,
} from '../port/datagram-features.js';
import type { DatagramBatch } from '../port/datagrams.js';
import type { Driver } from '../port/driver.js';
import { InvalidArgumentError, SocketStateError } from '../port/errors.js';
import { checkInteger } from './arguments.js';

const DEFAULT_CAPACITY = 256;
const DEFAULT_BYTES = 2048;
/** Each place of a segmented batch has room for the largest message, so there are fewer. */
const DEFAULT_SEGMENTED_CAPACITY = 32;

/** The size of a batch. */
export interface UdpBatchOptions {
  /** Datagrams that fit: 1 to 1024, 256 by default. */
  readonly capacity?: number | undefined;
  /** Bytes that fit in each: 1 to 65,536, 2048 by default. What is longer arrives truncated. */
  readonly datagramBytes?: number | undefined;
  /**
   * Several datagrams may share one place (UDP_SEGMENT, UDP_GRO), and `count` may be larger than `capacity`; 32 places
   * of 65,536 bytes by default. Default: whether the socket's option `udpGro` is on, which needs it.
   */
  readonly segments?: boolean | undefined;
}

export function createUdpBatch(
  driver: Driver,
  family: AddressFamily,
  gro: boolean,
  options: UdpBatchOptions,
): ReleasableBatch {
  const segments = options.segments ?? gro;
  if (typeof segments !== 'boolean') throw new InvalidArgumentError('segments must be true or false');
  const places = segments ? DEFAULT_SEGMENTED_CAPACITY : DEFAULT_CAPACITY;
  const bytes = segments ? MAX_DATAGRAM_BYTES : DEFAULT_BYTES;
  const capacity = checkInteger('capacity', options.capacity ?? places, 1, MAX_BATCH_CAPACITY);
  const datagramBytes = checkInteger('datagramBytes', options.datagramBytes ?? bytes, 1, MAX_DATAGRAM_BYTES);
  const batch = driver.createBatch(capacity, datagramBytes);
  if (!isManaged(batch)) return unmanaged(batch);
  batch.family = family;
  if (segments) batch.splitSegments();
  return batch;
}

/** The batch's further abilities; null where the platform's batches have none. Throws for what is no usable batch. */
export function managedOrNull(batch: DatagramBatch, gro: boolean): ManagedBatch | null {
  if (typeof batch !== 'object' || batch === null || typeof batch.count !== 'number') {
    throw new InvalidArgumentError('batch must come from createBatch()');
  }
  if (!isManaged(batch)) return null;
  if (batch.released) throw new SocketStateError('The batch is released', 'ERR_BUFFER_RELEASED');
  // The kernel's large messages would arrive truncated, and as one datagram each.
  if (gro && !batch.segmented) {
    throw new SocketStateError('A socket with udpGro needs a batch with segments: true', 'ERR_INVALID_STATE');
  }
  return batch;
}

/** A platform's plain batch: its memory is its own, and it takes segments as single datagrams. */
function unmanaged(batch: DatagramBatch): ReleasableBatch {
  const addSegments = (data: Uint8Array, segmentBytes: number, to?: SocketAddress) => {
    checkInteger('segmentBytes', segmentBytes, 1, MAX_DATAGRAM_BYTES);
    for (let at = 0; at < data.length; at += segmentBytes) batch.add(data.subarray(at, at + segmentBytes), to);
  };
  return Object.assign(batch, { released: false, segmented: false, release: () => undefined, addSegments });
}
