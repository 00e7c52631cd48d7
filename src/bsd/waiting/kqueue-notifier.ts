import { ENDING, type Notifier, type NotifierWatch, READABLE, type ReadinessSink, WRITABLE } from '../notifier.js';
import { EdgeWatch } from './edge-watch.js';
import type { HostEdges } from './host-watch.js';
import { KQUEUE_EVENTS_PER_WAIT, type KqueueSet, READING, WRITING } from './kqueue-set.js';
import { TimerWatch, type Watched } from './timer-watch.js';

const BOTH = READING | WRITING;
const LAST_KEY = 0x7fff_ffff;

/** What is there stays readable to the host until it is fetched: it is to be fetched even where nobody wants it. */
const ALWAYS: Watched = { wantsAnything: true, reports: 0 };

/** A registered socket, with directions as bits. */
interface Registration {
  readonly descriptor: number;
  readonly index: number;
  readonly generation: number;
  readonly key: number;
  wanted: number;
  /** What the kqueue has been asked for and has not reported. */
  armed: number;
  /** It stands among those whose wants the next wait takes along. */
  isChanged: boolean;
}

/**
 * A notifier over a stack's kqueue. Each want is an EV_ONESHOT, which is what a want means, and goes along with the next
 * wait, so that it costs no call. kqueue does not tell of urgent data. Not run on macOS.
 */
export class StackKqueueNotifier implements Notifier, Watched {
  readonly edgeTriggered = false;
  readonly reportsPerWait = KQUEUE_EVENTS_PER_WAIT;
  reports = 0;
  readonly #set: KqueueSet;
  readonly #edges: HostEdges | null;
  readonly #sockets = new Map<number, Registration>();
  /** A key comes back after 2^31 others: what is still under way for a socket that is gone meets nobody. */
  readonly #byKey = new Map<number, Registration>();
  #lastKey = 0;
  #changed: Registration[] = [];
  /** Registrations of which something is wanted. */
  #wanting = 0;
  #watch: TimerWatch | EdgeWatch | null = null;

  /** `edges` hears of the kqueue itself, where its descriptor is the host's. Both are the notifier's from here on. */
  constructor(set: KqueueSet, edges: HostEdges | null) {
    this.#set = set;
    this.#edges = edges !== null && edges.add(set.descriptor) === 0 ? edges : null;
  }

  get wantsAnything(): boolean {
    return this.#wanting > 0;
  }

  add(descriptor: number, index: number, generation: number): number {
    const key = this.#nextKey();
    this.#set.ask(descriptor, BOTH, key);
    const failed = this.#set.apply();
    if (failed !== 0) {
      // The first direction may be in already.
      this.#set.takeBack(descriptor, READING);
      this.#set.apply();
      return -failed;
    }
    const socket = { descriptor, index, generation, key, wanted: BOTH, armed: BOTH, isChanged: false };
    this.#byKey.set(key, socket);
    this.#sockets.set(descriptor, socket);
    this.#wanting++;
    this.#watch?.wake();
    return 0;
  }

  remove(descriptor: number): void {
    const socket = this.#sockets.get(descriptor);
    if (socket === undefined) return;
    this.#sockets.delete(descriptor);
    this.#byKey.delete(socket.key);
    if (socket.wanted !== 0) this.#wanting--;
    if (socket.armed === 0) return;
    this.#set.takeBack(descriptor, socket.armed);
    this.#set.apply();
  }

  want(descriptor: number, readable: boolean, writable: boolean): void {
    const socket = this.#sockets.get(descriptor);
    const directions = (readable ? READING : 0) | (writable ? WRITING : 0);
    if (socket === undefined || directions === 0) return;
    if (socket.wanted === 0) this.#wanting++;
    socket.wanted |= directions;
    if (!socket.isChanged && (socket.wanted & ~socket.armed) !== 0) {
      socket.isChanged = true;
      this.#changed.push(socket);
    }
    this.#watch?.wake();
  }

  wait(sink: ReadinessSink): boolean {
    this.#ask();
    const count = this.#set.wait(0);
    if (count < 0) this.#reportAll(sink);
    for (let i = 0; i < count; i++) {
      // A sink may register and remove sockets.
      const socket = this.#byKey.get(this.#set.dataOf(i));
      if (socket !== undefined) this.#report(socket, i, sink);
    }
    const full = count === KQUEUE_EVENTS_PER_WAIT;
    if (full) this.#watch?.wake();
    return full;
  }

  watch(onReady: () => void): NotifierWatch {
    const watch = this.#edges === null ? new TimerWatch(this, onReady) : new EdgeWatch(ALWAYS, this.#edges, onReady);
    this.#watch = watch;
    return watch;
  }

  close(): void {
    this.#watch?.close();
    this.#edges?.close();
    this.#set.close();
  }

  #nextKey(): number {
    do this.#lastKey = this.#lastKey === LAST_KEY ? 1 : this.#lastKey + 1;
    while (this.#byKey.has(this.#lastKey));
    return this.#lastKey;
  }

  #ask(): void {
    for (const socket of this.#changed) {
      socket.isChanged = false;
      const asked = socket.wanted & ~socket.armed;
      // Its descriptor may be another socket's by now.
      if (asked === 0 || this.#byKey.get(socket.key) !== socket) continue;
      socket.armed |= asked;
      this.#set.ask(socket.descriptor, asked, socket.key);
    }
    this.#changed.length = 0;
  }

  #report(socket: Registration, i: number, sink: ReadinessSink): void {
    const direction = this.#set.directionOf(i);
    socket.armed &= ~direction;
    // An error is news to whoever waits, in either direction, and so is that the stack will not tell.
    const broken = this.#set.failureOf(i) !== 0 || this.#set.errorOf(i) !== 0;
    if (broken) return this.#tell(socket, BOTH, READABLE | WRITABLE | ENDING, sink);
    if (direction === WRITING) return this.#tell(socket, WRITING, WRITABLE, sink);
    this.#tell(socket, READING, this.#set.isEnd(i) ? READABLE | ENDING : READABLE, sink);
  }

  #tell(socket: Registration, told: number, report: number, sink: ReadinessSink): void {
    if ((socket.wanted & told) === 0) return;
    socket.wanted &= ~told;
    if (socket.wanted === 0) this.#wanting--;
    this.reports++;
    sink(socket.index, socket.generation, report);
  }

  /** Where the stack cannot wait at all, all are reported: whoever tries a call hears how its socket is. */
  #reportAll(sink: ReadinessSink): void {
    for (const socket of [...this.#byKey.values()]) {
      // Whether the last changes were made is not known. To make them again changes nothing.
      socket.armed = 0;
      if (this.#byKey.get(socket.key) === socket) this.#tell(socket, BOTH, READABLE | WRITABLE, sink);
    }
  }
}
