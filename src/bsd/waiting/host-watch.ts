import type { NotifierWatch } from '../notifier.js';

/**
 * Where a stack's descriptors are the host's own, the host's event loop can be told by the host: this hears of whatever
 * happens to any of the descriptors, once (edge-triggered), without saying what it is.
 */
export interface HostEdges {
  /** Returns 0 or the host's error number; then the descriptor must be watched by timers. */
  add(descriptor: number): number;
  remove(descriptor: number): void;
  watch(onEdge: () => void): NotifierWatch;
  close(): void;
}

/** Opens what hears of the host's edges; null where the host has nothing of the kind. */
export type OpenHostEdges = () => HostEdges | null;
