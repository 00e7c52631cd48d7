import { systemLibraryPath } from '../../../native-bindings/windows/system-library.js';
import { openKoffiLibrary } from '../library/koffi.js';
import type { StackLibrary } from '../library/library.js';
import { openStack } from '../normalised/open.js';
import type { OpenStack } from '../open-stack.js';
import type { StackProfile } from '../profile/profile.js';
import { WINSOCK } from '../profiles/winsock.js';

/** Winsock's functions, from the library in the system directory. Windows only. */
export function winsockLibrary(): StackLibrary {
  return openKoffiLibrary(systemLibraryPath('ws2_32.dll'));
}

/** Opens Winsock by its own select, or by WSAPoll, for sockets that do without a completion port. Windows only. */
export function openWinsock(wait: 'select' | 'poll', profile: StackProfile = WINSOCK): OpenStack {
  return openStack({ ...profile, waits: [wait] }, winsockLibrary());
}
