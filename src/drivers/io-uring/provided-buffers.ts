import { lastErrno } from '../../../native-bindings/ffi.js';
import {
  IORING_REGISTER_PBUF_RING,
  io_uring_buf,
  io_uring_buf_reg,
  ioUring,
  SYS_io_uring_register,
} from '../../../native-bindings/linux/io-uring.js';
import { mapAnonymousPages } from '../../../native-bindings/linux/pages.js';
import { MappedMemory } from '../../../native-bindings/memory.js';
import { RingError } from './ring.js';

const BUF_WORDS = io_uring_buf.size >> 2;
const BUF_ADDR = io_uring_buf.offset.addr >> 2;
const BUF_LEN = io_uring_buf.offset.len >> 2;
const BUF_BID = io_uring_buf.offset.bid >> 1;
// The ring's tail overlays the last field of its first entry.
const TAIL = io_uring_buf.offset.resv >> 1;
const TWO_32 = 0x1_0000_0000;

/**
 * The buffers that multishot receives fill: a ring shared with the kernel (io_uring_register(2),
 * IORING_REGISTER_PBUF_RING). It starts small, so that its pages stay in the cache, and doubles when the kernel runs
 * out. A buffer is out of the ring from the completion that names it until its last reference is released.
 */
export class ProvidedBuffers {
  readonly group: number;
  readonly bufferBytes: number;
  readonly memory: MappedMemory;
  /** For each buffer: the next one in its socket's inbox, where its bytes start and how many are left. */
  readonly next: Int32Array;
  readonly start: Int32Array;
  readonly left: Int32Array;
  readonly #references: Int32Array;
  readonly #ring: MappedMemory;
  readonly #capacity: number;
  #provided: number;
  #tail = 0;
  #outside = 0;

  constructor(ringFd: number, group: number, bufferBytes: number, initial: number, capacity: number) {
    this.group = group;
    this.bufferBytes = bufferBytes;
    this.#capacity = capacity;
    this.#provided = 0;
    this.next = new Int32Array(capacity).fill(-1);
    this.start = new Int32Array(capacity);
    this.left = new Int32Array(capacity);
    this.#references = new Int32Array(capacity);
    this.memory = MappedMemory.map(capacity * bufferBytes, mapAnonymousPages);
    this.#ring = MappedMemory.map(capacity * io_uring_buf.size, mapAnonymousPages);
    const registration = new Uint8Array(io_uring_buf_reg.size);
    const view = new DataView(registration.buffer);
    view.setBigUint64(io_uring_buf_reg.offset.ring_addr, BigInt(this.#ring.address(0)), true);
    view.setUint32(io_uring_buf_reg.offset.ring_entries, capacity, true);
    view.setUint16(io_uring_buf_reg.offset.bgid, group, true);
    const failed = ioUring().register(SYS_io_uring_register, ringFd, IORING_REGISTER_PBUF_RING, registration, 1);
    if (failed < 0) throw new RingError('io_uring_register (PBUF_RING)', lastErrno());
    this.#provide(initial);
  }

  /** Buffers that hold bytes somebody has still to read or to give back. */
  get outside(): number {
    return this.#outside;
  }

  get exhausted(): boolean {
    return this.#outside === this.#provided;
  }

  /** Doubles the buffers in use. False: they are all in use already. */
  grow(): boolean {
    const more = Math.min(this.#provided, this.#capacity - this.#provided);
    this.#provide(more);
    return more > 0;
  }

  /** The kernel has put bytes in a buffer: it is ours until it is released. */
  took(buffer: number, length: number): void {
    this.#references[buffer] = 1;
    this.next[buffer] = -1;
    this.start[buffer] = 0;
    this.left[buffer] = length;
    this.#outside++;
  }

  retain(buffer: number): void {
    const references = this.#references[buffer] as number;
    if (references < 1) throw new RangeError(`Buffer ${buffer} is not lent`);
    this.#references[buffer] = references + 1;
  }

  /** Gives up one reference; with the last one the kernel may fill the buffer again. */
  release(buffer: number): void {
    const references = (this.#references[buffer] as number) - 1;
    if (references < 0) throw new RangeError(`Buffer ${buffer} is not lent`);
    this.#references[buffer] = references;
    if (references > 0) return;
    this.#outside--;
    this.#give(buffer);
    this.#publish();
  }

  offsetOf(buffer: number): number {
    return buffer * this.bufferBytes;
  }

  #provide(count: number): void {
    for (let i = 0; i < count; i++) this.#give(this.#provided++);
    this.#publish();
  }

  #give(buffer: number): void {
    const address = this.memory.address(buffer * this.bufferBytes);
    const at = (this.#tail & (this.#capacity - 1)) * BUF_WORDS;
    const { i32, u16 } = this.#ring;
    i32[at + BUF_ADDR] = address;
    i32[at + BUF_ADDR + 1] = address / TWO_32;
    i32[at + BUF_LEN] = this.bufferBytes;
    u16[(at << 1) + BUF_BID] = buffer;
    this.#tail = (this.#tail + 1) & 0xffff;
  }

  // The kernel reads the tail only inside its own calls on this thread or behind a barrier of its own; the store is
  // a plain one because Atomics has no 16-bit store the kernel needs more of.
  #publish(): void {
    Atomics.store(this.#ring.u16, TAIL, this.#tail);
  }
}
