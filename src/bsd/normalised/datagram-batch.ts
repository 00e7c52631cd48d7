import { markAsUntransferable } from 'node:worker_threads';
import type { AddressFamily, SocketAddress } from '../../port/address.js';
import { checkDestination } from '../../port/datagram-destination.js';
import { type DatagramError, MAX_SEGMENTS, type ManagedBatch } from '../../port/datagram-features.js';
import { InvalidArgumentError, OutOfRangeError, SocketStateError } from '../../port/errors.js';
import { readSockaddr, type SockaddrLayout, writeSockaddr } from '../sockaddr.js';

/** Room for an IPv4 or IPv6 address, however large the stack has them. */
const NAME_BYTES = 32;

/**
 * Where one call receives into, or sends from: a datagram's bytes and its address. The memory is JavaScript's own: the
 * stack has finished with it when its call returns. One byte more than a datagram may have tells which were longer.
 */
interface Place {
  readonly data: Uint8Array;
  readonly name: Uint8Array;
  nameLength: number;
}

/** A datagram of the batch: its place, where in it its bytes are, and whether its end was lost. */
interface Entry {
  place: number;
  offset: number;
  length: number;
  truncated: boolean;
}

/** A batch whose datagrams cross one by one, by recvfrom and sendto: what every BSD stack has. */
export class NormalisedDatagramBatch implements ManagedBatch {
  readonly capacity: number;
  readonly datagramBytes: number;
  family: AddressFamily | null = null;
  taken = 0;
  ahead: ManagedBatch | null = null;
  errors: DatagramError[] | null = null;
  failsOnErrors = false;
  readsErrors = false;
  skipsRefused = false;
  refused = 0;
  refusal = 0;
  readonly #layout: SockaddrLayout;
  #places: Place[] | null = [];
  #used = 0;
  readonly #entries: Entry[] = [];
  #count = 0;
  #segmented = false;

  constructor(capacity: number, datagramBytes: number, layout: SockaddrLayout) {
    this.capacity = capacity;
    this.datagramBytes = datagramBytes;
    this.#layout = layout;
  }

  get count(): number {
    return this.#count;
  }

  get segmented(): boolean {
    return this.#segmented;
  }

  get released(): boolean {
    return this.#places === null;
  }

  get isFull(): boolean {
    return this.#used === this.capacity;
  }

  data(index: number): Uint8Array {
    const { place, offset, length } = this.#check(index);
    return this.#place(place).data.subarray(offset, offset + length);
  }

  byteLength(index: number): number {
    return this.#check(index).length;
  }

  truncated(index: number): boolean {
    return this.#check(index).truncated;
  }

  address(index: number): SocketAddress {
    const { name, nameLength } = this.#place(this.#check(index).place);
    const address = readSockaddr(this.#layout, name, 0, nameLength);
    if (address !== null) return address;
    throw new SocketStateError(`Datagram ${index} has no address: it is for the connected peer`, 'ERR_INVALID_STATE');
  }

  clear(): void {
    this.#open();
    this.#used = 0;
    this.#count = 0;
    this.taken = 0;
  }

  add(data: Uint8Array, to?: SocketAddress): void {
    const place = this.#append(data, to);
    this.#book(place, 0, data.length, false);
  }

  splitSegments(): void {
    this.clear();
    this.#segmented = true;
  }

  addSegments(data: Uint8Array, segmentBytes: number, to?: SocketAddress): void {
    if (!this.#segmented) throw new SocketStateError('The batch was not made for segments', 'ERR_INVALID_STATE');
    if (!Number.isInteger(segmentBytes) || segmentBytes < 1 || segmentBytes > 65_535) {
      throw new OutOfRangeError(`segmentBytes must be an integer from 1 to 65535, not ${segmentBytes}`);
    }
    if (data instanceof Uint8Array && data.length > segmentBytes * MAX_SEGMENTS) {
      throw new OutOfRangeError(`At most ${MAX_SEGMENTS} segments can be sent at once`);
    }
    const place = this.#append(data, to);
    for (let from = 0; from < Math.max(data.length, 1); from += segmentBytes) {
      this.#book(place, from, Math.min(segmentBytes, data.length - from), false);
    }
  }

  release(): void {
    if (this.#places === null) return;
    this.clear();
    this.#places = null;
    this.ahead = null;
  }

  /** The memory for the next receive: `datagramBytes + 1` bytes of data, and a name. */
  nextPlace(): { readonly data: Uint8Array; readonly name: Uint8Array } {
    return this.#place(this.#used);
  }

  /** A receive has filled the place that `nextPlace` gave. */
  received(bytes: number, nameLength: number): void {
    const place = this.#used++;
    this.#place(place).nameLength = nameLength;
    this.#book(place, 0, Math.min(bytes, this.datagramBytes), bytes > this.datagramBytes);
  }

  /** Hands a datagram to `send`: its bytes are the first `length` of `data`, and it has no name of its own if 0 long. */
  send(
    index: number,
    send: (data: Uint8Array, length: number, name: Uint8Array | null, nameLength: number) => number,
  ): number {
    const { place, offset, length } = this.#check(index);
    const { data, name, nameLength } = this.#place(place);
    const bytes = offset === 0 ? data : data.subarray(offset, offset + length);
    return send(bytes, length, nameLength === 0 ? null : name, nameLength);
  }

  /** Takes what was received ahead, as much as fits; gives the number of datagrams. */
  takeAhead(): number {
    const { ahead } = this;
    if (ahead === null) return 0;
    if (ahead === this) return this.#count - this.taken;
    if (ahead.taken === ahead.count) return 0;
    this.clear();
    while (ahead.taken < ahead.count && !this.isFull) this.#move(ahead as NormalisedDatagramBatch, ahead.taken++);
    return this.#count;
  }

  #move(from: NormalisedDatagramBatch, index: number): void {
    const source = from.data(index);
    const { name, nameLength } = from.#place(from.#check(index).place);
    const place = this.#used++;
    const target = this.#place(place);
    const length = Math.min(source.length, this.datagramBytes);
    target.data.set(source.subarray(0, length));
    target.name.set(name);
    target.nameLength = nameLength;
    this.#book(place, 0, length, length < source.length || from.truncated(index));
  }

  /** Copies bytes and their address into the next place. */
  #append(data: Uint8Array, to: SocketAddress | undefined): number {
    this.#open();
    if (!(data instanceof Uint8Array)) throw new InvalidArgumentError('data must be a Uint8Array');
    if (data.length > this.datagramBytes) {
      throw new OutOfRangeError(`A datagram of this batch has at most ${this.datagramBytes} bytes, not ${data.length}`);
    }
    if (this.isFull) throw new OutOfRangeError(`The batch is full: it holds ${this.capacity}`);
    if (to !== undefined) checkDestination(to, this.family);
    const index = this.#used;
    const place = this.#place(index);
    place.nameLength = to === undefined ? 0 : writeSockaddr(this.#layout, to, place.name, 0);
    place.data.set(data);
    this.#used++;
    return index;
  }

  #book(place: number, offset: number, length: number, truncated: boolean): void {
    const entry = this.#entries[this.#count];
    if (entry === undefined) this.#entries.push({ place, offset, length, truncated });
    else {
      entry.place = place;
      entry.offset = offset;
      entry.length = length;
      entry.truncated = truncated;
    }
    this.#count++;
  }

  #open(): Place[] {
    if (this.#places === null) throw new SocketStateError('The batch is released', 'ERR_BUFFER_RELEASED');
    return this.#places;
  }

  /** Places are made when they are first needed: many a batch never fills. */
  #place(index: number): Place {
    const places = this.#open();
    let place = places[index];
    if (place === undefined) {
      const data = new Uint8Array(this.datagramBytes + 1);
      // A user's view exposes it: transferring it would detach the batch's own view.
      markAsUntransferable(data.buffer);
      place = { data, name: new Uint8Array(NAME_BYTES), nameLength: 0 };
      places[index] = place;
    }
    return place;
  }

  #check(index: number): Entry {
    this.#open();
    const entry = index < this.#count ? this.#entries[index] : undefined;
    if (entry !== undefined) return entry;
    if (typeof index !== 'number') throw new InvalidArgumentError('index must be a number');
    throw new OutOfRangeError(`The batch holds ${this.#count} datagrams and has no index ${index}`);
  }
}
