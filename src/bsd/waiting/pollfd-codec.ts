import { endianness } from 'node:os';
import type { StackLayouts } from '../profile/profile.js';
import { readField, writeField } from './fields.js';
import type { PollBits } from './poll-bits.js';
import { ALL_BITS, ASKED } from './poll-bits.js';
import { POLLNVAL, type PollEntries } from './waiter.js';

export type PollfdLayout = NonNullable<StackLayouts['pollfd']>;

const FIRST_CAPACITY = 64;

/** Poll entries as the stack's own `struct pollfd[]`. The memory is the stack's for the time of one call. */
export class PollfdCodec {
  bytes: Uint8Array<ArrayBuffer>;
  readonly entryBytes: number;
  readonly #layout: PollfdLayout;
  readonly #bits: PollBits;
  readonly #littleEndian: boolean;
  /** The layout is `{ int fd; short events, revents; }` in the processor's own order: two words an entry. */
  readonly #inWords: boolean;
  #view: DataView;
  #words: Int32Array;

  constructor(layout: PollfdLayout, bits: PollBits, byteOrder: 'little' | 'big') {
    this.#layout = layout;
    this.#bits = bits;
    this.#littleEndian = byteOrder === 'little';
    this.entryBytes = layout.size;
    this.#inWords = endianness() === 'LE' && this.#littleEndian && isPosixPollfd(layout);
    this.bytes = new Uint8Array(FIRST_CAPACITY * layout.size);
    this.#view = new DataView(this.bytes.buffer);
    this.#words = new Int32Array(this.bytes.buffer, 0, this.bytes.length >> 2);
  }

  /** Writes all entries, their answers zeroed: a stack that fails half-way must leave no answer of the last call. */
  pack(entries: PollEntries): void {
    const { descriptors, events, count } = entries;
    this.#reserve(count);
    const native = this.#bits.native;
    if (this.#inWords) {
      const words = this.#words;
      for (let i = 0, at = 0; i < count; i++, at += 2) {
        words[at] = descriptors[i] as number;
        words[at + 1] = native[(events[i] as number) & ASKED] as number;
      }
      return;
    }
    for (let i = 0; i < count; i++) {
      this.packOne(i, descriptors[i] as number, events[i] as number);
    }
  }

  packOne(index: number, descriptor: number, events: number): void {
    const base = index * this.entryBytes;
    const { fd, events: asked, revents } = this.#layout;
    writeField(this.#view, base, fd, descriptor, this.#littleEndian);
    writeField(this.#view, base, asked, this.#bits.native[events & ASKED] as number, this.#littleEndian);
    writeField(this.#view, base, revents, 0, this.#littleEndian);
  }

  /** Reads all answers; how many entries have one. This is the count that counts, whatever the stack has returned. */
  unpack(entries: PollEntries): number {
    if (this.#inWords && this.#bits.identical) return this.#unpackWords(entries);
    const { descriptors, revents, count } = entries;
    let ready = 0;
    for (let i = 0; i < count; i++) {
      const answer = this.#answer(i);
      // A descriptor below 0 is passed over; WSAPoll says POLLNVAL of it all the same.
      const normal = answer === 0 || (descriptors[i] as number) < 0 ? 0 : this.#bits.normal(answer);
      revents[i] = normal;
      if (normal !== 0) ready++;
    }
    return ready;
  }

  #unpackWords({ revents, count }: PollEntries): number {
    const words = this.#words;
    let ready = 0;
    for (let i = 0, at = 1; i < count; i++, at += 2) {
      const answer = ((words[at] as number) >>> 16) & ALL_BITS;
      revents[i] = (words[at - 1] as number) < 0 ? 0 : answer;
      if (revents[i] !== 0) ready++;
    }
    return ready;
  }

  /** The answer of one entry, normalised. */
  answerOf(index: number): number {
    return this.#bits.normal(this.#answer(index));
  }

  /** The first entry from `from` on that the stack has called invalid; -1 where there is none. */
  firstInvalid(from: number, count: number): number {
    for (let i = from; i < count; i++) if ((this.answerOf(i) & POLLNVAL) !== 0) return i;
    return -1;
  }

  #answer(index: number): number {
    return readField(this.#view, index * this.entryBytes, this.#layout.revents, this.#littleEndian);
  }

  #reserve(count: number): void {
    const needed = count * this.entryBytes;
    if (needed <= this.bytes.length) return;
    this.bytes = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    this.#view = new DataView(this.bytes.buffer);
    this.#words = new Int32Array(this.bytes.buffer, 0, this.bytes.length >> 2);
  }
}

function isPosixPollfd({ size, fd, events, revents }: PollfdLayout): boolean {
  const is = (field: readonly [number, number], at: number, bytes: number) => field[0] === at && field[1] === bytes;
  return size === 8 && is(fd, 0, 4) && is(events, 4, 2) && is(revents, 6, 2);
}
