import type { StackLibrary } from '../library/library.js';
import { type Notifier, type NotifierWatch, READABLE, type ReadinessSink, WRITABLE } from '../notifier.js';
import { CALL_TYPES } from '../profile/calls.js';
import type { StackProfile } from '../profile/profile.js';
import type { PendingErrors } from './pending-errors.js';
import type { StackWaiter } from './waiter.js';

/** What a stack is waited with. */
export interface StackWaits {
  readonly waiter: StackWaiter;
  makeNotifier(): Notifier;
}

/** Binds the stack's waits. */
export function openWaits(profile: StackProfile, library: StackLibrary, _pending: PendingErrors): StackWaits {
  const poll = library.find(profile.symbols.poll ?? 'poll', CALL_TYPES.poll);
  if (poll === null) throw new Error('no poll');
  const entry = new DataView(new ArrayBuffer(8));
  const ask = (descriptor: number, events: number) => {
    entry.setInt32(0, descriptor, true);
    entry.setUint32(4, events, true);
    return poll(new Uint8Array(entry.buffer), 1, 0) > 0 ? entry.getUint16(6, true) : 0;
  };
  return {
    waiter: { poll: () => 0, select: () => 0 },
    makeNotifier: () => new PollingNotifier(ask),
  };
}

interface Wanted {
  readonly index: number;
  readonly generation: number;
  wanted: number;
}

/** Asks in every turn of the event loop in which something is wanted. */
class PollingNotifier implements Notifier {
  readonly edgeTriggered = false;
  readonly reportsPerWait = 64;
  readonly #ask: (descriptor: number, events: number) => number;
  readonly #sockets = new Map<number, Wanted>();
  #immediate: NodeJS.Immediate | null = null;
  #referenced = false;
  #onReady: () => void = () => undefined;
  #closed = false;

  constructor(ask: (descriptor: number, events: number) => number) {
    this.#ask = ask;
  }

  add(descriptor: number, index: number, generation: number): number {
    this.#sockets.set(descriptor, { index, generation, wanted: 0 });
    return 0;
  }

  remove(descriptor: number): void {
    this.#sockets.delete(descriptor);
  }

  want(descriptor: number, readable: boolean, writable: boolean): void {
    const socket = this.#sockets.get(descriptor);
    if (socket === undefined) return;
    socket.wanted |= (readable ? 1 : 0) | (writable ? 4 : 0);
    this.#schedule();
  }

  wait(sink: ReadinessSink): boolean {
    for (const [descriptor, socket] of [...this.#sockets]) {
      if (socket.wanted === 0) continue;
      const found = this.#ask(descriptor, socket.wanted);
      if (found === 0) continue;
      const directions = (found & ~5) !== 0 ? 5 : found;
      socket.wanted &= ~directions;
      sink(socket.index, socket.generation, (directions & 1 ? READABLE : 0) | (directions & 4 ? WRITABLE : 0));
    }
    return false;
  }

  watch(onReady: () => void): NotifierWatch {
    this.#onReady = onReady;
    const refer = (referenced: boolean) => {
      this.#referenced = referenced;
      if (referenced) this.#immediate?.ref();
      else this.#immediate?.unref();
    };
    return { ref: () => refer(true), unref: () => refer(false), close: () => undefined };
  }

  close(): void {
    this.#closed = true;
    if (this.#immediate !== null) clearImmediate(this.#immediate);
  }

  #schedule(): void {
    if (this.#immediate !== null || this.#closed) return;
    this.#immediate = setImmediate(() => {
      this.#immediate = null;
      if (this.#closed) return;
      this.#onReady();
      if ([...this.#sockets.values()].some(({ wanted }) => wanted !== 0)) this.#schedule();
    });
    if (!this.#referenced) this.#immediate.unref();
  }
}
