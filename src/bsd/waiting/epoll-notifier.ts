import type { Notifier, NotifierWatch, ReadinessSink } from '../notifier.js';
import { EdgeWatch } from './edge-watch.js';
import { EPOLL_EVENTS_PER_WAIT, type EpollSet } from './epoll-set.js';
import type { HostEdges } from './host-watch.js';
import { BROKEN, reportOf } from './reports.js';
import { TimerWatch, type Watched } from './timer-watch.js';
import { POLLIN, POLLOUT, POLLPRI } from './waiter.js';

const READING = POLLIN | POLLPRI;

/** A registered socket: what is wanted of it, and what the epoll watches. */
interface Registration {
  readonly descriptor: number;
  readonly index: number;
  readonly generation: number;
  readonly key: number;
  wanted: number;
  /** What the epoll watches; 0 where the socket is not in it. */
  armed: number;
}

/**
 * A notifier over a stack's epoll, level-triggered since not every stack has edges. What was reported stays armed until
 * it is reported unwanted: a socket that is read again at once costs no call.
 */
export class StackEpollNotifier implements Notifier, Watched {
  readonly edgeTriggered = false;
  readonly reportsPerWait = EPOLL_EVENTS_PER_WAIT;
  reports = 0;
  readonly #set: EpollSet;
  readonly #edges: HostEdges | null;
  readonly #sockets = new Map<number, Registration>();
  readonly #byKey: (Registration | null)[] = [];
  readonly #freeKeys: number[] = [];
  /** Registrations of which something is wanted. */
  #wanting = 0;
  #watch: TimerWatch | EdgeWatch | null = null;

  /** `edges` hears of the epoll itself, where its descriptor is the host's. Both are the notifier's from here on. */
  constructor(set: EpollSet, edges: HostEdges | null) {
    this.#set = set;
    this.#edges = edges !== null && edges.add(set.descriptor) === 0 ? edges : null;
  }

  get wantsAnything(): boolean {
    return this.#wanting > 0;
  }

  add(descriptor: number, index: number, generation: number): number {
    const key = this.#freeKeys.pop() ?? this.#byKey.length;
    const armed = READING | POLLOUT;
    const failed = this.#set.add(descriptor, armed, key);
    if (failed !== 0) {
      this.#byKey[key] = null;
      this.#freeKeys.push(key);
      return -failed;
    }
    const socket = { descriptor, index, generation, key, wanted: armed, armed };
    this.#byKey[key] = socket;
    this.#sockets.set(descriptor, socket);
    this.#wanting++;
    this.#watch?.wake();
    return 0;
  }

  remove(descriptor: number): void {
    const socket = this.#sockets.get(descriptor);
    if (socket === undefined) return;
    if (socket.armed !== 0) this.#set.remove(descriptor);
    this.#sockets.delete(descriptor);
    this.#byKey[socket.key] = null;
    this.#freeKeys.push(socket.key);
    if (socket.wanted !== 0) this.#wanting--;
  }

  want(descriptor: number, readable: boolean, writable: boolean): void {
    const socket = this.#sockets.get(descriptor);
    if (socket === undefined) return;
    if (socket.wanted === 0) this.#wanting++;
    socket.wanted |= (readable ? READING : 0) | (writable ? POLLOUT : 0);
    if ((socket.wanted & ~socket.armed) !== 0) this.#arm(socket, socket.armed | socket.wanted);
    this.#watch?.wake();
  }

  wait(sink: ReadinessSink): boolean {
    const count = this.#set.wait(0);
    for (let i = 0; i < count; i++) {
      // A sink may register and remove sockets; a key that is free by then has nobody.
      const socket = this.#byKey[this.#set.dataOf(i)];
      if (socket) this.#report(socket, this.#set.eventsOf(i), sink);
    }
    const full = count === EPOLL_EVENTS_PER_WAIT;
    if (full) this.#watch?.wake();
    return full;
  }

  watch(onReady: () => void): NotifierWatch {
    const watch = this.#edges === null ? new TimerWatch(this, onReady) : new EdgeWatch(this, this.#edges, onReady);
    this.#watch = watch;
    return watch;
  }

  close(): void {
    this.#watch?.close();
    this.#edges?.close();
    this.#set.close();
  }

  #report(socket: Registration, answer: number, sink: ReadinessSink): void {
    const broken = (answer & BROKEN) !== 0;
    const told = broken ? READING | POLLOUT : answer;
    if ((socket.wanted & told) === 0) {
      // Nobody wants it, and a level that nobody takes would come again and again.
      this.#arm(socket, broken ? 0 : socket.wanted);
      return;
    }
    const left = socket.wanted & ~told;
    socket.wanted = (left & (POLLIN | POLLOUT)) === 0 ? 0 : left;
    if (socket.wanted === 0) this.#wanting--;
    this.reports++;
    sink(socket.index, socket.generation, reportOf(answer));
  }

  #arm(socket: Registration, events: number): void {
    if (events === socket.armed) return;
    const { descriptor, key, armed } = socket;
    socket.armed = events;
    if (events === 0) this.#set.remove(descriptor);
    else if (armed === 0) this.#set.add(descriptor, events, key);
    else this.#set.modify(descriptor, events, key);
  }
}
