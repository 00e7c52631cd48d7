import { isMainThread } from 'node:worker_threads';
import { type DescriptorWatch, watchReadable } from '../ffi.js';
import { PollingWatch } from './polling-watch.js';

/** Calls `onReadable` (level-triggered) from the host's event loop whenever the descriptor is readable. */
export function watchDescriptor(descriptor: number, onReadable: () => void): DescriptorWatch {
  return isMainThread ? watchReadable(descriptor, onReadable) : new PollingWatch(descriptor, onReadable);
}
