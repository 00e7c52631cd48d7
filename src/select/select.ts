import type { SelectLists } from '../bsd/waiting/waiter.js';
import { InvalidArgumentError, OutOfRangeError, SystemError, systemError } from '../port/errors.js';
import { type AsyncSelectOptions, answer, answerSync, type Question } from './asking.js';
import { kind, type Selectable, type SelectOptions, Subjects } from './subjects.js';

/** Sockets and descriptors; null or undefined for none. */
export type SelectList<T extends Selectable> = readonly T[] | null | undefined;

/** The members of each list that are ready, in its order, and how many they are together. */
export interface SelectResult<T extends Selectable = Selectable> {
  readonly read: readonly T[];
  readonly write: readonly T[];
  readonly except: readonly T[];
  readonly count: number;
}

const NO_OPTIONS = {};

/**
 * Waits until a member of the lists is ready (to be read or accepted from, to be written to, with urgent data) or
 * `timeoutMs` have passed, as select(2) does; resolves with the members that are ready. The event loop goes on
 * meanwhile. An error that is pending on a socket makes it readable and writable and is not consumed: the socket's own
 * next call fails with it.
 *
 * The lists are copied. `timeoutMs`: 0 does not wait; Infinity and absent wait for ever; negative numbers and NaN are a
 * RangeError (EINVAL in POSIX). Fails with TypeError and RangeError for wrong arguments, RangeError for a descriptor that
 * an fd_set cannot hold (from 1024 on; `poll` takes it), SocketStateError ERR_SOCKET_CLOSED for a socket that is closed
 * already, SystemError for what select itself fails with: EBADF for a descriptor that is not open, and for a socket of
 * ours that is closed meanwhile. Platforms: Linux by itself, Windows by Winsock's select, others and `options.stack` as
 * their profile says.
 */
export function select<T extends Selectable>(
  read: SelectList<T>,
  write?: SelectList<T>,
  except?: SelectList<T>,
  timeoutMs = Number.POSITIVE_INFINITY,
  options: AsyncSelectOptions = NO_OPTIONS,
): Promise<SelectResult<T>> {
  try {
    const limit = checkSelectTimeout(timeoutMs);
    return answer(new SelectQuestion([read, write, except], options), limit, options.signal);
  } catch (error) {
    return Promise.reject(error as Error);
  }
}

/** The same, blocking the calling thread: nothing else happens in it meanwhile, timers and signals included. */
export function selectSync<T extends Selectable>(
  read: SelectList<T>,
  write?: SelectList<T>,
  except?: SelectList<T>,
  timeoutMs = Number.POSITIVE_INFINITY,
  options: SelectOptions = NO_OPTIONS,
): SelectResult<T> {
  const limit = checkSelectTimeout(timeoutMs);
  return answerSync(new SelectQuestion([read, write, except], options), limit);
}

const NAMES = ['read', 'write', 'except'] as const;

class SelectQuestion<T extends Selectable> implements Question<SelectResult<T>> {
  readonly subjects: Subjects;
  readonly #members: readonly (readonly T[])[];
  readonly #lists: SelectLists;

  constructor(lists: readonly SelectList<T>[], options: SelectOptions) {
    this.subjects = new Subjects(options);
    this.#members = lists.map((list, i) => {
      if (list === null || list === undefined) return [];
      if (!Array.isArray(list)) throw new InvalidArgumentError(`${NAMES[i]} must be an array, and not ${kind(list)}`);
      return [...list] as T[];
    });
    const [read, write, except] = this.#members.map((list, which) =>
      list.map((member, i) => this.#check(member, `${NAMES[which]}[${i}]`)),
    ) as [number[], number[], number[]];
    this.#lists = { read, write, except };
    const { waiter } = this.subjects.stack;
    for (const name of NAMES) {
      const at = this.#lists[name].findIndex((descriptor) => !waiter.canSelect(descriptor));
      if (at === -1) continue;
      const what = `${name}[${at}] is descriptor ${this.#lists[name][at]}`;
      throw new OutOfRangeError(`${what}, which an fd_set of this stack cannot hold; poll() may take it`);
    }
  }

  get descriptors(): Iterable<number> {
    const { read, write, except } = this.#lists;
    return [...read, ...write, ...except];
  }

  ask(timeoutMs: number): SelectResult<T> | undefined {
    const { stack, sockets } = this.subjects;
    let ahead = false;
    for (const socket of sockets) {
      if (socket.phase !== 'open') throw closedMeanwhile();
      if (socket.receivedAhead === true) ahead = true;
    }
    const readsAhead = ahead && (this.#members[0] as readonly T[]).some(hasReceivedAhead);
    const found = stack.waiter.select(this.#lists, readsAhead ? 0 : timeoutMs);
    if (typeof found === 'number') throw systemError(stack.stack, 'Cannot select', 'select', -found);
    const result = this.#result(found, readsAhead);
    return result.count > 0 ? result : undefined;
  }

  nothing(): SelectResult<T> {
    return { read: [], write: [], except: [], count: 0 };
  }

  #check(member: T, name: string): number {
    const descriptor = this.subjects.descriptorOf(member, name);
    if (descriptor < 0) throw new OutOfRangeError(`${name} must be a descriptor of 0 or more, and not ${descriptor}`);
    return descriptor;
  }

  #result(found: SelectLists, ahead: boolean): SelectResult<T> {
    const [read, write, except] = NAMES.map((name, which) => {
      const ready = new Set(found[name]);
      const descriptors = this.#lists[name];
      return (this.#members[which] as readonly T[]).filter(
        (member, i) => ready.has(descriptors[i] as number) || (ahead && which === 0 && hasReceivedAhead(member)),
      );
    }) as [T[], T[], T[]];
    return { read, write, except, count: read.length + write.length + except.length };
  }
}

function hasReceivedAhead(member: Selectable): boolean {
  return typeof member !== 'number' && member.receivedAhead === true;
}

function closedMeanwhile(): SystemError {
  return new SystemError('Cannot select: a socket was closed meanwhile', { code: 'EBADF', syscall: 'select' });
}

function checkSelectTimeout(timeoutMs: number): number {
  if (typeof timeoutMs !== 'number') {
    throw new InvalidArgumentError(`timeoutMs must be a number, and not ${kind(timeoutMs)}`);
  }
  // The comparison also catches NaN.
  if (!(timeoutMs >= 0)) throw new OutOfRangeError(`timeoutMs must be 0 or more, or Infinity, not ${timeoutMs}`);
  return timeoutMs;
}
