import type { StackProfile } from '../profile/profile.js';
import type { Integers } from './memory.js';

type Layout = NonNullable<StackProfile['layouts']['fdSet']>;
type BitLayout = Extract<Layout, { kind: 'bits' }>;
type ArrayLayout = Extract<Layout, { kind: 'array' }>;

/** An fd_set of the simulated stack, in the caller's memory. */
export interface FdSet {
  /** What is in it, in its own order: numbers without a tag, or whole descriptors, as the layout has it. */
  members(): readonly number[];
  /** Leaves only these members in it, as select does on its way back. */
  keep(members: readonly number[]): void;
}

/** Bytes of an fd_set as far as a select looks: the words up to `nfds`. */
export function fdSetBytes(layout: Layout, nfds: number): number {
  if (layout.kind === 'array') return layout.firstAt + layout.capacity * layout.entryBytes;
  const bits = Math.max(0, nfds - layout.offset);
  return Math.ceil(bits / (layout.wordBytes * 8)) * layout.wordBytes;
}

export function openFdSet(layout: Layout, integers: Integers, bytes: Uint8Array, nfds: number): FdSet {
  return layout.kind === 'array'
    ? new ArraySet(layout, integers, bytes)
    : new BitSet(layout, integers, bytes, Math.max(0, nfds - layout.offset));
}

class BitSet implements FdSet {
  readonly #layout: BitLayout;
  readonly #bytes: Uint8Array;
  readonly #bits: number;
  readonly #littleEndian: boolean;

  constructor(layout: BitLayout, integers: Integers, bytes: Uint8Array, bits: number) {
    this.#layout = layout;
    this.#bytes = bytes;
    this.#bits = bits;
    this.#littleEndian = integers.littleEndian;
  }

  members(): number[] {
    const members: number[] = [];
    for (let bit = 0; bit < this.#bits; bit++) {
      if (((this.#bytes[this.#byteOf(bit)] ?? 0) & (1 << (bit & 7))) !== 0) members.push(bit + this.#layout.offset);
    }
    return members;
  }

  keep(members: readonly number[]): void {
    this.#bytes.fill(0);
    for (const member of members) {
      const bit = member - this.#layout.offset;
      const at = this.#byteOf(bit);
      this.#bytes[at] = (this.#bytes[at] ?? 0) | (1 << (bit & 7));
    }
  }

  #byteOf(bit: number): number {
    const byte = bit >> 3;
    if (this.#littleEndian) return byte;
    const inWord = byte % this.#layout.wordBytes;
    return byte - inWord + (this.#layout.wordBytes - 1 - inWord);
  }
}

class ArraySet implements FdSet {
  readonly #layout: ArrayLayout;
  readonly #integers: Integers;
  readonly #bytes: Uint8Array;

  constructor(layout: ArrayLayout, integers: Integers, bytes: Uint8Array) {
    this.#layout = layout;
    this.#integers = integers;
    this.#bytes = bytes;
  }

  members(): number[] {
    const { capacity, count, entryBytes, firstAt } = this.#layout;
    const length = Math.min(Math.max(0, this.#integers.read(this.#bytes, 0, count)), capacity);
    return Array.from({ length }, (_, i) =>
      this.#integers.read(this.#bytes, firstAt + i * entryBytes, [0, entryBytes]),
    );
  }

  keep(members: readonly number[]): void {
    const { count, entryBytes, firstAt } = this.#layout;
    this.#integers.write(this.#bytes, 0, count, members.length);
    members.forEach((member, i) => {
      this.#integers.write(this.#bytes, firstAt + i * entryBytes, [0, entryBytes], member);
    });
  }
}
