import { markAsUntransferable } from 'node:worker_threads';
import { viewOf } from './ffi.js';

/** Obtains zeroed, page-aligned pages from the operating system that are never given back while the process lives. */
export type MapPages = (byteLength: number) => number;

/**
 * Memory that the kernel may hold on to after a call has returned. It lies outside the garbage-collected heap and is
 * never unmapped: a view that outlives its port reads stale bytes instead of crashing (SEMANTICS 7, "leak rather
 * than free"). All pointer arithmetic of the library is `address(offset)`.
 */
export class MappedMemory {
  readonly byteLength: number;
  readonly buffer: ArrayBuffer;
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly u64: BigUint64Array;
  readonly #base: number;

  constructor(base: number, byteLength: number) {
    if (!Number.isSafeInteger(base) || base <= 0) throw new RangeError(`Not an address: ${base}`);
    this.#base = base;
    this.byteLength = byteLength;
    this.buffer = viewOf(base, byteLength);
    // A lent view exposes this ArrayBuffer: transferring it would detach the driver's own views in mid-operation.
    markAsUntransferable(this.buffer);
    this.u8 = new Uint8Array(this.buffer);
    this.u16 = new Uint16Array(this.buffer, 0, byteLength >> 1);
    this.i32 = new Int32Array(this.buffer, 0, byteLength >> 2);
    this.u32 = new Uint32Array(this.buffer, 0, byteLength >> 2);
    this.u64 = new BigUint64Array(this.buffer, 0, byteLength >> 3);
  }

  /** Maps `byteLength` zeroed bytes; pages cost nothing until they are touched. */
  static map(byteLength: number, mapPages: MapPages): MappedMemory {
    return new MappedMemory(mapPages(byteLength), byteLength);
  }

  /** The native address of a byte of this memory. */
  address(offset: number): number {
    if (offset < 0 || offset >= this.byteLength) throw new RangeError(`Offset ${offset} lies outside the mapping`);
    return this.#base + offset;
  }

  /** Stores a native address in this memory as a 64-bit pointer. */
  setPointer(offset: number, address: number): void {
    this.u32[offset >> 2] = address >>> 0;
    this.u32[(offset >> 2) + 1] = Math.floor(address / 0x1_0000_0000);
  }
}
