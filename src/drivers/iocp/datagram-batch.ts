import { MappedMemory } from '../../../native-bindings/memory.js';
import { allocatePages } from '../../../native-bindings/windows/pages.js';
import { sockaddr_in6 } from '../../../native-bindings/windows/structs.js';
import { WSAEMSGSIZE } from '../../../native-bindings/windows/winerror.js';
import { readSockaddr, writeSockaddr } from '../../bsd/sockaddr.js';
import type { AddressFamily, SocketAddress } from '../../port/address.js';
import { checkDestination } from '../../port/datagram-destination.js';
import { type DatagramError, MAX_SEGMENTS, type ManagedBatch } from '../../port/datagram-features.js';
import { InvalidArgumentError, OutOfRangeError, SocketStateError } from '../../port/errors.js';
import type { PortSocket, RequestKind } from './port-socket.js';
import type { Requests } from './requests.js';
import { WINSOCK_SOCKADDR, type Winsock } from './winsock.js';

/** Room for an IPv4 or IPv6 address and, behind it, for its length: recvfrom writes both. */
const NAME_BYTES = sockaddr_in6.size + 4;
const NAME_LENGTH_AT = sockaddr_in6.size;
/** Datagrams begin on a line of the processor's cache. */
const LINE_BYTES = 64;

/**
 * The memory of a batch: the addresses of its places, then their bytes. A *place* is what one call receives into; a
 * datagram that is sent may be a part of one.
 */
class BatchMemory {
  readonly memory: MappedMemory;
  readonly capacity: number;
  readonly datagramBytes: number;
  readonly #stride: number;
  readonly #dataAt: number;

  constructor(capacity: number, datagramBytes: number) {
    this.capacity = capacity;
    this.datagramBytes = datagramBytes;
    this.#stride = roundUp(datagramBytes, LINE_BYTES);
    this.#dataAt = roundUp(capacity * NAME_BYTES, LINE_BYTES);
    this.memory = MappedMemory.map(this.#dataAt + capacity * this.#stride, allocatePages);
  }

  dataAt(place: number): number {
    return this.#dataAt + place * this.#stride;
  }

  nameLengthWord(place: number): number {
    return (place * NAME_BYTES + NAME_LENGTH_AT) >> 2;
  }
}

// Pages are never given back (a stale view must not crash), so what a batch releases is kept for the next of its size.
const released = new Map<string, BatchMemory[]>();

function takeMemory(capacity: number, datagramBytes: number): BatchMemory {
  return released.get(`${capacity} ${datagramBytes}`)?.pop() ?? new BatchMemory(capacity, datagramBytes);
}

function giveMemory(memory: BatchMemory): void {
  const key = `${memory.capacity} ${memory.datagramBytes}`;
  const list = released.get(key);
  if (list === undefined) released.set(key, [memory]);
  else list.push(memory);
}

/** A datagram of the batch: its place, where in it its bytes are, and whether its end was lost. */
interface Entry {
  place: number;
  offset: number;
  length: number;
  truncated: boolean;
}

/**
 * A batch of datagrams in mapped memory. Winsock moves one datagram a call, so a segmented batch is cut up here when
 * it is filled; what is received lies where it is sent from.
 */
export class WinsockDatagramBatch implements ManagedBatch {
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
  #memory: BatchMemory | null;
  #places = 0;
  readonly #entries: Entry[] = [];
  #count = 0;
  #segmented = false;

  constructor(capacity: number, datagramBytes: number) {
    this.capacity = capacity;
    this.datagramBytes = datagramBytes;
    this.#memory = takeMemory(capacity, datagramBytes);
  }

  get count(): number {
    return this.#count;
  }

  get segmented(): boolean {
    return this.#segmented;
  }

  get released(): boolean {
    return this.#memory === null;
  }

  get isFull(): boolean {
    return this.#places === this.capacity;
  }

  data(index: number): Uint8Array {
    const { offset, length } = this.#check(index);
    return this.#open().memory.u8.subarray(offset, offset + length);
  }

  byteLength(index: number): number {
    return this.#check(index).length;
  }

  truncated(index: number): boolean {
    return this.#check(index).truncated;
  }

  address(index: number): SocketAddress {
    const { place } = this.#check(index);
    const memory = this.#open();
    const length = memory.memory.u32[memory.nameLengthWord(place)] as number;
    const address = readSockaddr(WINSOCK_SOCKADDR, memory.memory.u8, place * NAME_BYTES, length);
    if (address !== null) return address;
    throw new SocketStateError(`Datagram ${index} has no address: it is for the connected peer`, 'ERR_INVALID_STATE');
  }

  clear(): void {
    this.#open();
    this.#places = 0;
    this.#count = 0;
    this.taken = 0;
  }

  add(data: Uint8Array, to?: SocketAddress): void {
    const place = this.#append(data, to);
    this.#book(place, this.#open().dataAt(place), data.length, false);
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
    const at = this.#open().dataAt(place);
    for (let from = 0; from < Math.max(data.length, 1); from += segmentBytes) {
      this.#book(place, at + from, Math.min(segmentBytes, data.length - from), false);
    }
  }

  release(): void {
    const memory = this.#memory;
    if (memory === null) return;
    this.clear();
    this.#memory = null;
    this.ahead = null;
    giveMemory(memory);
  }

  /** Receives into the next place; gives 0 or more, or a negated error. */
  receiveNext(winsock: Winsock, handle: number): number {
    const batch = this.#open();
    const { memory } = batch;
    const place = this.#places;
    const name = place * NAME_BYTES;
    const nameLength = name + NAME_LENGTH_AT;
    memory.u32[nameLength >> 2] = NAME_LENGTH_AT;
    const at = batch.dataAt(place);
    const { datagramBytes } = this;
    const received = winsock.receiveFrom(
      handle,
      memory.address(at),
      datagramBytes,
      memory.address(name),
      memory.address(nameLength),
    );
    // The datagram was longer: what fits has been received, and the rest is lost.
    const truncated = received === -WSAEMSGSIZE;
    if (received < 0 && !truncated) return received;
    this.#places++;
    this.#book(place, at, truncated ? datagramBytes : received, truncated);
    return 0;
  }

  /** Sends a datagram; gives its bytes or a negated error. */
  send(winsock: Winsock, handle: number, index: number): number {
    const { place, offset, length } = this.#check(index);
    const { memory } = this.#open();
    const name = place * NAME_BYTES;
    const nameLength = memory.u32[(name + NAME_LENGTH_AT) >> 2] as number;
    const to = nameLength === 0 ? 0 : memory.address(name);
    return winsock.sendTo(handle, memory.address(offset), length, to, nameLength);
  }

  /** Sends a datagram by an overlapped request. The batch must not change until its completion. */
  submit(requests: Requests, socket: PortSocket, kind: RequestKind, index: number): number {
    const { place, offset, length } = this.#check(index);
    const { memory } = this.#open();
    const name = place * NAME_BYTES;
    const nameLength = memory.u32[(name + NAME_LENGTH_AT) >> 2] as number;
    return requests.sendTo(socket, kind, memory.address(offset), length, memory.address(name), nameLength);
  }

  /** Takes what was received ahead, as much as fits; gives the number of datagrams. */
  takeAhead(): number {
    const { ahead } = this;
    if (ahead === null) return 0;
    if (ahead === this) return this.#count - this.taken;
    if (ahead.taken === ahead.count) return 0;
    this.clear();
    while (ahead.taken < ahead.count && !this.isFull) this.#move(ahead as WinsockDatagramBatch, ahead.taken++);
    return this.#count;
  }

  #move(from: WinsockDatagramBatch, index: number): void {
    const source = from.data(index);
    const { memory: sourceMemory } = from.#open();
    const name = from.#check(index).place * NAME_BYTES;
    const memory = this.#open();
    const place = this.#places++;
    const length = Math.min(source.length, this.datagramBytes);
    memory.memory.u8.set(source.subarray(0, length), memory.dataAt(place));
    memory.memory.u8.set(sourceMemory.u8.subarray(name, name + NAME_BYTES), place * NAME_BYTES);
    this.#book(place, memory.dataAt(place), length, length < source.length || from.truncated(index));
  }

  /** Copies bytes and their address into the next place. */
  #append(data: Uint8Array, to: SocketAddress | undefined): number {
    const memory = this.#open();
    if (!(data instanceof Uint8Array)) throw new InvalidArgumentError('data must be a Uint8Array');
    if (data.length > this.datagramBytes) {
      throw new OutOfRangeError(`A datagram of this batch has at most ${this.datagramBytes} bytes, not ${data.length}`);
    }
    if (this.isFull) throw new OutOfRangeError(`The batch is full: it holds ${this.capacity}`);
    const place = this.#places;
    if (to !== undefined) checkDestination(to, this.family);
    const length = to === undefined ? 0 : writeSockaddr(WINSOCK_SOCKADDR, to, memory.memory.u8, place * NAME_BYTES);
    memory.memory.u32[memory.nameLengthWord(place)] = length;
    memory.memory.u8.set(data, memory.dataAt(place));
    this.#places++;
    return place;
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

  #open(): BatchMemory {
    if (this.#memory === null) throw new SocketStateError('The batch is released', 'ERR_BUFFER_RELEASED');
    return this.#memory;
  }

  #check(index: number): Entry {
    this.#open();
    const entry = index < this.#count ? this.#entries[index] : undefined;
    if (entry !== undefined) return entry;
    if (typeof index !== 'number') throw new InvalidArgumentError('index must be a number');
    throw new OutOfRangeError(`The batch holds ${this.#count} datagrams and has no index ${index}`);
  }
}

function roundUp(bytes: number, step: number): number {
  return Math.ceil(bytes / step) * step;
}
