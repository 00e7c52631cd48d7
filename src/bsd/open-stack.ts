import type { Notifier, NotifierWatch } from './notifier.js';
import type { StackProfile } from './profile/profile.js';
import type { BsdStack } from './stack.js';
import type { StackWaiter } from './waiting/waiter.js';

/** A stack that was set up from its profile, ready to be driven. Belongs to the thread that opened it. */
export interface OpenStack {
  readonly profile: StackProfile;
  readonly stack: BsdStack;
  readonly waiter: StackWaiter;
  /** A notifier on the best kind of wait that the stack has. */
  makeNotifier(): Notifier;
  /**
   * Calls back from the host's event loop whenever one of these descriptors may have become ready, and perhaps when none
   * has. It keeps the process alive until it is closed.
   */
  watch(descriptors: Iterable<number>, look: () => void): NotifierWatch;
  /** Makes the tear-down calls. Sockets must be closed before. */
  close(): void;
}
