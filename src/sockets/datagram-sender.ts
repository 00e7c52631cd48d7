import type { SocketAddress } from '../port/address.js';
import { isManaged, MAX_BATCH_CAPACITY, MAX_DATAGRAM_BYTES, MAX_SEGMENTS } from '../port/datagram-features.js';
import type { DatagramBatch } from '../port/datagrams.js';
import type { Driver } from '../port/driver.js';
import { OutOfRangeError, SystemError } from '../port/errors.js';
import { checkInteger } from './arguments.js';

/** A datagram that any path carries fits, and so does the largest Ethernet frame but for the jumbo ones. */
const SMALL_BYTES = 2048;
/** Batches of one datagram that a socket keeps for its next sends. */
const MAX_IDLE = 16;
/** Messages of a segmented send: enough for a mebibyte. */
const SEGMENTED_MESSAGES = 32;
/** What UDP over IPv4 can carry at once: 65,535 less both headers. */
const MAX_MESSAGE_BYTES = 65_507;

/** Batches for single sends: the bytes are copied into one, which is the send's until it has ended. */
export class DatagramSender {
  readonly #driver: Driver;
  readonly #idle: DatagramBatch[] = [];
  readonly #lent = new Set<DatagramBatch>();

  constructor(driver: Driver) {
    this.#driver = driver;
  }

  /** A batch with this one datagram in it; throws for bad arguments, and SystemError where no datagram is so large. */
  take(data: Uint8Array, to: SocketAddress | undefined): DatagramBatch {
    if (data.length > MAX_DATAGRAM_BYTES) throw this.#tooLong(data.length, to);
    const small = data.length <= SMALL_BYTES;
    const batch = (small ? this.#idle.pop() : undefined) ?? this.#create(1, small ? SMALL_BYTES : MAX_DATAGRAM_BYTES);
    this.#lent.add(batch);
    try {
      batch.add(data, to);
    } catch (error) {
      this.give(batch);
      throw error;
    }
    return batch;
  }

  /** A batch with `data` as datagrams of `segmentBytes`, cut by the kernel where it can do that. */
  takeSegments(data: Uint8Array, segmentBytes: number, to: SocketAddress | undefined): DatagramBatch {
    checkInteger('segmentBytes', segmentBytes, 1, 65_535);
    if (segmentBytes > MAX_MESSAGE_BYTES) throw this.#tooLong(segmentBytes, to);
    const messageBytes = segmentBytes * Math.min(MAX_SEGMENTS, Math.floor(MAX_MESSAGE_BYTES / segmentBytes));
    const messages = Math.max(1, Math.ceil(data.length / messageBytes));
    checkPieces(messages, SEGMENTED_MESSAGES);
    let batch = this.#create(messages, MAX_DATAGRAM_BYTES);
    const cut = isManaged(batch);
    if (isManaged(batch)) batch.splitSegments();
    else {
      // The platform cuts nothing: the datagrams are made here.
      const datagrams = Math.max(1, Math.ceil(data.length / segmentBytes));
      checkPieces(datagrams, MAX_BATCH_CAPACITY);
      batch = this.#create(datagrams, segmentBytes);
    }
    this.#lent.add(batch);
    try {
      fill(batch, data, segmentBytes, cut ? messageBytes : segmentBytes, to);
    } catch (error) {
      this.give(batch);
      throw error;
    }
    return batch;
  }

  isLent(batch: DatagramBatch): boolean {
    return this.#lent.has(batch);
  }

  /** Takes the batch of an ended send back. */
  give(batch: DatagramBatch): void {
    if (!this.#lent.delete(batch)) return;
    const keep = batch.datagramBytes === SMALL_BYTES && batch.capacity === 1 && this.#idle.length < MAX_IDLE;
    if (!keep) return release(batch);
    batch.clear();
    this.#idle.push(batch);
  }

  release(): void {
    for (const batch of this.#idle.splice(0)) release(batch);
    for (const batch of this.#lent) release(batch);
    this.#lent.clear();
  }

  #create(capacity: number, datagramBytes: number): DatagramBatch {
    return this.#driver.createBatch(capacity, datagramBytes);
  }

  #tooLong(byteLength: number, to: SocketAddress | undefined): SystemError {
    const { errors } = this.#driver;
    const details = { code: 'EMSGSIZE', syscall: 'send', nativeCode: errors.code('EMSGSIZE') ?? 0, address: to };
    return new SystemError(`Cannot send a datagram of ${byteLength} bytes: ${errors.describe('EMSGSIZE')}`, details);
  }
}

function fill(batch: DatagramBatch, data: Uint8Array, segmentBytes: number, step: number, to?: SocketAddress): void {
  for (let at = 0; at < Math.max(data.length, 1); at += step) {
    const piece = data.subarray(at, at + step);
    if (isManaged(batch)) batch.addSegments(piece, segmentBytes, to);
    else batch.add(piece, to);
  }
}

function checkPieces(pieces: number, maximum: number): void {
  if (pieces <= maximum) return;
  throw new OutOfRangeError(`data makes ${pieces} messages with this segmentBytes, and one send takes ${maximum}`);
}

function release(batch: DatagramBatch): void {
  if (isManaged(batch)) batch.release();
}
