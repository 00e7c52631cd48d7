import { KQUEUE_EVENTS_PER_WAIT, type KqueueSet, READING, WRITING } from './kqueue-set.js';
import type { OnePoll } from './one-wait.js';
import type { WaitFailures } from './wait-failures.js';
import { POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, type PollEntries } from './waiter.js';

/**
 * A poll built from kqueue, for stacks that have nothing else: the entries are registered for the time of one wait. It
 * costs a call for each descriptor; whoever waits for the same ones again and again has the notifier. Urgent data is not
 * told of. Not run on macOS.
 */
export class PollByKqueue implements OnePoll {
  readonly #open: () => KqueueSet;
  readonly #failures: WaitFailures;
  #set: KqueueSet | null = null;
  /** The directions of each descriptor of the entries, of all its entries together. */
  readonly #wanted = new Map<number, number>();
  readonly #armed = new Map<number, number>();
  readonly #found = new Map<number, number>();

  constructor(open: () => KqueueSet, failures: WaitFailures) {
    this.#open = open;
    this.#failures = failures;
  }

  slice(_entries: PollEntries, remainingMs: number): number {
    return this.#kqueue().slice(remainingMs);
  }

  poll(entries: PollEntries, timeoutMs: number): number {
    const set = this.#kqueue();
    if (set.descriptor < 0) return set.descriptor;
    this.#collect(entries);
    let failed = this.#register(set);
    if (failed === 0) failed = this.#wait(set, entries, this.#found.size > 0 ? 0 : timeoutMs);
    for (const [descriptor, directions] of this.#armed) {
      set.takeBack(descriptor, directions);
      set.apply();
    }
    return failed < 0 ? failed : this.#answer(entries);
  }

  #kqueue(): KqueueSet {
    this.#set ??= this.#open();
    return this.#set;
  }

  #collect({ descriptors, events, count }: PollEntries): void {
    this.#wanted.clear();
    this.#armed.clear();
    this.#found.clear();
    for (let i = 0; i < count; i++) {
      const descriptor = descriptors[i] as number;
      if (descriptor < 0) continue;
      const asked = events[i] as number;
      // Who asks for nothing is told of errors all the same, and they are told with either direction.
      const directions = (asked & POLLOUT) === 0 ? READING : WRITING | ((asked & POLLIN) !== 0 ? READING : 0);
      this.#wanted.set(descriptor, (this.#wanted.get(descriptor) ?? 0) | directions);
    }
  }

  #register(set: KqueueSet): number {
    for (const [descriptor, directions] of this.#wanted) {
      set.ask(descriptor, directions, descriptor);
      const failed = set.apply();
      if (failed === 0) this.#armed.set(descriptor, directions);
      else if (failed === -this.#failures.badDescriptor) this.#found.set(descriptor, POLLNVAL);
      else return failed;
    }
    return 0;
  }

  /** Each direction is reported once: what there was no room for comes next, and what nobody asked for does not again. */
  #wait(set: KqueueSet, entries: PollEntries, timeoutMs: number): number {
    const end = timeoutMs > 0 ? performance.now() + timeoutMs : 0;
    let left = timeoutMs;
    for (;;) {
      const count = set.wait(left);
      if (count < 0) return count;
      for (let i = 0; i < count; i++) this.#take(set, i);
      if (count === KQUEUE_EVENTS_PER_WAIT) left = 0;
      else if (left <= 0 || count === 0 || this.#answer(entries) > 0) return 0;
      else left = Math.max(0, end - performance.now());
    }
  }

  #take(set: KqueueSet, i: number): void {
    const descriptor = set.dataOf(i);
    const direction = set.directionOf(i);
    this.#armed.set(descriptor, (this.#armed.get(descriptor) ?? 0) & ~direction);
    let found = direction === READING ? POLLIN : POLLOUT;
    if (set.errorOf(i) !== 0) found |= POLLERR;
    // Nothing can be sent any more: the connection is gone both ways, or this end was shut down.
    if (direction === WRITING && set.isEnd(i)) found |= POLLHUP;
    this.#found.set(descriptor, (this.#found.get(descriptor) ?? 0) | found);
  }

  #answer({ descriptors, events, revents, count }: PollEntries): number {
    let ready = 0;
    for (let i = 0; i < count; i++) {
      const found = this.#found.get(descriptors[i] as number) ?? 0;
      const asked = (events[i] as number) & (POLLIN | POLLOUT);
      const answer = found & (asked | POLLERR | POLLHUP | POLLNVAL);
      revents[i] = answer;
      if (answer !== 0) ready++;
    }
    return ready;
  }
}
