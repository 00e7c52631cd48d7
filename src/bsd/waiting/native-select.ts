import { OutOfRangeError } from '../../port/errors.js';
import type { StackCalls } from '../library/calls.js';
import type { NativeCall } from '../library/library.js';
import type { QuirkFlags } from '../profile/quirks.js';
import { ConsumedErrors } from './consumed-errors.js';
import { type FdSet, type FdSetLayout, makeFdSet } from './fd-set.js';
import { ELSEWHERE, type OneSelect } from './one-wait.js';
import { sleepLocally } from './pauses.js';
import type { SocketErrors } from './socket-errors.js';
import { SelectTimeouts, type TimevalLayout } from './timeouts.js';
import type { WaitFailures } from './wait-failures.js';
import type { SelectLists } from './waiter.js';

/** While no set can hold all descriptors, the sets are asked in turn, at first for this long each and then longer. */
const FIRST_TURN_MS = 1;
const LONGEST_TURN_MS = 16;

const MAX_INTERRUPTIONS = 4;

const NOBODY: readonly number[] = [];

/** The stack's own select. */
export class NativeSelect implements OneSelect {
  readonly #call: NativeCall;
  readonly #calls: StackCalls;
  readonly #failures: WaitFailures;
  readonly #sockets: SocketErrors;
  readonly #consumed: ConsumedErrors;
  readonly #quirks: QuirkFlags;
  readonly #sets: readonly [read: FdSet, write: FdSet, except: FdSet];
  readonly #timeouts: SelectTimeouts;
  readonly #numberMask: number;
  #turn = 0;
  #turnMs = FIRST_TURN_MS;

  constructor(
    calls: StackCalls,
    layout: FdSetLayout,
    timeval: TimevalLayout,
    call: NativeCall,
    failures: WaitFailures,
    sockets: SocketErrors,
  ) {
    const { profile } = calls;
    const tagBits = profile.quirks.descriptorTagBits ?? 0;
    const set = () => makeFdSet(layout, profile.byteOrder, tagBits);
    this.#call = call;
    this.#calls = calls;
    this.#failures = failures;
    this.#sockets = sockets;
    this.#consumed = new ConsumedErrors(sockets);
    this.#quirks = profile.quirks;
    this.#sets = [set(), set(), set()];
    this.#timeouts = new SelectTimeouts(timeval, profile.byteOrder, profile.quirks);
    this.#numberMask = ~tagBits;
  }

  /** Whether a set can hold the descriptor. */
  fits(descriptor: number): boolean {
    return this.#sets[0].fits(descriptor);
  }

  slice(lists: SelectLists, remainingMs: number): number {
    const slice = this.#timeouts.slice(remainingMs);
    if (this.#roundsFor(this.#watched(lists)) <= 1) return slice;
    const turnMs = this.#turnMs;
    this.#turnMs = Math.min(turnMs * 2, LONGEST_TURN_MS);
    return Math.min(slice, turnMs);
  }

  select(lists: SelectLists, timeoutMs: number): SelectLists | number | null {
    if (this.#quirks.emptySetFails && isEmpty(lists)) {
      sleepLocally(timeoutMs);
      return null;
    }
    this.#checkFits(lists.read);
    this.#checkFits(lists.write);
    this.#checkFits(lists.except);
    const watched = this.#watched(lists);
    const rounds = this.#roundsFor(watched);
    return rounds <= 1 ? this.#ask(watched, lists, timeoutMs) : this.#askInTurn(watched, lists, rounds, timeoutMs);
  }

  #watched(lists: SelectLists): SelectLists {
    return this.#quirks.connectFailOnlyInExcept ? withWritersInExcept(lists) : lists;
  }

  #roundsFor({ read, write, except }: SelectLists): number {
    return Math.ceil(Math.max(read.length, write.length, except.length) / this.#sets[0].capacity);
  }

  /** More descriptors than a set holds: each part is asked without waiting, then one of them for a little while. */
  #askInTurn(watched: SelectLists, asked: SelectLists, rounds: number, timeoutMs: number) {
    const sum: FoundLists = { read: [], write: [], except: [] };
    let blind = false;
    const ask = (round: number, waitMs: number): number => {
      let found = this.#ask(this.#part(watched, round), asked, waitMs);
      // A signal in the midst of the parts may not make all of them begin anew, or they might never end.
      for (let i = 0; i < MAX_INTERRUPTIONS && found === -this.#failures.interrupted; i++) {
        found = this.#ask(this.#part(watched, round), asked, 0);
      }
      if (found === ELSEWHERE) blind = true;
      else if (typeof found === 'number') return found;
      else if (found !== null) {
        sum.read.push(...found.read);
        sum.write.push(...found.write);
        sum.except.push(...found.except);
      }
      return 0;
    };
    for (let round = 0; round < rounds; round++) {
      const failed = ask(round, 0);
      if (failed < 0) return failed;
    }
    if (timeoutMs > 0 && !blind && isEmpty(sum)) {
      const failed = ask(this.#turn++ % rounds, timeoutMs);
      if (failed < 0) return failed;
    }
    if (isEmpty(sum)) return blind ? ELSEWHERE : null;
    this.#turnMs = FIRST_TURN_MS;
    return sum;
  }

  #part({ read, write, except }: SelectLists, round: number): SelectLists {
    const { capacity } = this.#sets[0];
    const part = (list: readonly number[]) => list.slice(round * capacity, (round + 1) * capacity);
    return { read: part(read), write: part(write), except: part(except) };
  }

  /** One call. `watched` is what the stack is asked, `asked` what the answer may name. */
  #ask(watched: SelectLists, asked: SelectLists, timeoutMs: number): SelectLists | number | null {
    const returned = this.#invoke(watched, timeoutMs);
    if (returned < 0) return this.#failed(watched, asked, -this.#calls.failure(returned));
    const found = this.#found(watched);
    const bits = found.read.length + found.write.length + found.except.length;
    if (bits === 0) return null;
    if (bits > returned && !this.#quirks.selectCountsDescriptors && this.#hasPhantom(found)) {
      return -this.#failures.badDescriptor;
    }
    return this.#quirks.connectFailOnlyInExcept ? this.#withFailedConnects(found, asked) : found;
  }

  #invoke(watched: SelectLists, timeoutMs: number): number {
    const [read, write, except] = this.#sets;
    let highest = -1;
    for (const list of [watched.read, watched.write, watched.except]) {
      for (const descriptor of list) highest = Math.max(highest, descriptor & this.#numberMask);
    }
    return this.#call(
      highest + 1,
      filled(read, watched.read),
      filled(write, watched.write),
      filled(except, watched.except),
      this.#timeouts.native(timeoutMs),
    );
  }

  #failed(watched: SelectLists, asked: SelectLists, error: number): SelectLists | number {
    if (!this.#quirks.waitReportsSocketError || this.#failures.isOwn(error)) return -error;
    const found = this.#found(watched);
    if (this.#quirks.waitErrorConsumes) this.#consumed.ofSelect(error, found);
    if (isEmpty(found)) return ELSEWHERE;
    return this.#quirks.connectFailOnlyInExcept ? this.#withFailedConnects(found, asked) : found;
  }

  #found(watched: SelectLists): FoundLists {
    const [read, write, except] = this.#sets;
    return {
      read: members(read, watched.read),
      write: members(write, watched.write),
      except: members(except, watched.except),
    };
  }

  /**
   * Linux leaves the bits of descriptors alone that are above all that the process has open, and counts none of them:
   * by itself such a one is ready and not counted.
   */
  #hasPhantom(found: FoundLists): boolean {
    for (const descriptor of new Set([...found.read, ...found.write, ...found.except])) {
      const returned = this.#invokeNow({ read: [descriptor], write: NOBODY, except: NOBODY });
      if (returned < 0 || (returned === 0 && this.#sets[0].has(descriptor))) return true;
    }
    return false;
  }

  /** The third set tells of failed connects and of urgent data: the first are readable and writable to POSIX. */
  #withFailedConnects(found: FoundLists, asked: SelectLists): SelectLists | typeof ELSEWHERE {
    const shown = new Set([...found.read, ...found.write]);
    const failed = new Set(
      found.except.filter(
        (descriptor) =>
          !shown.has(descriptor) &&
          (this.#sockets.check(descriptor) || this.#sockets.hasNoPeer(descriptor)) &&
          (asked.read.includes(descriptor) || asked.write.includes(descriptor) || !this.#isWritable(descriptor)),
      ),
    );
    for (const descriptor of failed) {
      if (asked.read.includes(descriptor) && !found.read.includes(descriptor)) found.read.push(descriptor);
      if (asked.write.includes(descriptor) && !found.write.includes(descriptor)) found.write.push(descriptor);
    }
    found.except = found.except.filter((descriptor) => asked.except.includes(descriptor) && !failed.has(descriptor));
    return isEmpty(found) ? ELSEWHERE : found;
  }

  /** A connection that is over is writable; a connect that has failed is so to POSIX only. */
  #isWritable(descriptor: number): boolean {
    const returned = this.#invokeNow({ read: NOBODY, write: [descriptor], except: NOBODY });
    if (returned < 0) {
      const error = -this.#calls.failure(returned);
      if (!this.#quirks.waitReportsSocketError || this.#failures.isOwn(error)) return false;
      if (this.#quirks.waitErrorConsumes) this.#consumed.ofOne(error, descriptor);
    }
    const [, write] = this.#sets;
    write.read();
    return returned !== 0 && write.has(descriptor);
  }

  /** A select that does not wait, on the way to an answer: a signal may not spoil it. */
  #invokeNow(lists: SelectLists): number {
    let returned = this.#invoke(lists, 0);
    for (let i = 0; i < MAX_INTERRUPTIONS && returned < 0; i++) {
      if (-this.#calls.failure(returned) !== this.#failures.interrupted) break;
      returned = this.#invoke(lists, 0);
    }
    return returned;
  }

  #checkFits(list: readonly number[]): void {
    for (const descriptor of list) {
      if (this.fits(descriptor)) continue;
      const most = 'its set has no place for it; poll has no such limit where the stack has one';
      throw new OutOfRangeError(`Descriptor ${descriptor} cannot be selected: ${most}`);
    }
  }
}

interface FoundLists {
  read: number[];
  write: number[];
  except: number[];
}

function isEmpty({ read, write, except }: SelectLists): boolean {
  return read.length + write.length + except.length === 0;
}

/** NULL for a list of nobody: Winsock refuses an empty set. */
function filled(set: FdSet, descriptors: readonly number[]): Uint8Array | null {
  if (descriptors.length === 0) return null;
  set.fill(descriptors);
  return set.bytes;
}

function members(set: FdSet, descriptors: readonly number[]): number[] {
  if (descriptors.length === 0) return [];
  set.read();
  return descriptors.filter((descriptor) => set.has(descriptor));
}

function withWritersInExcept({ read, write, except }: SelectLists): SelectLists {
  return { read, write, except: [...new Set([...except, ...write, ...read])] };
}
