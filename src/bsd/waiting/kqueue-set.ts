import type { StackCalls } from '../library/calls.js';
import type { NativeCall } from '../library/library.js';
import type { KeventLayout, KqueueConstants, StackProfile, TimespecLayout } from '../profile/profile.js';
import { readField, writeField } from './fields.js';

/** Reports that one call can bring. */
export const KQUEUE_EVENTS_PER_WAIT = 256;

/** The longest that one kevent is asked to take where it may not be asked for ever: a day. */
const LONGEST_TIMESPEC_MS = 86_400_000;

const NS_PER_MS = 1e6;

/** How often a call that a signal has ended is made again: a stack that says EINTR for ever is not believed. */
const MAX_INTERRUPTIONS = 4;

/** The directions of a socket, as bits. */
export const READING = 1;
export const WRITING = 2;

/** What a kqueue needs to be told of a stack. */
export interface KqueueDescription {
  readonly kevent: KeventLayout;
  readonly timespec: TimespecLayout;
  readonly constants: KqueueConstants;
}

/** Null where the profile does not describe a kqueue. */
export function describeKqueue({ constants, layouts }: StackProfile): KqueueDescription | null {
  const { kevent, timespec } = layouts;
  return kevent && timespec && constants.kqueue ? { kevent, timespec, constants: constants.kqueue } : null;
}

/**
 * One kqueue of the stack's own kind. A direction is asked for once (EV_ONESHOT): its report takes it out again. Changes
 * are collected and go along with the next `wait`, since kevent takes both. Results are 0 or more, or the negated error.
 */
export class KqueueSet {
  readonly descriptor: number;
  readonly #calls: StackCalls;
  readonly #layout: KeventLayout;
  readonly #timespecLayout: TimespecLayout;
  readonly #constants: KqueueConstants;
  readonly #littleEndian: boolean;
  readonly #kevent: NativeCall;
  readonly #close: NativeCall;
  readonly #interrupted: number;
  readonly #longestMs: number;
  readonly #mayBeEndless: boolean;
  readonly #events: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  readonly #timespec: Uint8Array<ArrayBuffer>;
  readonly #timespecView: DataView;
  /** As the field gives it: the number is negative on most. */
  readonly #readFilter: number;
  #changes: Uint8Array<ArrayBuffer>;
  #changesView: DataView;
  #changeCount = 0;

  /** `descriptor` is negative, the negated error, where the stack has refused to make one. */
  constructor(calls: StackCalls, { kevent, timespec, constants }: KqueueDescription) {
    const { profile } = calls;
    this.#calls = calls;
    this.#layout = kevent;
    this.#timespecLayout = timespec;
    this.#constants = constants;
    this.#littleEndian = profile.byteOrder === 'little';
    this.#kevent = calls.get('kevent');
    this.#close = calls.get('close');
    this.#interrupted = calls.errors.number('EINTR');
    this.#longestMs = Math.min(LONGEST_TIMESPEC_MS, profile.quirks.longestTimeoutMs ?? LONGEST_TIMESPEC_MS);
    this.#mayBeEndless = profile.quirks.longestTimeoutMs === undefined;
    this.#events = new Uint8Array(kevent.size * KQUEUE_EVENTS_PER_WAIT);
    this.#view = new DataView(this.#events.buffer);
    this.#timespec = new Uint8Array(timespec.size);
    this.#timespecView = new DataView(this.#timespec.buffer);
    this.#changes = new Uint8Array(kevent.size * 16);
    this.#changesView = new DataView(this.#changes.buffer);
    this.#readFilter = unsigned(constants.EVFILT_READ, kevent.filter[1]);
    const returned = calls.get('kqueue')();
    this.descriptor = returned < 0 ? calls.failure(returned) : returned;
  }

  /** Asks for one report of each of these directions, from the next `wait` or `apply` on. `data` comes with it. */
  ask(descriptor: number, directions: number, data: number): void {
    const { EV_ADD, EV_ONESHOT } = this.#constants;
    this.#change(descriptor, directions, EV_ADD | EV_ONESHOT, data);
  }

  /** Takes directions back that have been asked for and not been reported. */
  takeBack(descriptor: number, directions: number): void {
    this.#change(descriptor, directions, this.#constants.EV_DELETE, 0);
  }

  /** Makes the changes now, up to the first that fails, and takes no reports. */
  apply(): number {
    if (this.#changeCount === 0) return 0;
    return Math.min(0, this.#call(null, 0, this.#timeout(0)));
  }

  /** How much of these milliseconds one call may take. */
  slice(remainingMs: number): number {
    return remainingMs > this.#longestMs && !(remainingMs === Infinity && this.#mayBeEndless)
      ? this.#longestMs
      : remainingMs;
  }

  /**
   * Makes the changes, and gives how many reports there are. A call that a signal has ended is made again where it was
   * not to wait; where it was, that is the caller's, who knows how much time is left.
   */
  wait(timeoutMs: number): number {
    return this.#call(this.#events, KQUEUE_EVENTS_PER_WAIT, this.#timeout(timeoutMs), timeoutMs > 0);
  }

  dataOf(index: number): number {
    return this.#read(index, this.#layout.udata);
  }

  /** READING or WRITING. */
  directionOf(index: number): number {
    return this.#read(index, this.#layout.filter) === this.#readFilter ? READING : WRITING;
  }

  /** The direction has come to its end. */
  isEnd(index: number): boolean {
    return (this.#read(index, this.#layout.flags) & this.#constants.EV_EOF) !== 0;
  }

  /** The stack's number of the error that is pending on a socket that has come to its end; 0 where there is none. */
  errorOf(index: number): number {
    return this.isEnd(index) ? this.#read(index, this.#layout.fflags) : 0;
  }

  /** What a change has failed with: such an entry is no report. 0 for a report. */
  failureOf(index: number): number {
    const failed = (this.#read(index, this.#layout.flags) & this.#constants.EV_ERROR) !== 0;
    return failed ? this.#read(index, this.#layout.data) : 0;
  }

  close(): void {
    this.#close(this.descriptor);
  }

  #change(descriptor: number, directions: number, flags: number, data: number): void {
    const { EVFILT_READ, EVFILT_WRITE } = this.#constants;
    if ((directions & READING) !== 0) this.#push(descriptor, EVFILT_READ, flags, data);
    if ((directions & WRITING) !== 0) this.#push(descriptor, EVFILT_WRITE, flags, data);
  }

  #push(descriptor: number, filter: number, flags: number, data: number): void {
    const at = this.#changeCount * this.#layout.size;
    if (at === this.#changes.byteLength) {
      const grown = new Uint8Array(at * 2);
      grown.set(this.#changes);
      this.#changes = grown;
      this.#changesView = new DataView(grown.buffer);
    }
    const fields = [
      [this.#layout.ident, descriptor],
      [this.#layout.filter, filter],
      [this.#layout.flags, flags],
      [this.#layout.fflags, 0],
      [this.#layout.data, 0],
      [this.#layout.udata, data],
    ] as const;
    for (const [field, value] of fields) writeField(this.#changesView, at, field, value, this.#littleEndian);
    this.#changeCount++;
  }

  /** Changes that a call was interrupted after have been made (kqueue(2)); to make them again changes nothing. */
  #call(events: Uint8Array | null, room: number, timeout: Uint8Array | null, onlyOnce = false): number {
    const changes = this.#changeCount === 0 ? null : this.#changes;
    const count = this.#changeCount;
    this.#changeCount = 0;
    for (let i = 0; ; i++) {
      const returned = this.#kevent(this.descriptor, changes, count, events, room, timeout);
      if (returned >= 0) return returned;
      const failed = this.#calls.failure(returned);
      if (failed !== -this.#interrupted || onlyOnce || i === MAX_INTERRUPTIONS) return failed;
    }
  }

  /** The timespec; NULL for ever. */
  #timeout(timeoutMs: number): Uint8Array | null {
    if (timeoutMs === Infinity) return null;
    const wholeNs = Math.ceil(timeoutMs * NS_PER_MS);
    const seconds = Math.floor(wholeNs / 1e9);
    const { seconds: secondsField, nanoseconds } = this.#timespecLayout;
    writeField(this.#timespecView, 0, secondsField, seconds, this.#littleEndian);
    writeField(this.#timespecView, 0, nanoseconds, wholeNs - seconds * 1e9, this.#littleEndian);
    return this.#timespec;
  }

  #read(index: number, field: KeventLayout['ident']): number {
    return readField(this.#view, index * this.#layout.size, field, this.#littleEndian);
  }
}

/** A number as readField gives it. */
function unsigned(value: number, bytes: number): number {
  return bytes < 4 ? value & (2 ** (8 * bytes) - 1) : value >>> 0;
}
