import { StackCalls } from '../library/calls.js';
import type { StackLibrary } from '../library/library.js';
import type { Notifier, NotifierWatch } from '../notifier.js';
import type { StackProfile } from '../profile/profile.js';
import { EdgeWatch } from './edge-watch.js';
import type { HostEdges, OpenHostEdges } from './host-watch.js';
import type { PendingErrors } from './pending-errors.js';
import { ProfileWaiter } from './profile-waiter.js';
import { TimerWatch } from './timer-watch.js';
import { WaitNotifier } from './wait-notifier.js';
import type { StackWaiter } from './waiter.js';

/** What a stack is waited with. */
export interface StackWaits {
  readonly waiter: StackWaiter;
  makeNotifier(): Notifier;
  /** As in OpenStack. */
  watch(descriptors: Iterable<number>, look: () => void): NotifierWatch;
}

const NO_EDGES: OpenHostEdges = () => null;

/**
 * Binds the stack's waits. `pending` is shared with whoever makes the calls of the stack's sockets. `openEdges` may give
 * the host's own watch where the stack's descriptors are the host's; without, timers look after them.
 */
export function openWaits(
  profile: StackProfile,
  library: StackLibrary,
  pending: PendingErrors,
  openEdges: OpenHostEdges = NO_EDGES,
): StackWaits {
  const { errors } = new StackCalls(profile, library);
  const waiter = new ProfileWaiter(profile, library, pending);
  return {
    waiter,
    makeNotifier: () => new WaitNotifier(waiter, errors.number('EMFILE'), openEdges()),
    watch: (descriptors, look) => watchDescriptors(descriptors, openEdges(), look),
  };
}

function watchDescriptors(descriptors: Iterable<number>, edges: HostEdges | null, look: () => void): NotifierWatch {
  const always = { wantsAnything: true, reports: 0 };
  if (edges === null) return new TimerWatch(always, look);
  for (const descriptor of new Set(descriptors)) {
    if (edges.add(descriptor) === 0) continue;
    // A file of a kind that has no edges: timers do for all.
    edges.close();
    return new TimerWatch(always, look);
  }
  const watch = new EdgeWatch(always, edges, look);
  return {
    ref: () => watch.ref(),
    unref: () => watch.unref(),
    close: () => {
      watch.close();
      edges.close();
    },
  };
}
