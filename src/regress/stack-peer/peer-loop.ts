import type { Notifier, NotifierWatch } from '../../bsd/notifier.js';
import type { OpenStack } from '../../bsd/open-stack.js';
import { nowMs } from '../clock.js';
import { stackError } from './stack-error.js';

/** Waits of one turn: each brings as much as the notifier can deliver at once. */
const WAITS_PER_TURN = 4;

/** A socket of the peer's hears that it may be ready: READABLE and WRITABLE, and what else a report has. */
export type OnReady = (report: number) => void;

interface Delay {
  readonly dueMs: number;
  readonly run: () => void;
  timer: NodeJS.Timeout;
}

/**
 * What makes a peer go on that lives on a stack: the stack's own notifier in the host's event loop, and timers. Nobody
 * is asked about a socket of which nothing is wanted, so that an idle peer costs nothing.
 */
export class PeerLoop {
  readonly #stack: OpenStack['stack'];
  readonly #notifier: Notifier;
  readonly #watch: NotifierWatch;
  readonly #sockets = new Map<number, OnReady>();
  readonly #delays = new Set<Delay>();
  #postponed: (() => void)[] = [];
  #immediate: NodeJS.Immediate | null = null;
  #lastIndex = 0;
  #closed = false;
  readonly #sink = (index: number, _generation: number, report: number) => this.#sockets.get(index)?.(report);

  constructor({ stack, makeNotifier }: OpenStack) {
    this.#stack = stack;
    this.#notifier = makeNotifier();
    this.#watch = this.#notifier.watch(() => this.#look());
  }

  /** Reports of the socket go to `onReady`, first of what it is ready for now. Gives the key for `remove`. */
  add(descriptor: number, onReady: OnReady): number {
    const index = ++this.#lastIndex;
    const failed = this.#notifier.add(descriptor, index, 0);
    if (failed !== 0) throw stackError(this.#stack, 'watch', -failed);
    this.#sockets.set(index, onReady);
    return index;
  }

  /** To be called before the descriptor is closed. */
  remove(descriptor: number, key: number): void {
    if (this.#sockets.delete(key)) this.#notifier.remove(descriptor);
  }

  /** Another report, once. To be called after a call that has said EAGAIN: where edges are reported, those alone are. */
  want(descriptor: number, readable: boolean, writable: boolean): void {
    this.#notifier.want(descriptor, readable, writable);
  }

  /** Goes on in the next turn of the event loop, after the others have had theirs. */
  postpone(run: () => void): void {
    this.#postponed.push(run);
    this.#immediate ??= setImmediate(() => this.#continue());
  }

  /** Calls `run` after so long, at once for 0. */
  after(delayMs: number, run: () => void): void {
    if (delayMs <= 0) return run();
    const delay: Delay = { dueMs: nowMs() + delayMs, run, timer: setTimeout(() => this.#due(delay), delayMs) };
    this.#delays.add(delay);
  }

  /** All that is to be done by now, for a thread that keeps its event loop waiting. */
  turn(): void {
    const atMs = nowMs();
    for (const delay of [...this.#delays]) if (delay.dueMs <= atMs) this.#due(delay);
    if (this.#immediate !== null) this.#continue();
    this.#look();
  }

  /** Forgets whatever was to be done later. */
  clear(): void {
    for (const { timer } of this.#delays) clearTimeout(timer);
    this.#delays.clear();
    this.#postponed = [];
  }

  /** The sockets must be removed before. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.clear();
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    this.#watch.close();
    this.#notifier.close();
  }

  #look(): void {
    for (let wait = 0; wait < WAITS_PER_TURN; wait++) if (!this.#notifier.wait(this.#sink)) return;
  }

  #continue(): void {
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    this.#immediate = null;
    const postponed = this.#postponed;
    this.#postponed = [];
    for (const run of postponed) run();
  }

  #due(delay: Delay): void {
    clearTimeout(delay.timer);
    if (this.#delays.delete(delay)) delay.run();
  }
}
