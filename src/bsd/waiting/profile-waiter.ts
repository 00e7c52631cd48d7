import { InvalidArgumentError } from '../../port/errors.js';
import { StackCalls } from '../library/calls.js';
import type { StackLibrary } from '../library/library.js';
import type { StackProfile } from '../profile/profile.js';
import { EpollSet } from './epoll-set.js';
import { describeKqueue, KqueueSet } from './kqueue-set.js';
import { NativePoll } from './native-poll.js';
import { NativeSelect } from './native-select.js';
import { ELSEWHERE, type OnePoll, type OneSelect } from './one-wait.js';
import { GrowingPauses, sleepLocally } from './pauses.js';
import type { PendingErrors } from './pending-errors.js';
import { PollByEpoll } from './poll-by-epoll.js';
import { PollByKqueue } from './poll-by-kqueue.js';
import { PollBySelect } from './poll-by-select.js';
import { SelectByPoll } from './select-by-poll.js';
import { SocketErrors } from './socket-errors.js';
import { WaitFailures } from './wait-failures.js';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, type PollEntries, type SelectLists, type StackWaiter } from './waiter.js';

const NOTHING: SelectLists = { read: [], write: [], except: [] };

/** poll and select as POSIX means them, made of whatever the stack of a profile has. */
export class ProfileWaiter implements StackWaiter {
  readonly #pending: PendingErrors;
  readonly #poll: OnePoll;
  readonly #select: OneSelect;
  readonly #nativeSelect: NativeSelect | null;
  readonly #failures: WaitFailures;
  readonly #pauses = new GrowingPauses();
  readonly #hidesFailedConnects: boolean;
  readonly #sockets: SocketErrors;
  /** For the third set, where the stack's own select never fills it. */
  readonly #selectByPoll: SelectByPoll | null;

  /**
   * `pending` is shared with whoever makes the sockets' calls, and asks it first. Throws ERR_STACK_WAIT where the
   * profile describes no kind of wait, or the library has not what it describes.
   */
  constructor(profile: StackProfile, library: StackLibrary, pending: PendingErrors) {
    const { quirks, layouts, waits } = profile;
    const calls = new StackCalls(profile, library);
    const failures = new WaitFailures(calls.errors);
    const sockets = new SocketErrors(calls, failures, pending);
    this.#pending = pending;
    this.#failures = failures;
    const pollCall = waits.includes('poll') ? calls.find('poll') : null;
    const selectCall = waits.includes('select') ? calls.find('select') : null;
    const { pollfd, fdSet, timeval } = layouts;
    const nativePoll = pollCall && pollfd ? new NativePoll(calls, pollfd, pollCall, failures, sockets) : null;
    const nativeSelect =
      selectCall && fdSet && timeval ? new NativeSelect(calls, fdSet, timeval, selectCall, failures, sockets) : null;
    const { epollEvent } = layouts;
    const byEpoll =
      waits.includes('epoll') && epollEvent && calls.has('epoll_create')
        ? new PollByEpoll(() => new EpollSet(calls, epollEvent), failures)
        : null;
    const kqueue = waits.includes('kqueue') && calls.has('kqueue') ? describeKqueue(profile) : null;
    const byKqueue = kqueue && new PollByKqueue(() => new KqueueSet(calls, kqueue), failures);
    const bySelect = nativeSelect && nativePoll === null ? new PollBySelect(nativeSelect, failures, sockets) : null;
    const poll = nativePoll ?? bySelect ?? byEpoll ?? byKqueue;
    if (poll === null) throw new InvalidArgumentError(`${profile.name} has nothing to wait with`, 'ERR_STACK_WAIT');
    this.#poll = poll;
    this.#nativeSelect = nativeSelect;
    this.#selectByPoll = quirks.exceptNeverSet && nativePoll !== null ? new SelectByPoll(nativePoll, failures) : null;
    this.#select = nativeSelect ?? new SelectByPoll(poll, failures);
    this.#sockets = sockets;
    this.#hidesFailedConnects = quirks.connectFailInvisible ?? false;
  }

  canPoll(descriptor: number): boolean {
    return this.#poll instanceof PollBySelect ? (this.#nativeSelect?.fits(descriptor) ?? false) : descriptor >= 0;
  }

  canSelect(descriptor: number): boolean {
    return this.#nativeSelect === null ? descriptor >= 0 : this.#nativeSelect.fits(descriptor);
  }

  poll(entries: PollEntries, timeoutMs: number): number {
    // An error that is kept makes its socket ready, and there is nothing to wait for.
    const kept = this.#pending.size > 0 && this.#hasKept(entries);
    const ready = this.#pollUntil(entries, kept ? 0 : timeoutMs);
    return kept && ready >= 0 ? this.#addKept(entries) : ready;
  }

  select(lists: SelectLists, timeoutMs: number): SelectLists | number {
    const { read, write } = lists;
    const isKept = (descriptor: number) => this.#pending.has(descriptor);
    const kept = this.#pending.size > 0 && (read.some(isKept) || write.some(isKept));
    const found = this.#selectUntil(lists, kept ? 0 : timeoutMs);
    if (!kept || typeof found === 'number') return found;
    const joined = (list: readonly number[], ready: readonly number[]) => {
      const members = new Set(ready);
      return list.filter((descriptor) => members.has(descriptor) || isKept(descriptor));
    };
    return { read: joined(read, found.read), write: joined(write, found.write), except: found.except };
  }

  #pollUntil(entries: PollEntries, timeoutMs: number): number {
    const end = timeoutMs > 0 ? performance.now() + timeoutMs : 0;
    let remaining = timeoutMs;
    this.#pauses.reset();
    for (;;) {
      const slice = this.#poll.slice(entries, remaining);
      const ready = this.#poll.poll(entries, slice);
      if (ready > 0 || (ready === 0 && slice >= remaining)) return ready;
      if (ready < 0 && ready !== ELSEWHERE && ready !== -this.#failures.interrupted) return ready;
      remaining = this.#rest(remaining, end, ready);
      if (remaining > 0 || ready === -this.#failures.interrupted) continue;
      entries.revents.fill(0, 0, entries.count);
      return 0;
    }
  }

  #selectUntil(lists: SelectLists, timeoutMs: number): SelectLists | number {
    const select = this.#selectFor(lists);
    const end = timeoutMs > 0 ? performance.now() + timeoutMs : 0;
    let remaining = timeoutMs;
    this.#pauses.reset();
    for (;;) {
      const slice = select.slice(lists, remaining);
      const found = select.select(lists, slice);
      if (found !== null && typeof found !== 'number') return found;
      if (found === null && slice >= remaining) return NOTHING;
      if (found !== null && found !== ELSEWHERE && found !== -this.#failures.interrupted) return found;
      remaining = this.#rest(remaining, end, found);
      if (remaining <= 0 && found !== -this.#failures.interrupted) return NOTHING;
    }
  }

  /** What is left of the time, after a pause where it must not go on at once. */
  #rest(remaining: number, end: number, result: number | null): number {
    if (remaining <= 0) return 0;
    const rest = Math.max(0, end - performance.now());
    if (result !== ELSEWHERE) return rest;
    sleepLocally(Math.min(this.#pauses.next(), rest));
    return Math.max(0, end - performance.now());
  }

  /** Where select never fills the third set, poll can tell of urgent data. */
  #selectFor(lists: SelectLists): OneSelect {
    return this.#selectByPoll !== null && lists.except.length > 0 ? this.#selectByPoll : this.#select;
  }

  #hasKept({ descriptors, count }: PollEntries): boolean {
    for (let i = 0; i < count; i++) if (this.#pending.has(descriptors[i] as number)) return true;
    return false;
  }

  #addKept({ descriptors, events, revents, count }: PollEntries): number {
    let ready = 0;
    for (let i = 0; i < count; i++) {
      if (this.#pending.has(descriptors[i] as number)) {
        const hidden = (revents[i] as number) === 0 && this.#hidesFailedConnects;
        const shown = hidden && this.#sockets.hasNoPeer(descriptors[i] as number) ? POLLHUP : 0;
        revents[i] = (revents[i] as number) | ((events[i] as number) & (POLLIN | POLLOUT)) | POLLERR | shown;
      }
      if (revents[i] !== 0) ready++;
    }
    return ready;
  }
}
