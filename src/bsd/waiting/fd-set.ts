import type { StackLayouts } from '../profile/profile.js';
import { readField, writeField } from './fields.js';

export type FdSetLayout = NonNullable<StackLayouts['fdSet']>;

/** One `fd_set` of the stack's own shape. Its memory is the stack's for the time of one call. */
export interface FdSet {
  readonly bytes: Uint8Array;
  /** Descriptors that one set can hold. */
  readonly capacity: number;
  /** Whether a set can hold this descriptor at all. */
  fits(descriptor: number): boolean;
  fill(descriptors: readonly number[]): void;
  /** Calls back for each of these descriptors that is in the set. */
  has(descriptor: number): boolean;
  /** Makes `has` ready for what the stack has left in the set. */
  read(): void;
}

export function makeFdSet(layout: FdSetLayout, byteOrder: 'little' | 'big', tagBits: number): FdSet {
  return layout.kind === 'bits'
    ? new BitSet(layout, byteOrder === 'big', tagBits)
    : new ArraySet(layout, byteOrder === 'little');
}

/** BSD's: a bit a descriptor. */
class BitSet implements FdSet {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly capacity = Number.POSITIVE_INFINITY;
  readonly #bits: number;
  readonly #offset: number;
  readonly #numberMask: number;
  /** Turns the index of a byte within its word round, for words of the other byte order. */
  readonly #byteFlip: number;

  constructor(layout: FdSetLayout & { kind: 'bits' }, bigEndian: boolean, tagBits: number) {
    this.bytes = new Uint8Array(layout.bits >> 3);
    this.#bits = layout.bits;
    this.#offset = layout.offset;
    this.#numberMask = ~tagBits;
    this.#byteFlip = bigEndian ? layout.wordBytes - 1 : 0;
  }

  fits(descriptor: number): boolean {
    const bit = this.#bit(descriptor);
    return bit >= 0 && bit < this.#bits;
  }

  fill(descriptors: readonly number[]): void {
    this.bytes.fill(0);
    for (const descriptor of descriptors) {
      const bit = this.#bit(descriptor);
      const at = (bit >> 3) ^ this.#byteFlip;
      this.bytes[at] = (this.bytes[at] as number) | (1 << (bit & 7));
    }
  }

  has(descriptor: number): boolean {
    const bit = this.#bit(descriptor);
    return ((this.bytes[(bit >> 3) ^ this.#byteFlip] as number) & (1 << (bit & 7))) !== 0;
  }

  read(): void {}

  #bit(descriptor: number): number {
    return (descriptor & this.#numberMask) - this.#offset;
  }
}

/** Winsock's: a count and an array, in which a descriptor may stand anywhere. */
class ArraySet implements FdSet {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly capacity: number;
  readonly #view: DataView;
  readonly #layout: FdSetLayout & { kind: 'array' };
  readonly #littleEndian: boolean;
  readonly #members = new Set<number>();

  constructor(layout: FdSetLayout & { kind: 'array' }, littleEndian: boolean) {
    this.#layout = layout;
    this.#littleEndian = littleEndian;
    this.capacity = layout.capacity;
    this.bytes = new Uint8Array(layout.firstAt + layout.capacity * layout.entryBytes);
    this.#view = new DataView(this.bytes.buffer);
  }

  fits(descriptor: number): boolean {
    return descriptor >= 0;
  }

  fill(descriptors: readonly number[]): void {
    const { count, firstAt, entryBytes } = this.#layout;
    writeField(this.#view, 0, count, descriptors.length, this.#littleEndian);
    for (let i = 0; i < descriptors.length; i++) {
      writeField(this.#view, firstAt, [i * entryBytes, entryBytes], descriptors[i] as number, this.#littleEndian);
    }
  }

  has(descriptor: number): boolean {
    return this.#members.has(descriptor);
  }

  read(): void {
    const { count, firstAt, entryBytes } = this.#layout;
    this.#members.clear();
    const members = Math.min(readField(this.#view, 0, count, this.#littleEndian), this.capacity);
    for (let i = 0; i < members; i++) {
      this.#members.add(readField(this.#view, firstAt, [i * entryBytes, entryBytes], this.#littleEndian));
    }
  }
}
