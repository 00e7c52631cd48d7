import { mapAnonymousPages } from '../../../native-bindings/linux/pages.js';
import { MappedMemory } from '../../../native-bindings/memory.js';

interface SlabClass {
  readonly slabBytes: number;
  readonly count: number;
}

/** Sizes of staging slabs: a game message, a page, a stretch of a stream. Pages are touched only when used. */
const CLASSES: readonly SlabClass[] = [
  { slabBytes: 256, count: 16384 },
  { slabBytes: 4096, count: 4096 },
  { slabBytes: 65536, count: 256 },
];

/**
 * Memory where bytes to be sent are staged, because the kernel may not hold a pointer into the garbage-collected heap.
 * A slab is taken for one request and is reused only after its completion.
 */
export class SendSlabs {
  readonly memory: MappedMemory;
  /** Per class: a stack of free offsets, the ones used last on top. */
  readonly #free: Int32Array[] = [];
  readonly #freeCount: number[] = [];
  readonly #firstOffset: number[] = [];

  constructor() {
    const total = CLASSES.reduce((sum, { slabBytes, count }) => sum + slabBytes * count, 0);
    this.memory = MappedMemory.map(total, mapAnonymousPages);
    let offset = 0;
    for (const { slabBytes, count } of CLASSES) {
      this.#firstOffset.push(offset);
      const stack = new Int32Array(count);
      for (let i = 0; i < count; i++) stack[count - 1 - i] = offset + i * slabBytes;
      this.#free.push(stack);
      this.#freeCount.push(count);
      offset += slabBytes * count;
    }
  }

  static readonly largest = 65536;

  /** A slab for up to `byteLength` bytes, or the largest there is; -1 when those sizes are all in use. */
  take(byteLength: number): number {
    for (let i = byteLength <= 256 ? 0 : byteLength <= 4096 ? 1 : 2; i < CLASSES.length; i++) {
      const count = this.#freeCount[i] as number;
      if (count === 0) continue;
      this.#freeCount[i] = count - 1;
      return (this.#free[i] as Int32Array)[count - 1] as number;
    }
    return -1;
  }

  give(offset: number): void {
    const i = this.#classOf(offset);
    const count = this.#freeCount[i] as number;
    (this.#free[i] as Int32Array)[count] = offset;
    this.#freeCount[i] = count + 1;
  }

  bytesOf(offset: number): number {
    return (CLASSES[this.#classOf(offset)] as SlabClass).slabBytes;
  }

  #classOf(offset: number): number {
    if (offset >= (this.#firstOffset[2] as number)) return 2;
    return offset >= (this.#firstOffset[1] as number) ? 1 : 0;
  }
}
