import { systemError } from '../../port/errors.js';
import { StackCalls } from '../library/calls.js';
import type { StackLibrary } from '../library/library.js';
import type { Notifier, NotifierWatch } from '../notifier.js';
import type { StackLayouts, StackProfile } from '../profile/profile.js';
import { EdgeWatch } from './edge-watch.js';
import { StackEpollNotifier } from './epoll-notifier.js';
import { EpollSet } from './epoll-set.js';
import type { HostEdges, OpenHostEdges } from './host-watch.js';
import { StackKqueueNotifier } from './kqueue-notifier.js';
import { describeKqueue, type KqueueDescription, KqueueSet } from './kqueue-set.js';
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

type EpollEventLayout = NonNullable<StackLayouts['epollEvent']>;

const NO_EDGES: OpenHostEdges = () => null;

/**
 * Binds the stack's waits. `pending` is shared with whoever makes the calls of the stack's sockets. `openEdges` may give
 * the host's own watch where the stack's descriptors are the host's, and `openKqueueEdges` one for its kqueue alone;
 * without, timers look after them.
 */
export function openWaits(
  profile: StackProfile,
  library: StackLibrary,
  pending: PendingErrors,
  openEdges: OpenHostEdges = NO_EDGES,
  openKqueueEdges: OpenHostEdges = NO_EDGES,
): StackWaits {
  const calls = new StackCalls(profile, library);
  const { errors } = calls;
  const { epollEvent } = profile.layouts;
  const kqueue = describeKqueue(profile);
  const waiter = new ProfileWaiter(profile, library, pending);
  return {
    waiter,
    makeNotifier: () => {
      const [best] = profile.waits;
      if (best === 'epoll' && epollEvent !== null) return epollNotifier(calls, epollEvent, openEdges());
      if (best === 'kqueue' && kqueue !== null) return kqueueNotifier(calls, kqueue, openKqueueEdges());
      return new WaitNotifier(waiter, errors.number('EMFILE'), openEdges());
    },
    watch: (descriptors, look) => watchDescriptors(descriptors, openEdges(), look),
  };
}

function epollNotifier(calls: StackCalls, layout: EpollEventLayout, edges: HostEdges | null): Notifier {
  const set = new EpollSet(calls, layout);
  if (set.descriptor >= 0) return new StackEpollNotifier(set, edges);
  edges?.close();
  throw systemError({ errors: calls.errors.table }, 'Cannot open an epoll', 'epoll_create', -set.descriptor);
}

function kqueueNotifier(calls: StackCalls, description: KqueueDescription, edges: HostEdges | null): Notifier {
  const set = new KqueueSet(calls, description);
  if (set.descriptor >= 0) return new StackKqueueNotifier(set, edges);
  edges?.close();
  throw systemError({ errors: calls.errors.table }, 'Cannot open a kqueue', 'kqueue', -set.descriptor);
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
