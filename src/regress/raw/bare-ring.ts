import { lastErrno } from '../../../native-bindings/ffi.js';
import { MAP_POPULATE, MAP_SHARED, PROT_READ, PROT_WRITE } from '../../../native-bindings/linux/constants.js';
import * as uring from '../../../native-bindings/linux/io-uring.js';
import { MappedMemory } from '../../../native-bindings/memory.js';
import { libc } from '../../../native-bindings/posix/libc.js';
import { BareError } from './bare-platform.js';
import { checked, errnoCode } from './linux-calls.js';
import { pause } from './pause.js';

const ENTRIES = 64;

export interface Submission {
  readonly opcode: number;
  readonly fd: number;
  /** Of a buffer in mapped memory, or user_data of the request to cancel. */
  readonly address: number;
  readonly length: number;
  readonly messageFlags: number;
  /** Below 2^32, and never used twice. */
  readonly userData: number;
}

/**
 * An io_uring with no flag set and one submission at a time, so that what is measured is the kernel's and not a
 * driver's. io_uring_setup(2), io_uring_enter(2).
 */
export class BareRing {
  readonly #fd: number;
  readonly #ring: MappedMemory;
  readonly #sqes: MappedMemory;
  readonly #sq: Readonly<Record<'tail' | 'mask' | 'array', number>>;
  readonly #cq: Readonly<Record<'head' | 'tail' | 'mask' | 'cqes', number>>;

  constructor() {
    const params = new Uint8Array(uring.io_uring_params.size);
    const view = new DataView(params.buffer);
    const at = uring.io_uring_params.offset;
    this.#fd = checked('io_uring_setup', uring.ioUring().setup(uring.SYS_io_uring_setup, ENTRIES, params));
    if ((view.getUint32(at.features, true) & uring.IORING_FEAT_SINGLE_MMAP) === 0) {
      this.close();
      throw new BareError('io_uring_setup', 'no IORING_FEAT_SINGLE_MMAP');
    }
    const sq = (field: keyof typeof uring.io_sqring_offsets.offset) =>
      view.getUint32(at.sq_off + uring.io_sqring_offsets.offset[field], true);
    const cq = (field: keyof typeof uring.io_cqring_offsets.offset) =>
      view.getUint32(at.cq_off + uring.io_cqring_offsets.offset[field], true);
    const entries = view.getUint32(at.sq_entries, true);
    const cqBytes = cq('cqes') + view.getUint32(at.cq_entries, true) * uring.io_uring_cqe.size;
    this.#ring = this.#map(Math.max(sq('array') + entries * 4, cqBytes), uring.IORING_OFF_SQ_RING);
    this.#sqes = this.#map(entries * uring.io_uring_sqe.size, uring.IORING_OFF_SQES);
    const word = (offset: number) => this.#ring.u32[offset >> 2] ?? 0;
    this.#sq = { tail: sq('tail') >> 2, mask: word(sq('ring_mask')), array: sq('array') >> 2 };
    this.#cq = { head: cq('head') >> 2, tail: cq('tail') >> 2, mask: word(cq('ring_mask')), cqes: cq('cqes') };
  }

  /** Hands one request to the kernel; it has taken it when this returns. */
  submit({ opcode, fd, address, length, messageFlags, userData }: Submission): void {
    const tail = Atomics.load(this.#ring.i32, this.#sq.tail);
    const slot = tail & this.#sq.mask;
    const base = slot * uring.io_uring_sqe.size;
    const at = uring.io_uring_sqe.offset;
    this.#sqes.u8.fill(0, base, base + uring.io_uring_sqe.size);
    this.#sqes.u8[base + at.opcode] = opcode;
    this.#sqes.i32[(base + at.fd) >> 2] = fd;
    this.#sqes.setPointer(base + at.addr, address);
    this.#sqes.u32[(base + at.len) >> 2] = length;
    this.#sqes.u32[(base + at.msg_flags) >> 2] = messageFlags;
    this.#sqes.u32[(base + at.user_data) >> 2] = userData;
    this.#ring.u32[this.#sq.array + slot] = slot;
    Atomics.store(this.#ring.i32, this.#sq.tail, (tail + 1) | 0);
    const taken = checked('io_uring_enter', this.#enter(1));
    if (taken !== 1) throw new BareError('io_uring_enter', `${taken} of 1 submissions taken`);
  }

  /** Gives every completion that there is: user_data and the result. */
  reap(take: (userData: number, result: number) => void): void {
    // Without it, completions that wait for this thread to enter the kernel would not come about.
    const failed = this.#enter(0) < 0 ? lastErrno() : 0;
    if (failed !== 0) throw new BareError('io_uring_enter', errnoCode(failed));
    const { i32, u32 } = this.#ring;
    const at = uring.io_uring_cqe.offset;
    let head = Atomics.load(i32, this.#cq.head);
    const tail = Atomics.load(i32, this.#cq.tail);
    while (head !== tail) {
      const base = this.#cq.cqes + (head & this.#cq.mask) * uring.io_uring_cqe.size;
      const userData = u32[(base + at.user_data) >> 2] ?? 0;
      const result = i32[(base + at.res) >> 2] ?? 0;
      head = (head + 1) | 0;
      Atomics.store(i32, this.#cq.head, head);
      take(userData, result);
    }
  }

  /** Lets a little time pass for completions to come. */
  wait(): void {
    pause(1);
  }

  close(): void {
    libc().close(this.#fd);
  }

  #enter(submissions: number): number {
    const { SYS_io_uring_enter, IORING_ENTER_GETEVENTS } = uring;
    return uring.ioUring().enter(SYS_io_uring_enter, this.#fd, submissions, 0, IORING_ENTER_GETEVENTS, 0, 0);
  }

  #map(byteLength: number, offset: number): MappedMemory {
    const flags = MAP_SHARED | MAP_POPULATE;
    const address = libc().mmap(0, byteLength, PROT_READ | PROT_WRITE, flags, this.#fd, offset);
    return new MappedMemory(checked('mmap', address), byteLength);
  }
}
