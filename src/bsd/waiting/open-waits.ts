import { StackCalls } from '../library/calls.js';
import type { StackLibrary } from '../library/library.js';
import type { Notifier } from '../notifier.js';
import type { StackProfile } from '../profile/profile.js';
import type { OpenHostEdges } from './host-watch.js';
import type { PendingErrors } from './pending-errors.js';
import { ProfileWaiter } from './profile-waiter.js';
import { WaitNotifier } from './wait-notifier.js';
import type { StackWaiter } from './waiter.js';

/** What a stack is waited with. */
export interface StackWaits {
  readonly waiter: StackWaiter;
  makeNotifier(): Notifier;
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
  return { waiter, makeNotifier: () => new WaitNotifier(waiter, errors.number('EMFILE'), openEdges()) };
}
