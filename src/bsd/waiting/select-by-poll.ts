import type { OnePoll, OneSelect } from './one-wait.js';
import { ELSEWHERE } from './one-wait.js';
import { PollTable } from './poll-table.js';
import type { WaitFailures } from './wait-failures.js';
import { POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLPRI, type SelectLists } from './waiter.js';

/** What makes a descriptor a member of each set, as Linux has it (fs/select.c; select(2), "Correspondence"). */
const READ = POLLIN | POLLHUP | POLLERR;
const WRITE = POLLOUT | POLLERR;
const EXCEPT = POLLPRI;

/** A select built from poll: without a limit on descriptors. */
export class SelectByPoll implements OneSelect {
  readonly #poll: OnePoll;
  readonly #failures: WaitFailures;
  readonly #table = new PollTable();
  /** Each descriptor's entry. */
  readonly #places = new Map<number, number>();

  constructor(poll: OnePoll, failures: WaitFailures) {
    this.#poll = poll;
    this.#failures = failures;
  }

  slice(lists: SelectLists, remainingMs: number): number {
    this.#fill(lists);
    return this.#poll.slice(this.#table, remainingMs);
  }

  select(lists: SelectLists, timeoutMs: number): SelectLists | number | null {
    this.#fill(lists);
    const ready = this.#poll.poll(this.#table, timeoutMs);
    if (ready < 0) return ready;
    if (ready === 0) return null;
    const { revents, count } = this.#table;
    for (let i = 0; i < count; i++) {
      if (((revents[i] as number) & POLLNVAL) !== 0) return -this.#failures.badDescriptor;
    }
    const members = (list: readonly number[], bits: number) =>
      list.filter((descriptor) => ((revents[this.#places.get(descriptor) ?? 0] as number) & bits) !== 0);
    const found = {
      read: members(lists.read, READ),
      write: members(lists.write, WRITE),
      except: members(lists.except, EXCEPT),
    };
    // poll reports a hang-up to whoever waits for room too, and select does not.
    return found.read.length + found.write.length + found.except.length === 0 ? ELSEWHERE : found;
  }

  #fill(lists: SelectLists): void {
    this.#table.clear();
    this.#places.clear();
    for (const descriptor of lists.read) this.#add(descriptor, POLLIN);
    for (const descriptor of lists.write) this.#add(descriptor, POLLOUT);
    for (const descriptor of lists.except) this.#add(descriptor, POLLPRI);
  }

  #add(descriptor: number, event: number): void {
    const place = this.#places.get(descriptor);
    if (place === undefined) this.#places.set(descriptor, this.#table.push(descriptor, event));
    else this.#table.events[place] = (this.#table.events[place] as number) | event;
  }
}
