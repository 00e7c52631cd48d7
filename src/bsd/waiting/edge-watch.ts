import type { NotifierWatch } from '../notifier.js';
import type { HostEdges } from './host-watch.js';
import type { Watched } from './timer-watch.js';

/**
 * A watch by the host's edges. What became ready before it was wanted raises no edge any more, so that each want is
 * followed by a look, in the next turn of the event loop.
 */
export class EdgeWatch implements NotifierWatch {
  readonly #watched: Watched;
  readonly #look: () => void;
  readonly #watch: NotifierWatch;
  #immediate: NodeJS.Immediate | null = null;
  #referenced = true;
  #closed = false;
  readonly #onTurn = () => {
    this.#immediate = null;
    if (!this.#closed && this.#watched.wantsAnything) this.#look();
  };

  constructor(watched: Watched, edges: HostEdges, look: () => void) {
    this.#watched = watched;
    this.#look = look;
    this.#watch = edges.watch(this.#onTurn);
    this.wake();
  }

  wake(): void {
    if (this.#closed || this.#immediate !== null) return;
    this.#immediate = setImmediate(this.#onTurn);
    if (!this.#referenced) this.#immediate.unref();
  }

  ref(): void {
    this.#referenced = true;
    this.#watch.ref();
    this.#immediate?.ref();
  }

  unref(): void {
    this.#referenced = false;
    this.#watch.unref();
    this.#immediate?.unref();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    this.#watch.close();
  }
}
