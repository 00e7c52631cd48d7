import { isIPv6 } from 'node:net';
import { AF_INET, MSG_TRUNC } from '../../../native-bindings/linux/constants.js';
import { iovec, mmsghdr, msghdr, sockaddr_in, sockaddr_in6 } from '../../../native-bindings/linux/structs.js';
import type { AddressFamily, SocketAddress } from '../../port/address.js';
import { type DatagramError, MAX_SEGMENTS, type ManagedBatch } from '../../port/datagram-features.js';
import { InvalidArgumentError, OutOfRangeError, SocketStateError } from '../../port/errors.js';
import { readSockaddr, type SockaddrLayout, writeSockaddr } from '../sockaddr.js';
import { type BatchMemory, giveBatchMemory, NAME_BYTES, takeBatchMemory } from './batch-memory.js';
import { type Ipv4Names, parseIPv4 } from './ipv4-names.js';
import { Segments } from './segments.js';

// Fields in 32-bit words, hoisted: they are read and written for every datagram. Lengths fit in the low word.
const HEADER_WORDS = mmsghdr.size >> 2;
const MESSAGE_LENGTH = mmsghdr.offset.msg_len >> 2;
const NAME_LENGTH = (mmsghdr.offset.msg_hdr + msghdr.offset.msg_namelen) >> 2;
const FLAGS = (mmsghdr.offset.msg_hdr + msghdr.offset.msg_flags) >> 2;
const VECTOR_WORDS = iovec.size >> 2;
const VECTOR_LENGTH = iovec.offset.iov_len >> 2;

/**
 * A batch in the layout of recvmmsg(2) and sendmmsg(2). What the kernel received stands where it sends from, so an
 * echo moves no byte: only each datagram's length goes from the header to the vector.
 *
 * A *message* is what the kernel moves at once, a *datagram* what travels. They are the same but in a segmented batch.
 */
export class LinuxDatagramBatch implements ManagedBatch {
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
  readonly #names: Ipv4Names;
  #memory: BatchMemory | null;
  #messages = 0;
  /** Messages whose lengths are those of a datagram, not of the room for one. */
  #dirty = 0;
  #segments: Segments | null = null;

  constructor(capacity: number, datagramBytes: number, layout: SockaddrLayout, names: Ipv4Names) {
    this.capacity = capacity;
    this.datagramBytes = datagramBytes;
    this.#layout = layout;
    this.#names = names;
    this.#memory = takeBatchMemory(capacity, datagramBytes);
  }

  get count(): number {
    return this.#segments === null ? this.#messages : this.#segments.count(this.#messages);
  }

  /** Messages in it now. */
  get messages(): number {
    return this.#messages;
  }

  get segmented(): boolean {
    return this.#segments !== null;
  }

  get released(): boolean {
    return this.#memory === null;
  }

  data(index: number): Uint8Array {
    const memory = this.#check(index);
    const message = this.#messageOf(index);
    const at = memory.dataAt + message * memory.stride + this.#offsetIn(message, index);
    return memory.memory.u8.subarray(at, at + this.#lengthOf(memory, message, index));
  }

  byteLength(index: number): number {
    const memory = this.#check(index);
    return this.#lengthOf(memory, this.#messageOf(index), index);
  }

  truncated(index: number): boolean {
    const memory = this.#check(index);
    return ((memory.memory.u32[this.#messageOf(index) * HEADER_WORDS + FLAGS] as number) & MSG_TRUNC) !== 0;
  }

  address(index: number): SocketAddress {
    const memory = this.#check(index);
    const message = this.#messageOf(index);
    const at = memory.namesAt + message * NAME_BYTES;
    const { u8, u16, u32 } = memory.memory;
    const length = u32[message * HEADER_WORDS + NAME_LENGTH] as number;
    if (length === sockaddr_in.size && u16[at >> 1] === AF_INET) {
      const bytes = u32[(at + sockaddr_in.offset.sin_addr) >> 2] as number;
      return this.#names.of(swap32(bytes), swap16(u16[(at + sockaddr_in.offset.sin_port) >> 1] as number));
    }
    const address = readSockaddr(this.#layout, u8, at, length);
    if (address !== null) return address;
    throw new SocketStateError(`Datagram ${index} has no address: it is for the connected peer`, 'ERR_INVALID_STATE');
  }

  clear(): void {
    this.#open();
    this.#messages = 0;
    this.taken = 0;
  }

  add(data: Uint8Array, to?: SocketAddress): void {
    const message = this.#append(data, to);
    this.#segments?.book(message, data.length, data.length);
  }

  splitSegments(): void {
    if (this.#segments !== null) return;
    const memory = this.#open();
    this.clear();
    this.#segments = new Segments(this.capacity);
    for (let message = 0; message < this.capacity; message++) this.#segments.prepare(memory, message);
  }

  addSegments(data: Uint8Array, segmentBytes: number, to?: SocketAddress): void {
    const segments = this.#segments;
    if (segments === null) throw new SocketStateError('The batch was not made for segments', 'ERR_INVALID_STATE');
    if (!Number.isInteger(segmentBytes) || segmentBytes < 1 || segmentBytes > 65_535) {
      throw new OutOfRangeError(`segmentBytes must be an integer from 1 to 65535, not ${segmentBytes}`);
    }
    if (data instanceof Uint8Array && data.length > segmentBytes * MAX_SEGMENTS) {
      throw new OutOfRangeError(`At most ${MAX_SEGMENTS} segments can be sent at once`);
    }
    const message = this.#append(data, to);
    segments.book(message, data.length, Math.min(segmentBytes, data.length));
    if (data.length > segmentBytes) segments.ask(this.#open(), message, segmentBytes);
  }

  release(): void {
    const memory = this.#memory;
    if (memory === null) return;
    this.clear();
    this.#forgetLengths(memory);
    // What asks the kernel for segments must not be found by the next batch in this memory.
    for (let message = 0; message < this.capacity; message++) this.#segments?.forget(memory, message);
    this.#memory = null;
    this.ahead = null;
    giveBatchMemory(memory);
  }

  /** The address of a message's mmsghdr. Throws where the batch is released. */
  headersFrom(message: number): number {
    return this.#open().headers + message * mmsghdr.size;
  }

  /** The message of a datagram to be sent. */
  messageFrom(datagram: number): number {
    return this.#messageOf(datagram);
  }

  /** Datagrams in `messages` messages from `first` on. */
  datagramsIn(first: number, messages: number): number {
    if (this.#segments === null) return messages;
    return this.#segments.count(first + messages) - this.#segments.count(first);
  }

  /** Gives the kernel the whole room of each datagram. */
  prepareReceive(): void {
    const memory = this.#open();
    if (this.#segments !== null) {
      for (let message = 0; message < this.#dirty; message++) this.#segments.prepare(memory, message);
    }
    this.#forgetLengths(memory);
    this.#messages = 0;
    this.taken = 0;
  }

  /** The kernel has filled the first `messages` messages; gives the number of datagrams. */
  received(messages: number): number {
    const memory = this.#open();
    const { u32 } = memory.memory;
    let length = (memory.vectorsAt >> 2) + VECTOR_LENGTH;
    let received = MESSAGE_LENGTH;
    for (let message = 0; message < messages; message++) {
      u32[length] = u32[received] as number;
      length += VECTOR_WORDS;
      received += HEADER_WORDS;
    }
    this.#messages = messages;
    this.#dirty = messages;
    if (this.#segments === null) return messages;
    this.#segments.received(memory, messages);
    return this.#segments.count(messages);
  }

  /** Takes what was received ahead, as much as fits; gives the number of datagrams. */
  takeAhead(): number {
    const { ahead } = this;
    if (ahead === null) return 0;
    if (ahead === this) return this.count - this.taken;
    if (ahead.taken === ahead.count) return 0;
    this.clear();
    while (ahead.taken < ahead.count && this.#messages < this.capacity) {
      this.#move(ahead as LinuxDatagramBatch, ahead.taken++);
    }
    return this.count;
  }

  #move(from: LinuxDatagramBatch, index: number): void {
    const source = from.data(index);
    const sourceMemory = from.#open();
    const sourceMessage = from.#messageOf(index);
    const memory = this.#open();
    const message = this.#messages++;
    const length = Math.min(source.length, this.datagramBytes);
    memory.memory.u8.set(source.length === length ? source : source.subarray(0, length), this.#dataAt(memory, message));
    const name = sourceMemory.namesAt + sourceMessage * NAME_BYTES;
    memory.memory.u8.set(
      sourceMemory.memory.u8.subarray(name, name + NAME_BYTES),
      memory.namesAt + message * NAME_BYTES,
    );
    const { u32 } = memory.memory;
    const nameLength = sourceMemory.memory.u32[sourceMessage * HEADER_WORDS + NAME_LENGTH] as number;
    u32[message * HEADER_WORDS + FLAGS] = length < source.length || from.truncated(index) ? MSG_TRUNC : 0;
    this.#setLengths(memory, message, length, nameLength);
    this.#segments?.book(message, length, length);
  }

  /** Copies the datagram and its address into the next message. */
  #append(data: Uint8Array, to: SocketAddress | undefined): number {
    const memory = this.#open();
    if (!(data instanceof Uint8Array)) throw new InvalidArgumentError('data must be a Uint8Array');
    if (data.length > this.datagramBytes) {
      throw new OutOfRangeError(`A datagram of this batch has at most ${this.datagramBytes} bytes, not ${data.length}`);
    }
    if (this.#messages === this.capacity) throw new OutOfRangeError(`The batch is full: it holds ${this.capacity}`);
    const message = this.#messages;
    const nameLength = to === undefined ? 0 : this.#writeName(memory, message, to);
    memory.memory.u8.set(data, this.#dataAt(memory, message));
    memory.memory.u32[message * HEADER_WORDS + FLAGS] = 0;
    this.#setLengths(memory, message, data.length, nameLength);
    this.#segments?.forget(memory, message);
    this.#messages = message + 1;
    return message;
  }

  #setLengths(memory: BatchMemory, message: number, length: number, nameLength: number): void {
    const { u32 } = memory.memory;
    u32[(memory.vectorsAt >> 2) + message * VECTOR_WORDS + VECTOR_LENGTH] = length;
    u32[message * HEADER_WORDS + NAME_LENGTH] = nameLength;
    if (message >= this.#dirty) this.#dirty = message + 1;
  }

  #writeName(memory: BatchMemory, message: number, to: SocketAddress): number {
    if (typeof to !== 'object' || to === null) throw new InvalidArgumentError('to must be an address');
    const { family, address, port } = to;
    if (typeof port !== 'number') throw new InvalidArgumentError('port must be a number');
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new OutOfRangeError(`port must be an integer from 1 to 65535, not ${port}`);
    }
    if (family !== 'IPv4' && family !== 'IPv6') throw invalidAddress('A datagram goes to an IPv4 or IPv6 address');
    if (this.family !== null && family !== this.family) {
      throw invalidAddress(`The batch is for a socket of ${this.family}, and the address is of ${family}`);
    }
    const at = memory.namesAt + message * NAME_BYTES;
    const { u8, u16, u32 } = memory.memory;
    if (family === 'IPv4') {
      const bytes = typeof address === 'string' ? parseIPv4(address) : -1;
      if (bytes === -1) throw invalidAddress(`Not an IPv4 address: ${String(address)}`);
      u16[at >> 1] = AF_INET;
      u16[(at + sockaddr_in.offset.sin_port) >> 1] = swap16(port);
      u32[(at + sockaddr_in.offset.sin_addr) >> 2] = swap32(bytes);
      return sockaddr_in.size;
    }
    if (typeof address !== 'string' || !isIPv6(address) || address.includes('%')) {
      throw invalidAddress(`Not an IPv6 address: ${String(address)}`);
    }
    return writeSockaddr(this.#layout, to, u8, at);
  }

  #forgetLengths(memory: BatchMemory): void {
    const { u32 } = memory.memory;
    const { datagramBytes } = this;
    let length = (memory.vectorsAt >> 2) + VECTOR_LENGTH;
    let nameLength = NAME_LENGTH;
    for (let message = 0; message < this.#dirty; message++) {
      u32[length] = datagramBytes;
      u32[nameLength] = sockaddr_in6.size;
      length += VECTOR_WORDS;
      nameLength += HEADER_WORDS;
    }
    this.#dirty = 0;
  }

  #open(): BatchMemory {
    if (this.#memory === null) throw new SocketStateError('The batch is released', 'ERR_BUFFER_RELEASED');
    return this.#memory;
  }

  #check(index: number): BatchMemory {
    const memory = this.#open();
    if (index >= 0 && index < this.count && Number.isInteger(index)) return memory;
    if (typeof index !== 'number') throw new InvalidArgumentError('index must be a number');
    throw new OutOfRangeError(`The batch holds ${this.count} datagrams and has no index ${index}`);
  }

  #messageOf(index: number): number {
    return this.#segments === null ? index : this.#segments.messageOf(index);
  }

  #offsetIn(message: number, index: number): number {
    return this.#segments === null ? 0 : this.#segments.offsetOf(index, message);
  }

  #lengthOf(memory: BatchMemory, message: number, index: number): number {
    const all = memory.memory.u32[(memory.vectorsAt >> 2) + message * VECTOR_WORDS + VECTOR_LENGTH] as number;
    if (this.#segments === null) return all;
    return Math.min(this.#segments.lengthOf(message), all - this.#segments.offsetOf(index, message));
  }

  #dataAt(memory: BatchMemory, message: number): number {
    return memory.dataAt + message * memory.stride;
  }
}

function invalidAddress(message: string): InvalidArgumentError {
  return new InvalidArgumentError(message, 'ERR_INVALID_ARG_VALUE');
}

/** Between the order of the network and this machine's, which is little-endian on all that Node runs on here. */
function swap16(value: number): number {
  return ((value & 0xff) << 8) | (value >>> 8);
}

function swap32(value: number): number {
  return (((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;
}
