import { PollTable } from '../bsd/waiting/poll-table.js';
import { POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLPRI } from '../bsd/waiting/waiter.js';
import { InvalidArgumentError, OutOfRangeError, systemError } from '../port/errors.js';
import { type AsyncSelectOptions, answer, answerSync, type Question } from './asking.js';
import { kind, type Selectable, type SelectOptions, Subjects } from './subjects.js';

/** What poll is asked about one descriptor, and where it answers. */
export interface PollEntry {
  /** A socket of ours, or a descriptor. One below 0 is passed over. */
  readonly socket: Selectable;
  /** POLLIN, POLLPRI, POLLOUT, or a sum of them; 0 waits for errors alone. */
  readonly events: number;
  /** Set by poll, and 0 where nothing was found. POLLERR, POLLHUP and POLLNVAL are found without being asked for. */
  revents?: number;
}

const EVENTS = POLLIN | POLLPRI | POLLOUT | POLLERR | POLLHUP | POLLNVAL;
/** Whoever can poll this one can poll all. */
const HIGHEST_DESCRIPTOR = 2 ** 31 - 1;
const NO_OPTIONS = {};

/** For all synchronous polls: one is over before the next one begins. */
const shared = new PollTable();

/**
 * Waits until one of the entries is ready or `timeoutMs` have passed, as poll(2) does; resolves with the number of
 * entries whose `revents` is not 0. The event loop goes on meanwhile. An error that is pending on a socket makes its
 * entry ready and is not consumed: the socket's own next call fails with it.
 *
 * The entries are the library's until the promise settles. `timeoutMs`: 0 does not wait; Infinity, absent and negative
 * numbers (POSIX's -1) wait for ever. A socket of ours that is closed meanwhile is POLLNVAL; that a descriptor's number
 * is closed by somebody else is not noticed. Fails with TypeError and RangeError for wrong arguments (NaN too),
 * SocketStateError ERR_SOCKET_CLOSED for a socket that is closed already, SystemError for what poll itself fails with.
 * Platforms: Linux by itself, Windows by WSAPoll, others and `options.stack` as their profile says.
 */
export function poll(
  entries: readonly PollEntry[],
  timeoutMs = Number.POSITIVE_INFINITY,
  options: AsyncSelectOptions = NO_OPTIONS,
): Promise<number> {
  try {
    const limit = checkPollTimeout(timeoutMs);
    return answer(new PollQuestion(entries, new PollTable(), options), limit, options.signal);
  } catch (error) {
    return Promise.reject(error as Error);
  }
}

/** The same, blocking the calling thread: nothing else happens in it meanwhile, timers and signals included. */
export function pollSync(
  entries: readonly PollEntry[],
  timeoutMs = Number.POSITIVE_INFINITY,
  options: SelectOptions = NO_OPTIONS,
): number {
  const limit = checkPollTimeout(timeoutMs);
  return answerSync(new PollQuestion(entries, shared, options), limit);
}

class PollQuestion implements Question<number> {
  readonly subjects: Subjects;
  readonly #entries: readonly PollEntry[];
  readonly #table: PollTable;

  constructor(entries: readonly PollEntry[], table: PollTable, options: SelectOptions) {
    if (!Array.isArray(entries)) throw new InvalidArgumentError(`entries must be an array, and not ${kind(entries)}`);
    this.subjects = new Subjects(options);
    this.#entries = entries;
    this.#table = table;
    this.#fill(entries);
    this.#checkPlaces();
  }

  #fill(entries: readonly PollEntry[]): void {
    const table = this.#table;
    const { length } = entries;
    table.reserve(length);
    const { descriptors, events: wanted } = table;
    for (let i = 0; i < length; i++) {
      const entry = entries[i] as PollEntry;
      if (typeof entry !== 'object' || entry === null) throw notAnEntry(entry, i);
      const { socket, events } = entry;
      const isInt = typeof socket === 'number' && (socket | 0) === socket;
      descriptors[i] = isInt ? socket : this.subjects.descriptorOf(socket, `entries[${i}].socket`);
      if ((events & EVENTS) !== events) throw notEvents(events, i);
      wanted[i] = events;
    }
    table.count = length;
  }

  get descriptors(): Iterable<number> {
    return this.#table.descriptors.subarray(0, this.#table.count).filter((descriptor) => descriptor >= 0);
  }

  ask(timeoutMs: number): number | undefined {
    const { stack } = this.subjects;
    const ahead = this.subjects.sockets.size > 0 && this.#isReadyAlready();
    const found = stack.waiter.poll(this.#table, ahead ? 0 : timeoutMs);
    if (found < 0) throw systemError(stack.stack, 'Cannot poll', 'poll', -found);
    const ready = ahead ? this.#tellAhead() : this.#tell(found);
    return ready > 0 ? ready : undefined;
  }

  nothing(): number {
    return 0;
  }

  /** A poll that is built from select has its limits. */
  #checkPlaces(): void {
    const { waiter } = this.subjects.stack;
    if (waiter.canPoll(HIGHEST_DESCRIPTOR)) return;
    const { descriptors, count } = this.#table;
    for (let i = 0; i < count; i++) {
      const descriptor = descriptors[i] as number;
      if (descriptor < 0 || waiter.canPoll(descriptor)) continue;
      throw new OutOfRangeError(
        `entries[${i}].socket is descriptor ${descriptor}, which this stack's select cannot hold`,
      );
    }
  }

  /** Sockets that have received ahead, or were closed since: their descriptors are not to be asked. */
  #isReadyAlready(): boolean {
    let ready = false;
    const entries = this.#entries;
    for (let i = 0; i < entries.length; i++) {
      const { socket, events } = entries[i] as PollEntry;
      if (typeof socket === 'number') continue;
      if (socket.phase !== 'open') {
        this.#table.descriptors[i] = -1;
        ready = true;
      } else if ((events & POLLIN) !== 0 && socket.receivedAhead === true) ready = true;
    }
    return ready;
  }

  #tell(found: number): number {
    const entries = this.#entries;
    const { revents, count } = this.#table;
    for (let i = 0; i < count; i++) (entries[i] as PollEntry).revents = revents[i] as number;
    return found;
  }

  #tellAhead(): number {
    const entries = this.#entries;
    const { revents } = this.#table;
    let ready = 0;
    for (let i = 0; i < entries.length; i++) {
      const { socket, events } = entries[i] as PollEntry;
      let answer = revents[i] as number;
      if (typeof socket !== 'number') {
        if (socket.phase !== 'open') answer = POLLNVAL;
        else if ((events & POLLIN) !== 0 && socket.receivedAhead === true) answer |= POLLIN;
      }
      (entries[i] as PollEntry).revents = answer;
      if (answer !== 0) ready++;
    }
    return ready;
  }
}

function checkPollTimeout(timeoutMs: number): number {
  if (typeof timeoutMs !== 'number') {
    throw new InvalidArgumentError(`timeoutMs must be a number, and not ${kind(timeoutMs)}`);
  }
  if (Number.isNaN(timeoutMs)) throw new OutOfRangeError('timeoutMs must be a number of milliseconds, and not NaN');
  return timeoutMs < 0 ? Number.POSITIVE_INFINITY : timeoutMs;
}

function notAnEntry(entry: unknown, index: number): Error {
  return new InvalidArgumentError(`entries[${index}] must be an object, and not ${kind(entry)}`);
}

function notEvents(events: unknown, index: number): Error {
  const name = `entries[${index}].events`;
  return typeof events === 'number'
    ? new OutOfRangeError(`${name} must be made of POLLIN, POLLPRI and POLLOUT, and not ${events}`)
    : new InvalidArgumentError(`${name} must be a number, and not ${kind(events)}`);
}
