import { lastErrno } from '../../../native-bindings/ffi.js';
import { MAP_POPULATE, MAP_SHARED, PROT_READ, PROT_WRITE } from '../../../native-bindings/linux/constants.js';
import { EAGAIN, EBUSY, EINTR } from '../../../native-bindings/linux/errno.js';
import * as uring from '../../../native-bindings/linux/io-uring.js';
import { MappedMemory } from '../../../native-bindings/memory.js';
import { libc } from '../../../native-bindings/posix/libc.js';

// Offsets of io_uring_sqe's fields in 32-bit words, hoisted: they are written for every submission.
const SQE_WORDS = uring.io_uring_sqe.size >> 2;
const SQE_FD = uring.io_uring_sqe.offset.fd >> 2;
const SQE_OFF = uring.io_uring_sqe.offset.off >> 2;
const SQE_ADDR = uring.io_uring_sqe.offset.addr >> 2;
const SQE_LEN = uring.io_uring_sqe.offset.len >> 2;
const SQE_MSG_FLAGS = uring.io_uring_sqe.offset.msg_flags >> 2;
const SQE_USER_DATA = uring.io_uring_sqe.offset.user_data >> 2;
const SQE_BUF_GROUP = uring.io_uring_sqe.offset.buf_group >> 2;
const CQE_WORDS_SHIFT = 2;
const CQE_RES = uring.io_uring_cqe.offset.res >> 2;
const CQE_FLAGS = uring.io_uring_cqe.offset.flags >> 2;
const TWO_32 = 0x1_0000_0000;

/** Takes a completion: the two halves of user_data, the result, the flags. Runs no user code. */
export type CompletionSink = (low: number, high: number, result: number, flags: number) => void;

export interface RingOptions {
  /** Submissions that may be collected before they are handed over. A power of two. */
  readonly entries: number;
  /** Completions that fit before the kernel keeps further ones in its own overflow list. */
  readonly completionEntries: number;
}

/** The kernel refused a ring. `errno` says why. */
export class RingError extends Error {
  readonly errno: number;

  constructor(call: string, errno: number) {
    super(`${call} failed with errno ${errno}`);
    this.errno = errno;
  }
}

/**
 * One io_uring: the two rings, mapped into JavaScript and read and written here directly. io_uring_setup(2),
 * io_uring_enter(2); the flags are chosen so that the ring's descriptor can be watched by the host's event loop
 * (DEFER_TASKRUN would keep it from becoming readable).
 */
export class Ring {
  readonly fd: number;
  readonly entries: number;
  readonly #enterCall = uring.ioUring().enter;
  readonly #ring: Int32Array;
  readonly #sqes: Int32Array;
  readonly #sqMask: number;
  readonly #sqTailAt: number;
  readonly #sqFlagsAt: number;
  readonly #cqHeadAt: number;
  readonly #cqTailAt: number;
  readonly #cqMask: number;
  readonly #cqesAt: number;
  #sqTail: number;
  #unsubmitted = 0;

  constructor(options: RingOptions) {
    const params = new Uint8Array(uring.io_uring_params.size);
    const view = new DataView(params.buffer);
    const at = uring.io_uring_params.offset;
    view.setUint32(at.cq_entries, options.completionEntries, true);
    const flags =
      uring.IORING_SETUP_CQSIZE |
      uring.IORING_SETUP_CLAMP |
      uring.IORING_SETUP_SUBMIT_ALL |
      uring.IORING_SETUP_COOP_TASKRUN |
      uring.IORING_SETUP_SINGLE_ISSUER;
    view.setUint32(at.flags, flags, true);
    this.fd = uring.ioUring().setup(uring.SYS_io_uring_setup, options.entries, params);
    if (this.fd < 0) throw new RingError('io_uring_setup', lastErrno());
    const needed = uring.IORING_FEAT_SINGLE_MMAP | uring.IORING_FEAT_NODROP;
    if ((view.getUint32(at.features, true) & needed) !== needed) {
      this.close();
      throw new RingError('io_uring_setup (IORING_FEAT_NODROP)', 0);
    }

    this.entries = view.getUint32(at.sq_entries, true);
    const sq = (field: keyof typeof uring.io_sqring_offsets.offset) =>
      view.getUint32(at.sq_off + uring.io_sqring_offsets.offset[field], true);
    const cq = (field: keyof typeof uring.io_cqring_offsets.offset) =>
      view.getUint32(at.cq_off + uring.io_cqring_offsets.offset[field], true);
    const sqBytes = sq('array') + this.entries * 4;
    const cqBytes = cq('cqes') + view.getUint32(at.cq_entries, true) * uring.io_uring_cqe.size;
    this.#ring = this.#map(Math.max(sqBytes, cqBytes), uring.IORING_OFF_SQ_RING).i32;
    this.#sqes = this.#map(this.entries * uring.io_uring_sqe.size, uring.IORING_OFF_SQES).i32;
    this.#sqMask = this.#word(sq('ring_mask') >> 2);
    this.#sqTailAt = sq('tail') >> 2;
    this.#sqFlagsAt = sq('flags') >> 2;
    this.#cqHeadAt = cq('head') >> 2;
    this.#cqTailAt = cq('tail') >> 2;
    this.#cqMask = this.#word(cq('ring_mask') >> 2);
    this.#cqesAt = cq('cqes') >> 2;
    this.#sqTail = this.#word(this.#sqTailAt);
    // Submissions are always taken in order, so the indirection array is the identity once and for all.
    for (let i = 0; i < this.entries; i++) this.#ring[(sq('array') >> 2) + i] = i;
  }

  /** Submissions collected and not yet handed over. */
  get unsubmitted(): number {
    return this.#unsubmitted;
  }

  /**
   * Collects one submission; a full ring is handed over first, so there is room for every cancel. Returns the index of
   * its first word, for fields that few operations have (`setMsgFlags`, `setBufGroup`, …).
   */
  push(
    opcode: number,
    sqeFlags: number,
    ioprio: number,
    fd: number,
    address: number,
    length: number,
    low: number,
    high: number,
  ): number {
    if (this.#unsubmitted === this.entries) this.submit(0);
    const sqes = this.#sqes;
    const at = (this.#sqTail & this.#sqMask) * SQE_WORDS;
    sqes[at] = opcode | (sqeFlags << 8) | (ioprio << 16);
    sqes[at + SQE_FD] = fd;
    sqes[at + SQE_OFF] = 0;
    sqes[at + SQE_OFF + 1] = 0;
    sqes[at + SQE_ADDR] = address;
    sqes[at + SQE_ADDR + 1] = address / TWO_32;
    sqes[at + SQE_LEN] = length;
    sqes[at + SQE_MSG_FLAGS] = 0;
    sqes[at + SQE_USER_DATA] = low;
    sqes[at + SQE_USER_DATA + 1] = high;
    for (let word = SQE_BUF_GROUP; word < SQE_WORDS; word++) sqes[at + word] = 0;
    this.#sqTail = (this.#sqTail + 1) | 0;
    this.#unsubmitted++;
    return at;
  }

  /** msg_flags, accept_flags, poll32_events: one word of the submission, by operation. */
  setOperationFlags(at: number, flags: number): void {
    this.#sqes[at + SQE_MSG_FLAGS] = flags;
  }

  setOffset(at: number, low: number): void {
    this.#sqes[at + SQE_OFF] = low;
  }

  setBufferGroup(at: number, group: number): void {
    this.#sqes[at + SQE_BUF_GROUP] = group;
  }

  /** For IORING_OP_ASYNC_CANCEL: the user_data of the request to cancel stands in `addr`. */
  setTarget(at: number, low: number, high: number): void {
    this.#sqes[at + SQE_ADDR] = low;
    this.#sqes[at + SQE_ADDR + 1] = high;
  }

  /**
   * Hands everything collected to the kernel. EBUSY and EAGAIN mean that the kernel wants its completions taken first:
   * what was not taken stays collected, and the next call tries again.
   */
  submit(flags: number): void {
    Atomics.store(this.#ring, this.#sqTailAt, this.#sqTail);
    for (;;) {
      const taken = this.#enterCall(
        uring.SYS_io_uring_enter,
        this.fd,
        this.#unsubmitted,
        0,
        flags | (this.overflowed ? uring.IORING_ENTER_GETEVENTS : 0),
        0,
        0,
      );
      if (taken >= 0) {
        this.#unsubmitted -= taken;
        return;
      }
      const errno = lastErrno();
      if (errno === EINTR) continue;
      if (errno === EAGAIN || errno === EBUSY) return;
      throw new RingError('io_uring_enter', errno);
    }
  }

  /** The kernel holds completions that did not fit; entering it with GETEVENTS brings them in. */
  get overflowed(): boolean {
    return (Atomics.load(this.#ring, this.#sqFlagsAt) & uring.IORING_SQ_CQ_OVERFLOW) !== 0;
  }

  /** Takes the completions that are there at the start; gives their number. */
  drain(sink: CompletionSink): number {
    const ring = this.#ring;
    let head = this.#word(this.#cqHeadAt);
    const tail = Atomics.load(ring, this.#cqTailAt);
    const count = (tail - head) | 0;
    while (head !== tail) {
      const at = this.#cqesAt + ((head & this.#cqMask) << CQE_WORDS_SHIFT);
      const low = ring[at] as number;
      const high = ring[at + 1] as number;
      const result = ring[at + CQE_RES] as number;
      const flags = ring[at + CQE_FLAGS] as number;
      head = (head + 1) | 0;
      // Given back before the sink runs: should it throw, the completion is not delivered a second time.
      Atomics.store(ring, this.#cqHeadAt, head);
      sink(low, high, result, flags);
    }
    return count;
  }

  /** Closes the descriptor. The kernel cancels what is pending and keeps the rings' pages until that is done. */
  close(): void {
    libc().close(this.fd);
  }

  #map(byteLength: number, offset: number): MappedMemory {
    const flags = MAP_SHARED | MAP_POPULATE;
    const address = libc().mmap(0, byteLength, PROT_READ | PROT_WRITE, flags, this.fd, offset);
    if (address === -1) {
      const errno = lastErrno();
      this.close();
      throw new RingError('mmap of the ring', errno);
    }
    return new MappedMemory(address, byteLength);
  }

  #word(at: number): number {
    return this.#ring[at] as number;
  }
}
