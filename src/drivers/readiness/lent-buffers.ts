import { mapAnonymousPages } from '../../../native-bindings/linux/pages.js';
import { type MapPages, MappedMemory } from '../../../native-bindings/memory.js';

/** Lent buffers with this number and above lie outside the pool: see `overflow`. */
const FIRST_HEAP_BUFFER = 1 << 24;

interface HeapBuffer {
  readonly bytes: Uint8Array;
  references: number;
}

/**
 * The buffers that receives lend. The pool's address space is reserved at once and its pages are touched only when
 * used; the buffer given back last is taken next, so that what is in use stays in the cache.
 */
export class LentBuffers {
  readonly bufferBytes: number;
  readonly memory: MappedMemory;
  readonly #capacity: number;
  readonly #references: Int32Array;
  /** Buffers that were given back, as a stack. Those from `#untouched` on have never been used. */
  readonly #free: Int32Array;
  #freeCount = 0;
  #untouched = 0;
  #lent = 0;
  readonly #heap = new Map<number, HeapBuffer>();
  #nextHeapBuffer = FIRST_HEAP_BUFFER;

  constructor(bufferBytes: number, capacity: number, mapPages: MapPages = mapAnonymousPages) {
    this.bufferBytes = bufferBytes;
    this.#capacity = capacity;
    this.#references = new Int32Array(capacity);
    this.#free = new Int32Array(capacity);
    this.memory = MappedMemory.map(bufferBytes * capacity, mapPages);
  }

  get lent(): number {
    return this.#lent + this.#heap.size;
  }

  /** A buffer that nobody refers to yet: `lend` it or leave it. -1: all are in use. */
  peek(): number {
    if (this.#freeCount > 0) return this.#free[this.#freeCount - 1] as number;
    return this.#untouched < this.#capacity ? this.#untouched : -1;
  }

  /** Takes the buffer that `peek` named; the caller has its one reference. */
  lend(buffer: number): void {
    if (this.#freeCount > 0) this.#freeCount--;
    else this.#untouched++;
    this.#references[buffer] = 1;
    this.#lent++;
  }

  /** Lends bytes of the heap: for when the pool is used up. The stack holds no buffer after its call, so it may be. */
  overflow(bytes: Uint8Array): number {
    const buffer = this.#nextHeapBuffer++;
    this.#heap.set(buffer, { bytes, references: 1 });
    return buffer;
  }

  isMapped(buffer: number): boolean {
    return buffer < FIRST_HEAP_BUFFER;
  }

  address(buffer: number, offset: number): number {
    return this.memory.address(buffer * this.bufferBytes + offset);
  }

  bytes(buffer: number, offset: number, length: number): Uint8Array {
    if (this.isMapped(buffer)) return new Uint8Array(this.memory.buffer, buffer * this.bufferBytes + offset, length);
    return this.#heapBuffer(buffer).bytes.subarray(offset, offset + length);
  }

  retain(buffer: number): void {
    if (!this.isMapped(buffer)) {
      this.#heapBuffer(buffer).references++;
      return;
    }
    const references = this.#references[buffer] as number;
    if (references < 1) throw new RangeError(`Buffer ${buffer} is not lent`);
    this.#references[buffer] = references + 1;
  }

  /** Gives up one reference; with the last one the buffer may be filled again. */
  release(buffer: number): void {
    if (!this.isMapped(buffer)) {
      if (--this.#heapBuffer(buffer).references === 0) this.#heap.delete(buffer);
      return;
    }
    const references = (this.#references[buffer] as number) - 1;
    if (references < 0) throw new RangeError(`Buffer ${buffer} is not lent`);
    this.#references[buffer] = references;
    if (references > 0) return;
    this.#lent--;
    this.#free[this.#freeCount++] = buffer;
  }

  #heapBuffer(buffer: number): HeapBuffer {
    const heap = this.#heap.get(buffer);
    if (heap === undefined) throw new RangeError(`Buffer ${buffer} is not lent`);
    return heap;
  }
}
