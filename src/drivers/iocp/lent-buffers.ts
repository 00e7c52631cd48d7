import { ReservedMemory } from '../../../native-bindings/windows/pages.js';

/** Lent buffers with this number and above lie outside the pool: see `overflow`. */
const FIRST_HEAP_BUFFER = 1 << 24;

/** Pages come into use in chunks of about this much, each with an ArrayBuffer of its own. */
const CHUNK_BYTES = 65536;

interface HeapBuffer {
  readonly bytes: Uint8Array;
  references: number;
}

/**
 * The buffers that receives lend. The pool's addresses are reserved at once and its pages are committed when first
 * used; the buffer given back last is taken next, so that what is in use stays in the cache.
 */
export class LentBuffers {
  readonly bufferBytes: number;
  readonly #capacity: number;
  readonly #reserved: ReservedMemory;
  readonly #buffersPerChunk: number;
  readonly #chunks: ArrayBuffer[] = [];
  readonly #references: number[] = [];
  readonly #free: number[] = [];
  #lent = 0;
  readonly #heap = new Map<number, HeapBuffer>();
  #nextHeapBuffer = FIRST_HEAP_BUFFER;

  constructor(bufferBytes: number, capacity: number) {
    this.bufferBytes = bufferBytes;
    this.#capacity = capacity;
    this.#reserved = new ReservedMemory(bufferBytes * capacity);
    this.#buffersPerChunk = Math.max(Math.floor(CHUNK_BYTES / bufferBytes), 1);
  }

  get lent(): number {
    return this.#lent + this.#heap.size;
  }

  /** A buffer that nobody refers to yet: `lend` it or leave it. -1: all are in use. */
  peek(): number {
    const buffer = this.#free[this.#free.length - 1];
    if (buffer !== undefined) return buffer;
    const next = this.#references.length;
    if (next === this.#capacity) return -1;
    if (next === this.#chunks.length * this.#buffersPerChunk) this.#addChunk();
    this.#references.push(0);
    this.#free.push(next);
    return next;
  }

  /** Takes the buffer that `peek` named; the caller has its one reference. */
  lend(buffer: number): void {
    this.#free.pop();
    this.#references[buffer] = 1;
    this.#lent++;
  }

  /** Lends bytes of the heap: for when the pool is used up. Winsock holds no buffer after its call, so it may be. */
  overflow(bytes: Uint8Array): number {
    const buffer = this.#nextHeapBuffer++;
    this.#heap.set(buffer, { bytes, references: 1 });
    return buffer;
  }

  isMapped(buffer: number): boolean {
    return buffer < FIRST_HEAP_BUFFER;
  }

  address(buffer: number, offset: number): number {
    return this.#reserved.memory.address(buffer * this.bufferBytes + offset);
  }

  bytes(buffer: number, offset: number, length: number): Uint8Array {
    if (!this.isMapped(buffer)) return this.#heapBuffer(buffer).bytes.subarray(offset, offset + length);
    const chunk = this.#chunks[Math.floor(buffer / this.#buffersPerChunk)];
    if (chunk === undefined) throw new RangeError(`Buffer ${buffer} is not lent`);
    return new Uint8Array(chunk, (buffer % this.#buffersPerChunk) * this.bufferBytes + offset, length);
  }

  retain(buffer: number): void {
    if (!this.isMapped(buffer)) {
      this.#heapBuffer(buffer).references++;
      return;
    }
    const references = this.#references[buffer] ?? 0;
    if (references < 1) throw new RangeError(`Buffer ${buffer} is not lent`);
    this.#references[buffer] = references + 1;
  }

  /** Gives up one reference; with the last one the buffer may be filled again. */
  release(buffer: number): void {
    if (!this.isMapped(buffer)) {
      if (--this.#heapBuffer(buffer).references === 0) this.#heap.delete(buffer);
      return;
    }
    const references = (this.#references[buffer] ?? 0) - 1;
    if (references < 0) throw new RangeError(`Buffer ${buffer} is not lent`);
    this.#references[buffer] = references;
    if (references > 0) return;
    this.#lent--;
    this.#free.push(buffer);
  }

  #addChunk(): void {
    const first = this.#chunks.length * this.#buffersPerChunk;
    const buffers = Math.min(this.#buffersPerChunk, this.#capacity - first);
    this.#chunks.push(this.#reserved.part(first * this.bufferBytes, buffers * this.bufferBytes));
  }

  #heapBuffer(buffer: number): HeapBuffer {
    const heap = this.#heap.get(buffer);
    if (heap === undefined) throw new RangeError(`Buffer ${buffer} is not lent`);
    return heap;
  }
}
