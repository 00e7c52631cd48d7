import { mapAnonymousPages } from '../../../native-bindings/linux/pages.js';
import { cmsghdr, iovec, mmsghdr, msghdr, sockaddr_in6 } from '../../../native-bindings/linux/structs.js';
import { MappedMemory } from '../../../native-bindings/memory.js';

/** Room for an IPv4 or IPv6 address, aligned. */
export const NAME_BYTES = sockaddr_in6.size + 4;
/** Room for one control message with an integer: CMSG_SPACE(sizeof(int)). */
export const CONTROL_BYTES = cmsghdr.size + 8;
/** Datagrams begin on a line of the processor's cache. */
const LINE_BYTES = 64;

export const HEADER_BYTES = mmsghdr.size;
const VECTOR_BYTES = iovec.size;

/**
 * The memory of one batch, as recvmmsg(2) and sendmmsg(2) want it: `mmsghdr[]`, then `iovec[]`, addresses, control
 * messages and the datagrams themselves, all linked once and for all. Offsets are bytes into `memory`.
 */
export class BatchMemory {
  readonly memory: MappedMemory;
  readonly capacity: number;
  readonly datagramBytes: number;
  readonly stride: number;
  readonly vectorsAt: number;
  readonly namesAt: number;
  readonly controlAt: number;
  readonly dataAt: number;
  /** The address of the first mmsghdr. */
  readonly headers: number;

  constructor(capacity: number, datagramBytes: number) {
    this.capacity = capacity;
    this.datagramBytes = datagramBytes;
    this.stride = roundUp(datagramBytes, LINE_BYTES);
    this.vectorsAt = capacity * HEADER_BYTES;
    this.namesAt = this.vectorsAt + capacity * VECTOR_BYTES;
    this.controlAt = this.namesAt + capacity * NAME_BYTES;
    this.dataAt = roundUp(this.controlAt + capacity * CONTROL_BYTES, LINE_BYTES);
    this.memory = MappedMemory.map(this.dataAt + capacity * this.stride, mapAnonymousPages);
    this.headers = this.memory.address(0);
    for (let message = 0; message < capacity; message++) this.#link(message);
  }

  #link(message: number): void {
    const { memory } = this;
    const vector = this.vectorsAt + message * VECTOR_BYTES;
    const header = message * HEADER_BYTES + mmsghdr.offset.msg_hdr;
    memory.setPointer(vector + iovec.offset.iov_base, memory.address(this.dataAt + message * this.stride));
    memory.setPointer(vector + iovec.offset.iov_len, this.datagramBytes);
    memory.setPointer(header + msghdr.offset.msg_name, memory.address(this.namesAt + message * NAME_BYTES));
    memory.setPointer(header + msghdr.offset.msg_iov, memory.address(vector));
    memory.setPointer(header + msghdr.offset.msg_iovlen, 1);
    // With a msg_controllen of 0 the kernel does not look at it.
    memory.setPointer(header + msghdr.offset.msg_control, memory.address(this.controlAt + message * CONTROL_BYTES));
    memory.u32[(header + msghdr.offset.msg_namelen) >> 2] = sockaddr_in6.size;
  }
}

// Mapped pages are never given back (a stale view must not crash), so what a batch releases is kept for the next one
// of its size: there are never more than were in use at the same time.
const free = new Map<number, BatchMemory[]>();

/** Memory of this size: a released one, or new pages. */
export function takeBatchMemory(capacity: number, datagramBytes: number): BatchMemory {
  return free.get(sizeKey(capacity, datagramBytes))?.pop() ?? new BatchMemory(capacity, datagramBytes);
}

export function giveBatchMemory(memory: BatchMemory): void {
  const key = sizeKey(memory.capacity, memory.datagramBytes);
  const list = free.get(key);
  if (list === undefined) free.set(key, [memory]);
  else list.push(memory);
}

function sizeKey(capacity: number, datagramBytes: number): number {
  return capacity * 0x10_0000 + datagramBytes;
}

function roundUp(bytes: number, step: number): number {
  return Math.ceil(bytes / step) * step;
}
