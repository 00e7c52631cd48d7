import type { StackCalls } from '../library/calls.js';
import type { NativeCall } from '../library/library.js';
import type { EpollConstants, StackLayouts } from '../profile/profile.js';
import { readField, writeField } from './fields.js';
import { PollTimeouts } from './timeouts.js';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLPRI } from './waiter.js';

/** Linux's, from sys/epoll.h. */
export const LINUX_EPOLL: EpollConstants = {
  EPOLL_CTL_ADD: 1,
  EPOLL_CTL_MOD: 3,
  EPOLL_CTL_DEL: 2,
  EPOLLIN: 0x001,
  EPOLLPRI: 0x002,
  EPOLLOUT: 0x004,
  EPOLLERR: 0x008,
  EPOLLHUP: 0x010,
};

/** Reports that one call can bring. */
export const EPOLL_EVENTS_PER_WAIT = 256;

const NAME = new TextEncoder().encode('overlapped\0');
const EPOLL_CLOEXEC = 0o2000000;

/** One epoll of the stack's own kind. Results are 0 or more, or the negated error; events are poll's normalised bits. */
export class EpollSet {
  readonly descriptor: number;
  readonly #calls: StackCalls;
  readonly #layout: NonNullable<StackLayouts['epollEvent']>;
  readonly #constants: EpollConstants;
  readonly #littleEndian: boolean;
  readonly #timeouts: PollTimeouts;
  readonly #ctl: NativeCall;
  readonly #wait: NativeCall;
  readonly #pairs: readonly (readonly [native: number, bit: number])[];
  readonly #event: Uint8Array<ArrayBuffer>;
  readonly #events: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;

  /** `descriptor` is negative, the negated error, where the stack has refused to make one. */
  constructor(calls: StackCalls, layout: NonNullable<StackLayouts['epollEvent']>) {
    const { profile } = calls;
    const constants = profile.constants.epoll ?? LINUX_EPOLL;
    this.#calls = calls;
    this.#layout = layout;
    this.#constants = constants;
    this.#littleEndian = profile.byteOrder === 'little';
    this.#timeouts = new PollTimeouts(profile.quirks);
    this.#ctl = calls.get('epoll_ctl');
    this.#wait = calls.get('epoll_wait');
    this.#pairs = (
      [
        [constants.EPOLLIN, POLLIN],
        [constants.EPOLLPRI, POLLPRI],
        [constants.EPOLLOUT, POLLOUT],
        [constants.EPOLLERR, POLLERR],
        [constants.EPOLLHUP, POLLHUP],
      ] as const
    ).filter(([native]) => native !== 0);
    this.#event = new Uint8Array(layout.size);
    this.#events = new Uint8Array(layout.size * EPOLL_EVENTS_PER_WAIT);
    this.#view = new DataView(this.#events.buffer);
    this.descriptor = this.#create();
  }

  add(descriptor: number, events: number, data: number): number {
    return this.#control(this.#constants.EPOLL_CTL_ADD, descriptor, events, data);
  }

  modify(descriptor: number, events: number, data: number): number {
    return this.#control(this.#constants.EPOLL_CTL_MOD, descriptor, events, data);
  }

  remove(descriptor: number): number {
    return this.#control(this.#constants.EPOLL_CTL_DEL, descriptor, 0, 0);
  }

  slice(remainingMs: number): number {
    return this.#timeouts.slice(remainingMs);
  }

  /** How many reports there are; `dataOf` and `eventsOf` tell each. */
  wait(timeoutMs: number): number {
    const timeout = this.#timeouts.native(timeoutMs);
    const returned = this.#wait(this.descriptor, this.#events, EPOLL_EVENTS_PER_WAIT, timeout);
    return returned < 0 ? this.#calls.failure(returned) : returned;
  }

  dataOf(index: number): number {
    return readField(this.#view, index * this.#layout.size, this.#layout.data, this.#littleEndian);
  }

  eventsOf(index: number): number {
    const native = readField(this.#view, index * this.#layout.size, this.#layout.events, this.#littleEndian);
    return this.#pairs.reduce((bits, [each, bit]) => ((native & each) !== 0 ? bits | bit : bits), 0);
  }

  close(): void {
    this.#calls.find('epoll_close')?.(this.descriptor);
  }

  #create(): number {
    const { profile } = this.#calls;
    const create = this.#calls.get('epoll_create');
    const takesName = profile.types?.epoll_create?.parameters[0] === 'memory';
    // epoll_create takes a size that nobody looks at, and epoll_create1 flags.
    const flags = profile.symbols.epoll_create === 'epoll_create1' ? EPOLL_CLOEXEC : 1;
    const returned = takesName ? create(NAME, 0) : create(flags);
    return returned < 0 ? this.#calls.failure(returned) : returned;
  }

  #control(operation: number, descriptor: number, events: number, data: number): number {
    const native = this.#pairs.reduce((bits, [each, bit]) => ((events & bit) !== 0 ? bits | each : bits), 0);
    const view = new DataView(this.#event.buffer);
    writeField(view, 0, this.#layout.events, native, this.#littleEndian);
    writeField(view, 0, this.#layout.data, data, this.#littleEndian);
    const returned = this.#ctl(this.descriptor, operation, descriptor, this.#event);
    return returned < 0 ? this.#calls.failure(returned) : 0;
  }
}
