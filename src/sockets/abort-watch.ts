import type { Operation } from '../port/operation.js';

/** Told when an operation's signal is aborted. */
export interface AbortTarget {
  abortRequested(operation: Operation): void;
}

/** The operations that one signal ends, with the one listener that serves them all. */
interface Watch {
  readonly operations: Map<Operation, AbortTarget>;
  readonly listener: () => void;
}

// One listener a signal, however many operations it has: Node warns of a leak from the eleventh on.
const watches = new WeakMap<AbortSignal, Watch>();

export function watchSignal(signal: AbortSignal, operation: Operation, target: AbortTarget): void {
  let watch = watches.get(signal);
  if (watch === undefined) {
    const operations = new Map<Operation, AbortTarget>();
    const listener = () => {
      watches.delete(signal);
      for (const [aborted, owner] of operations) owner.abortRequested(aborted);
    };
    watch = { operations, listener };
    watches.set(signal, watch);
    signal.addEventListener('abort', listener, { once: true });
  }
  watch.operations.set(operation, target);
}

/** Forgets an operation that has ended; the last one takes the listener away. */
export function unwatchSignal(signal: AbortSignal, operation: Operation): void {
  const watch = watches.get(signal);
  if (watch === undefined) return;
  watch.operations.delete(operation);
  if (watch.operations.size > 0) return;
  watches.delete(signal);
  signal.removeEventListener('abort', watch.listener);
}
