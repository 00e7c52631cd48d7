import type { StackCalls } from '../library/calls.js';
import type { NativeCall } from '../library/library.js';
import { type FdSet, makeFdSet } from '../waiting/fd-set.js';
import { writeField } from '../waiting/fields.js';
import { PollBits } from '../waiting/poll-bits.js';
import { PollfdCodec } from '../waiting/pollfd-codec.js';

/** What one call of poll came to. The answers are in normalised bits. */
export interface RawPoll {
  readonly returned: number;
  /** The negated error; 0 where the call has not failed. */
  readonly failure: number;
  readonly answers: readonly number[];
  readonly tookMs: number;
}

/** What one call of select came to: which of the descriptors that were asked about are left in each set. */
export interface RawSelect {
  readonly returned: number;
  readonly failure: number;
  readonly read: boolean;
  readonly write: boolean;
  readonly except: boolean;
}

/** The stack's poll and select, one call at a time, and with their results as they are. */
export class RawWaits {
  readonly #calls: StackCalls;

  constructor(calls: StackCalls) {
    this.#calls = calls;
  }

  get hasPoll(): boolean {
    return this.#calls.has('poll') && this.#calls.profile.layouts.pollfd !== null;
  }

  get hasSelect(): boolean {
    const { fdSet, timeval } = this.#calls.profile.layouts;
    return this.#calls.has('select') && fdSet !== null && timeval !== null;
  }

  /** `timeout` is in whatever unit the stack takes. */
  poll(asked: readonly (readonly [descriptor: number, events: number])[], timeout: number): RawPoll {
    const { constants, layouts, byteOrder } = this.#calls.profile;
    const { pollfd } = layouts;
    if (pollfd === null) throw new Error('the profile has no pollfd');
    const codec = new PollfdCodec(pollfd, new PollBits(constants.poll), byteOrder);
    for (const [i, [descriptor, events]] of asked.entries()) codec.packOne(i, descriptor, events);
    const call = this.#calls.get('poll');
    const start = performance.now();
    const returned = call(codec.bytes, asked.length, timeout);
    const failure = returned < 0 ? this.#calls.failure(returned) : 0;
    const tookMs = performance.now() - start;
    return { returned, failure, answers: asked.map((_, i) => codec.answerOf(i)), tookMs };
  }

  /** Asks about one descriptor, in the sets that are named, without waiting. */
  select(descriptor: number, sets: { read?: boolean; write?: boolean; except?: boolean }): RawSelect {
    const { layouts, byteOrder, quirks } = this.#calls.profile;
    const { fdSet } = layouts;
    if (fdSet === null) throw new Error('the profile has no fdSet');
    const tagBits = quirks.descriptorTagBits ?? 0;
    const make = (wanted: boolean | undefined) => {
      if (!wanted) return null;
      const set = makeFdSet(fdSet, byteOrder, tagBits);
      set.fill([descriptor]);
      return set;
    };
    const [read, write, except] = [make(sets.read), make(sets.write), make(sets.except)];
    const call = this.#calls.get('select');
    const returned = this.#select(call, (descriptor & ~tagBits) + 1, read, write, except);
    const failure = returned < 0 ? this.#calls.failure(returned) : 0;
    const left = (set: FdSet | null) => {
      set?.read();
      return set?.has(descriptor) ?? false;
    };
    return { returned, failure, read: left(read), write: left(write), except: left(except) };
  }

  /** select of nobody, without waiting. */
  selectNobody(): number {
    return this.#select(this.#calls.get('select'), 0, null, null, null);
  }

  #select(call: NativeCall, nfds: number, read: FdSet | null, write: FdSet | null, except: FdSet | null): number {
    const { layouts, byteOrder } = this.#calls.profile;
    const { timeval } = layouts;
    if (timeval === null) throw new Error('the profile has no timeval');
    const time = new Uint8Array(timeval.size);
    writeField(new DataView(time.buffer), 0, timeval.seconds, 0, byteOrder === 'little');
    return call(nfds, read?.bytes ?? null, write?.bytes ?? null, except?.bytes ?? null, time);
  }
}
