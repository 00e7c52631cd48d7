import { watchDescriptor } from '../../../native-bindings/posix/watch.js';
import type { NotifierWatch } from '../notifier.js';
import type { HostEdges } from './host-watch.js';

/**
 * Hears that one descriptor of the host's is readable, as a kqueue is while it has something to report (kqueue(2)). It
 * is told again and again until that is fetched. Linux and macOS; not run on macOS.
 */
export class ReadableEdges implements HostEdges {
  #descriptor = -1;

  add(descriptor: number): number {
    this.#descriptor = descriptor;
    return 0;
  }

  remove(): void {
    this.#descriptor = -1;
  }

  watch(onEdge: () => void): NotifierWatch {
    return watchDescriptor(this.#descriptor, onEdge);
  }

  /** There is nothing to close: the descriptor is its owner's. */
  close(): void {}
}
