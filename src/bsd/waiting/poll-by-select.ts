import type { NativeSelect } from './native-select.js';
import { ELSEWHERE, type OnePoll } from './one-wait.js';
import { sleepLocally } from './pauses.js';
import type { SocketErrors } from './socket-errors.js';
import type { WaitFailures } from './wait-failures.js';
import { POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLPRI, type PollEntries, type SelectLists } from './waiter.js';

/** An entry that waits for nothing but an error cannot be selected; it is asked, at first this often and then less. */
const FIRST_SWEEP_MS = 4;
const LONGEST_SWEEP_MS = 64;

const MAX_INTERRUPTIONS = 4;

const NOBODY: readonly number[] = [];

/** A poll built from select. Descriptors must fit into its sets. */
export class PollBySelect implements OnePoll {
  readonly #select: NativeSelect;
  readonly #failures: WaitFailures;
  readonly #sockets: SocketErrors;
  readonly #read: number[] = [];
  readonly #write: number[] = [];
  readonly #except: number[] = [];
  /** Descriptors that the stack does not know. */
  readonly #unknown = new Set<number>();
  #sweepMs = FIRST_SWEEP_MS;

  constructor(select: NativeSelect, failures: WaitFailures, sockets: SocketErrors) {
    this.#select = select;
    this.#failures = failures;
    this.#sockets = sockets;
  }

  slice(entries: PollEntries, remainingMs: number): number {
    const slice = this.#select.slice(this.#lists(entries), remainingMs);
    if (!hasSilent(entries)) return slice;
    const sweepMs = this.#sweepMs;
    this.#sweepMs = Math.min(sweepMs * 2, LONGEST_SWEEP_MS);
    return Math.min(slice, sweepMs);
  }

  poll(entries: PollEntries, timeoutMs: number): number {
    this.#unknown.clear();
    let found = this.#selectAll(entries, timeoutMs);
    if (found === -this.#failures.interrupted) return found;
    if (found === -this.#failures.badDescriptor) {
      this.#findUnknown(entries);
      if (this.#unknown.size === 0) return found;
      found = this.#selectAll(entries, 0);
    }
    if (this.#unknown.size === 0 && this.#hasUnknownSilent(entries)) this.#findUnknown(entries);
    if (typeof found === 'number' && this.#unknown.size === 0 && !(found === ELSEWHERE && hasSilent(entries)))
      return found;
    if (typeof found === 'number' && found !== ELSEWHERE) return found;
    const ready = this.#answer(entries, typeof found === 'number' ? null : found);
    if (ready > 0) this.#sweepMs = FIRST_SWEEP_MS;
    return ready === 0 && found === ELSEWHERE ? ELSEWHERE : ready;
  }

  /** Selects what the entries wait for. Where that is nobody, there is no select to be made of it, only time to pass. */
  #selectAll(entries: PollEntries, timeoutMs: number): SelectLists | number | null {
    const lists = this.#lists(entries);
    if (lists.read.length + lists.write.length + lists.except.length > 0) {
      return timeoutMs === 0 ? this.#selectNow(lists) : this.#select.select(lists, timeoutMs);
    }
    sleepLocally(timeoutMs);
    return null;
  }

  /** The entries as lists; an entry that wants nothing stands in none. */
  #lists({ descriptors, events, count }: PollEntries): SelectLists {
    this.#read.length = 0;
    this.#write.length = 0;
    this.#except.length = 0;
    for (let i = 0; i < count; i++) {
      const descriptor = descriptors[i] as number;
      const wanted = events[i] as number;
      if (descriptor < 0 || this.#unknown.has(descriptor)) continue;
      if ((wanted & POLLIN) !== 0) this.#read.push(descriptor);
      if ((wanted & POLLOUT) !== 0) this.#write.push(descriptor);
      if ((wanted & POLLPRI) !== 0) this.#except.push(descriptor);
    }
    return { read: this.#read, write: this.#write, except: this.#except };
  }

  #answer(entries: PollEntries, found: SelectLists | null): number {
    const read = new Set(found?.read);
    const write = new Set(found?.write);
    const except = new Set(found?.except);
    const { descriptors, events, revents, count } = entries;
    const both = this.#readyBothWays(entries, read, write);
    let ready = 0;
    for (let i = 0; i < count; i++) {
      const descriptor = descriptors[i] as number;
      const wanted = events[i] as number;
      let answer = 0;
      if (descriptor >= 0 && this.#unknown.has(descriptor)) answer = POLLNVAL;
      else if (descriptor >= 0) {
        if ((wanted & POLLIN) !== 0 && read.has(descriptor)) answer = POLLIN;
        if ((wanted & POLLOUT) !== 0 && write.has(descriptor)) answer |= POLLOUT;
        if ((wanted & POLLPRI) !== 0 && except.has(descriptor)) answer |= POLLPRI;
        // An error makes a socket ready both ways, and so does the end of its connection.
        if (both.has(descriptor)) answer |= this.#troubles(descriptor);
      }
      revents[i] = answer;
      if (answer !== 0) ready++;
    }
    return ready;
  }

  #troubles(descriptor: number): number {
    const error = this.#sockets.check(descriptor) ? POLLERR : 0;
    return this.#sockets.hasNoPeer(descriptor) ? error | POLLHUP : error;
  }

  /** Of the descriptors that are ready for all they were asked, and of the silent ones, those ready both ways. */
  #readyBothWays(entries: PollEntries, read: Set<number>, write: Set<number>): ReadonlySet<number> {
    const { descriptors, events, count } = entries;
    const both = new Set<number>();
    const suspects = new Set<number>();
    for (let i = 0; i < count; i++) {
      const descriptor = descriptors[i] as number;
      if (descriptor < 0 || this.#unknown.has(descriptor)) continue;
      if (read.has(descriptor) && write.has(descriptor)) both.add(descriptor);
      else if (isSilent(events[i] as number) || (read.has(descriptor) && ((events[i] as number) & POLLOUT) === 0)) {
        suspects.add(descriptor);
      } else if (write.has(descriptor) && ((events[i] as number) & POLLIN) === 0) suspects.add(descriptor);
    }
    if (suspects.size === 0) return both;
    const list = [...suspects];
    const found = this.#selectNow({ read: list, write: list, except: NOBODY });
    if (found === null || typeof found === 'number') return both;
    const writable = new Set(found.write);
    for (const descriptor of found.read) if (writable.has(descriptor)) both.add(descriptor);
    return both;
  }

  /** A select that does not wait, on the way to an answer: a signal may not spoil it. */
  #selectNow(lists: SelectLists): SelectLists | number | null {
    let found = this.#select.select(lists, 0);
    for (let i = 0; i < MAX_INTERRUPTIONS && found === -this.#failures.interrupted; i++) {
      found = this.#select.select(lists, 0);
    }
    return found;
  }

  /** An entry that stands in no list may be invalid all the same. */
  #hasUnknownSilent({ descriptors, events, count }: PollEntries): boolean {
    const silent: number[] = [];
    for (let i = 0; i < count; i++) {
      if ((descriptors[i] as number) >= 0 && isSilent(events[i] as number)) silent.push(descriptors[i] as number);
    }
    if (silent.length === 0) return false;
    return this.#selectNow({ read: silent, write: NOBODY, except: NOBODY }) === -this.#failures.badDescriptor;
  }

  /** select has refused all of them for the sake of one: each is tried by itself. */
  #findUnknown({ descriptors, count }: PollEntries): void {
    for (let i = 0; i < count; i++) {
      const descriptor = descriptors[i] as number;
      if (descriptor < 0 || this.#unknown.has(descriptor)) continue;
      const found = this.#selectNow({ read: [descriptor], write: NOBODY, except: NOBODY });
      if (found === -this.#failures.badDescriptor) this.#unknown.add(descriptor);
    }
  }
}

/** It waits for nothing that select could tell. */
function isSilent(events: number): boolean {
  return (events & (POLLIN | POLLOUT)) === 0;
}

function hasSilent({ descriptors, events, count }: PollEntries): boolean {
  for (let i = 0; i < count; i++) if ((descriptors[i] as number) >= 0 && isSilent(events[i] as number)) return true;
  return false;
}
