import { lastErrno } from '../../../native-bindings/ffi.js';
import { POLLPRI } from '../../../native-bindings/linux/constants.js';
import * as c from '../../../native-bindings/linux/epoll.js';
import * as errno from '../../../native-bindings/linux/errno.js';
import { mapAnonymousPages } from '../../../native-bindings/linux/pages.js';
import { MappedMemory } from '../../../native-bindings/memory.js';
import { libc } from '../../../native-bindings/posix/libc.js';
import { watchDescriptor } from '../../../native-bindings/posix/watch.js';
import { ErrorTable } from '../../port/error-names.js';
import { systemError } from '../../port/errors.js';
import {
  ENDING,
  type Notifier,
  type NotifierWatch,
  READABLE,
  type ReadinessSink,
  URGENT,
  WRITABLE,
} from '../notifier.js';

/** Reports that one epoll_wait can bring: 12 KiB of events, and each leads to a few system calls anyhow. */
const EVENTS_PER_WAIT = 1024;

// Words of an epoll_event: `events`, then `data`, whose halves are the index and the generation.
const EVENT_WORDS = c.epoll_event.size >> 2;
const DATA_WORD = c.epoll_event.offset.data >> 2;

// EPOLLPRI has POLLPRI's value.
const EPOLLPRI = POLLPRI;
const BROKEN = c.EPOLLHUP | c.EPOLLERR;
const INTEREST = c.EPOLLIN | c.EPOLLOUT | c.EPOLLRDHUP | EPOLLPRI | c.EPOLLET;

/** Edge-triggered epoll(7): one epoll_ctl in a socket's life, and one epoll_wait for many sockets' news. */
export class EpollNotifier implements Notifier {
  readonly edgeTriggered = true;
  readonly reportsPerWait = EVENTS_PER_WAIT;
  readonly #calls = c.epoll();
  readonly #descriptor: number;
  readonly #memory = MappedMemory.map(EVENTS_PER_WAIT * c.epoll_event.size, mapAnonymousPages);
  readonly #eventsAddress = this.#memory.address(0);
  readonly #event = new Int32Array(EVENT_WORDS);
  readonly #eventBytes = new Uint8Array(this.#event.buffer);

  constructor() {
    this.#descriptor = this.#calls.create1(c.EPOLL_CLOEXEC);
    if (this.#descriptor >= 0) return;
    const failed = lastErrno();
    const errors = new ErrorTable(errno as unknown as Record<string, number>);
    throw systemError({ errors }, 'Cannot open an epoll', 'epoll_create1', failed);
  }

  add(descriptor: number, index: number, generation: number): number {
    this.#event[0] = INTEREST;
    this.#event[DATA_WORD] = index;
    this.#event[DATA_WORD + 1] = generation;
    const failed = this.#calls.ctl(this.#descriptor, c.EPOLL_CTL_ADD, descriptor, this.#eventBytes);
    return failed < 0 ? lastErrno() : 0;
  }

  // A close ends the registration by itself only where no other process holds the socket (epoll(7), question 6), and
  // between fork and exec a child does.
  remove(descriptor: number): void {
    this.#calls.ctl(this.#descriptor, c.EPOLL_CTL_DEL, descriptor, this.#eventBytes);
  }

  want(): void {}

  wait(sink: ReadinessSink): boolean {
    let count: number;
    do {
      count = this.#calls.wait(this.#descriptor, this.#eventsAddress, EVENTS_PER_WAIT, 0);
    } while (count < 0 && lastErrno() === errno.EINTR);
    const words = this.#memory.i32;
    for (let i = 0, at = 0; i < count; i++, at += EVENT_WORDS) {
      const events = words[at] as number;
      const index = words[at + DATA_WORD] as number;
      const generation = words[at + DATA_WORD + 1] as number;
      sink(index, generation, reportOf(events));
    }
    return count === EVENTS_PER_WAIT;
  }

  watch(onReady: () => void): NotifierWatch {
    return watchDescriptor(this.#descriptor, onReady);
  }

  close(): void {
    libc().close(this.#descriptor);
  }
}

function reportOf(events: number): number {
  let report = 0;
  if ((events & c.EPOLLIN) !== 0) report = READABLE;
  if ((events & c.EPOLLOUT) !== 0) report |= WRITABLE;
  if ((events & (BROKEN | c.EPOLLRDHUP | EPOLLPRI)) === 0) return report;
  if ((events & EPOLLPRI) !== 0) report |= URGENT;
  if ((events & c.EPOLLRDHUP) !== 0) report |= READABLE | ENDING;
  // An error is news to whoever waits, in either direction.
  if ((events & BROKEN) !== 0) report |= READABLE | WRITABLE | ENDING;
  return report;
}
