import type { Notifier } from './notifier.js';
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
  /** Makes the tear-down calls. Sockets must be closed before. */
  close(): void;
}
