import { EPOLL_EVENTS_PER_WAIT, type EpollSet } from './epoll-set.js';
import type { OnePoll } from './one-wait.js';
import type { WaitFailures } from './wait-failures.js';
import { POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLPRI, type PollEntries } from './waiter.js';

const ALWAYS = POLLERR | POLLHUP;

/**
 * A poll built from epoll, for stacks that have nothing else: the entries are registered for the time of one wait. It
 * costs two calls a descriptor; whoever waits for the same ones again and again has the notifier.
 */
export class PollByEpoll implements OnePoll {
  readonly #open: () => EpollSet;
  readonly #failures: WaitFailures;
  #set: EpollSet | null = null;
  /** The events of each descriptor of the entries, of all its entries together. */
  readonly #wanted = new Map<number, number>();
  readonly #found = new Map<number, number>();

  constructor(open: () => EpollSet, failures: WaitFailures) {
    this.#open = open;
    this.#failures = failures;
  }

  slice(_entries: PollEntries, remainingMs: number): number {
    return this.#epoll().slice(remainingMs);
  }

  poll(entries: PollEntries, timeoutMs: number): number {
    const set = this.#epoll();
    if (set.descriptor < 0) return set.descriptor;
    this.#collect(entries);
    const registered: number[] = [];
    let failed = 0;
    for (const [descriptor, events] of this.#wanted) {
      const result = set.add(descriptor, events, descriptor);
      if (result === 0) registered.push(descriptor);
      else if (result === -this.#failures.badDescriptor) this.#found.set(descriptor, POLLNVAL);
      else failed = result;
    }
    if (failed === 0) failed = this.#wait(set, this.#found.size > 0 ? 0 : timeoutMs);
    for (const descriptor of registered) set.remove(descriptor);
    return failed < 0 ? failed : this.#answer(entries);
  }

  #epoll(): EpollSet {
    this.#set ??= this.#open();
    return this.#set;
  }

  #collect({ descriptors, events, count }: PollEntries): void {
    this.#wanted.clear();
    this.#found.clear();
    for (let i = 0; i < count; i++) {
      const descriptor = descriptors[i] as number;
      if (descriptor < 0) continue;
      this.#wanted.set(descriptor, (this.#wanted.get(descriptor) ?? 0) | (events[i] as number));
    }
  }

  #wait(set: EpollSet, timeoutMs: number): number {
    let count = set.wait(timeoutMs);
    if (count < 0) return count;
    // Those of level-triggered ones that have been told stand behind those that have not (epoll(7)).
    const rounds = 1 + Math.ceil(this.#wanted.size / EPOLL_EVENTS_PER_WAIT);
    for (let round = 0; round < rounds && count > 0; round++) {
      for (let i = 0; i < count; i++) this.#found.set(set.dataOf(i), set.eventsOf(i));
      count = count === EPOLL_EVENTS_PER_WAIT ? set.wait(0) : 0;
    }
    return 0;
  }

  #answer({ descriptors, events, revents, count }: PollEntries): number {
    let ready = 0;
    for (let i = 0; i < count; i++) {
      const found = this.#found.get(descriptors[i] as number) ?? 0;
      const asked = (events[i] as number) & (POLLIN | POLLPRI | POLLOUT);
      const answer = found === POLLNVAL ? found : found & (asked | ALWAYS);
      revents[i] = answer;
      if (answer !== 0) ready++;
    }
    return ready;
  }
}
