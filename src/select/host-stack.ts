import { openStack } from '../bsd/normalised/open.js';
import type { OpenStack } from '../bsd/open-stack.js';
import { PROFILES } from '../bsd/profiles/index.js';
import { winsockLibrary } from '../bsd/winsock/open.js';
import { platformStack } from '../platform.js';
import { SocketStateError } from '../port/errors.js';

let opened: OpenStack | undefined;

/** The platform's own stack, opened once a thread and never closed. Throws ERR_NO_STACK where no profile describes it. */
export function hostStack(): OpenStack {
  if (opened !== undefined) return opened;
  const name = platformStack();
  const profile = name === undefined ? undefined : PROFILES[name];
  if (profile === undefined) throw new SocketStateError('No profile describes this platform', 'ERR_NO_STACK');
  // What is asked here is asked once; registering descriptors first would only cost calls.
  const waits = profile.waits.filter((kind) => kind === 'poll' || kind === 'select');
  opened = openStack({ ...profile, waits }, name === 'winsock' ? winsockLibrary() : undefined);
  return opened;
}
