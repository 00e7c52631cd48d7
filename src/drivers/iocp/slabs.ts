import type { MappedMemory } from '../../../native-bindings/memory.js';
import { ReservedMemory } from '../../../native-bindings/windows/pages.js';

/** A slab for addresses: a connect's, or the two of an accept. */
const SMALL_BYTES = 256;
const SMALL_COUNT = 16384;
/** A slab for bytes that wait to be sent. */
const LARGE_BYTES = 65536;
const LARGE_COUNT = 256;

const LARGE_AT = SMALL_BYTES * SMALL_COUNT;

/** Slabs of one size: those that were given back, as a stack, and how many were ever used. */
class SlabClass {
  readonly #reserved: ReservedMemory;
  readonly #slabBytes: number;
  readonly #count: number;
  readonly #free: number[] = [];
  #used = 0;

  constructor(slabBytes: number, count: number) {
    this.#slabBytes = slabBytes;
    this.#count = count;
    this.#reserved = new ReservedMemory(slabBytes * count);
  }

  get memory(): MappedMemory {
    return this.#reserved.memory;
  }

  /** The offset of a slab; -1 when all are in use. */
  take(): number {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#used === this.#count) return -1;
    this.#reserved.commit((this.#used + 1) * this.#slabBytes);
    return this.#used++ * this.#slabBytes;
  }

  give(offset: number): void {
    this.#free.push(offset);
  }
}

/**
 * Memory for what a pending request reads and writes, because the kernel may not hold a pointer into the
 * garbage-collected heap. A slab is reused only after its request's completion.
 */
export class Slabs {
  static readonly largest = LARGE_BYTES;
  readonly #small = new SlabClass(SMALL_BYTES, SMALL_COUNT);
  readonly #large = new SlabClass(LARGE_BYTES, LARGE_COUNT);

  /** A slab for an address or two; -1 when all are in use. */
  takeSmall(): number {
    return this.#small.take();
  }

  /** A slab of `largest` bytes; -1 when all are in use. */
  takeLarge(): number {
    const offset = this.#large.take();
    return offset === -1 ? -1 : LARGE_AT + offset;
  }

  give(slab: number): void {
    if (slab < LARGE_AT) this.#small.give(slab);
    else this.#large.give(slab - LARGE_AT);
  }

  /** The slab's bytes begin at `offsetOf` in this memory. */
  memoryOf(slab: number): MappedMemory {
    return slab < LARGE_AT ? this.#small.memory : this.#large.memory;
  }

  offsetOf(slab: number): number {
    return slab < LARGE_AT ? slab : slab - LARGE_AT;
  }

  address(slab: number): number {
    return this.memoryOf(slab).address(this.offsetOf(slab));
  }
}
