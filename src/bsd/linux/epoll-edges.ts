import { lastErrno } from '../../../native-bindings/ffi.js';
import * as c from '../../../native-bindings/linux/epoll.js';
import { mapAnonymousPages } from '../../../native-bindings/linux/pages.js';
import { MappedMemory } from '../../../native-bindings/memory.js';
import { libc } from '../../../native-bindings/posix/libc.js';
import { watchDescriptor } from '../../../native-bindings/posix/watch.js';
import type { NotifierWatch } from '../notifier.js';
import type { HostEdges } from '../waiting/host-watch.js';

const EVENTS_PER_WAIT = 256;
// EPOLLPRI has POLLPRI's value.
const EPOLLPRI = 2;
const ANYTHING = c.EPOLLIN | c.EPOLLOUT | c.EPOLLRDHUP | EPOLLPRI | c.EPOLLET;

/** Hears of whatever happens to Linux descriptors, through an edge-triggered epoll of its own. */
export class EpollEdges implements HostEdges {
  readonly #calls = c.epoll();
  readonly #descriptor: number;
  readonly #memory = MappedMemory.map(EVENTS_PER_WAIT * c.epoll_event.size, mapAnonymousPages);
  readonly #event = new Uint8Array(c.epoll_event.size);

  private constructor(descriptor: number) {
    this.#descriptor = descriptor;
    new DataView(this.#event.buffer).setUint32(c.epoll_event.offset.events, ANYTHING, true);
  }

  /** Null where the process can open no more descriptors. */
  static open(): EpollEdges | null {
    const descriptor = c.epoll().create1(c.EPOLL_CLOEXEC);
    return descriptor < 0 ? null : new EpollEdges(descriptor);
  }

  add(descriptor: number): number {
    return this.#calls.ctl(this.#descriptor, c.EPOLL_CTL_ADD, descriptor, this.#event) < 0 ? lastErrno() : 0;
  }

  remove(descriptor: number): void {
    this.#calls.ctl(this.#descriptor, c.EPOLL_CTL_DEL, descriptor, this.#event);
  }

  watch(onEdge: () => void): NotifierWatch {
    return watchDescriptor(this.#descriptor, () => {
      // Taking the events makes them past; otherwise the epoll stays readable. Those that do not fit come in a moment.
      this.#calls.wait(this.#descriptor, this.#memory.address(0), EVENTS_PER_WAIT, 0);
      onEdge();
    });
  }

  close(): void {
    libc().close(this.#descriptor);
  }
}
