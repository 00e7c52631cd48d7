import type { Notifier, NotifierWatch, ReadinessSink } from '../notifier.js';
import { EdgeWatch } from './edge-watch.js';
import type { HostEdges } from './host-watch.js';
import { PollTable } from './poll-table.js';
import { BROKEN, reportOf } from './reports.js';
import { TimerWatch, type Watched } from './timer-watch.js';
import { POLLIN, POLLOUT, POLLPRI, type StackWaiter } from './waiter.js';

const NOT_ASKED = -1;

/** A registered socket, and its place in the table while something is wanted of it. */
class Registration {
  readonly descriptor: number;
  readonly index: number;
  readonly generation: number;
  place = NOT_ASKED;

  constructor(descriptor: number, index: number, generation: number) {
    this.descriptor = descriptor;
    this.index = index;
    this.generation = generation;
  }
}

/**
 * A notifier over a stack's poll, or whatever stands in for it. Only sockets of which something is wanted are asked
 * about, so that idle ones cost nothing and one that nobody reads cannot keep the event loop busy.
 */
export class WaitNotifier implements Notifier, Watched {
  readonly edgeTriggered = false;
  readonly reportsPerWait = Number.POSITIVE_INFINITY;
  reports = 0;
  readonly #waiter: StackWaiter;
  readonly #edges: HostEdges | null;
  readonly #tooMany: number;
  readonly #sockets = new Map<number, Registration>();
  readonly #table = new PollTable();
  /** Whose the table's entries are. */
  readonly #asked: Registration[] = [];
  #watch: TimerWatch | EdgeWatch | null = null;
  /** What the last wait has found, to be delivered when the table may change again. */
  readonly #found: Registration[] = [];
  readonly #foundReports: number[] = [];

  /** `tooMany` is the error of a descriptor that the waits cannot take; `edges` the notifier's from here on. */
  constructor(waiter: StackWaiter, tooMany: number, edges: HostEdges | null) {
    this.#waiter = waiter;
    this.#tooMany = tooMany;
    this.#edges = edges;
  }

  get wantsAnything(): boolean {
    return this.#table.count > 0;
  }

  add(descriptor: number, index: number, generation: number): number {
    if (!this.#waiter.canPoll(descriptor)) return this.#tooMany;
    const failed = this.#edges?.add(descriptor) ?? 0;
    if (failed !== 0) return failed;
    this.#sockets.set(descriptor, new Registration(descriptor, index, generation));
    this.want(descriptor, true, true);
    return 0;
  }

  remove(descriptor: number): void {
    const socket = this.#sockets.get(descriptor);
    if (socket === undefined) return;
    this.#sockets.delete(descriptor);
    this.#edges?.remove(descriptor);
    if (socket.place !== NOT_ASKED) this.#stopAsking(socket.place);
  }

  want(descriptor: number, readable: boolean, writable: boolean): void {
    const socket = this.#sockets.get(descriptor);
    if (socket === undefined) return;
    const events = (readable ? POLLIN | POLLPRI : 0) | (writable ? POLLOUT : 0);
    if (socket.place !== NOT_ASKED) {
      this.#table.events[socket.place] = (this.#table.events[socket.place] as number) | events;
    } else if (events !== 0) {
      socket.place = this.#table.push(descriptor, events);
      this.#asked[socket.place] = socket;
    }
    this.#watch?.wake();
  }

  wait(sink: ReadinessSink): boolean {
    if (this.#table.count === 0) return false;
    const ready = this.#waiter.poll(this.#table, 0);
    if (ready === 0) return false;
    this.#collect(ready < 0);
    const found = this.#found;
    this.reports += found.length;
    for (let i = 0; i < found.length; i++) {
      const { index, generation } = found[i] as Registration;
      sink(index, generation, this.#foundReports[i] as number);
    }
    found.length = 0;
    this.#foundReports.length = 0;
    return false;
  }

  watch(onReady: () => void): NotifierWatch {
    const watch = this.#edges === null ? new TimerWatch(this, onReady) : new EdgeWatch(this, this.#edges, onReady);
    this.#watch = watch;
    return watch;
  }

  close(): void {
    this.#watch?.close();
    this.#edges?.close();
  }

  /** Where the stack cannot wait at all, all are reported: whoever tries a call hears how its socket is. */
  #collect(all: boolean): void {
    const { events, revents } = this.#table;
    // From the end on: an entry that is taken out is replaced by the last one, which has been looked at by then.
    for (let i = this.#table.count - 1; i >= 0; i--) {
      const answer = all ? POLLIN | POLLOUT : (revents[i] as number);
      if (answer === 0) continue;
      this.#found.push(this.#asked[i] as Registration);
      this.#foundReports.push(reportOf(answer));
      const left = (answer & BROKEN) !== 0 ? 0 : (events[i] as number) & ~answer;
      // Urgent data is looked for together with a receive, and alone it is nothing to wait for.
      if ((left & (POLLIN | POLLOUT)) === 0) this.#stopAsking(i);
      else events[i] = left;
    }
  }

  #stopAsking(place: number): void {
    const socket = this.#asked[place] as Registration;
    socket.place = NOT_ASKED;
    this.#table.removeAt(place);
    const last = this.#asked.pop() as Registration;
    if (last === socket) return;
    this.#asked[place] = last;
    last.place = place;
  }
}
