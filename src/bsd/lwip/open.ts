import { openStack } from '../normalised/open.js';
import type { OpenStack } from '../open-stack.js';
import { LWIP } from '../profiles/lwip.js';
import { startLwip } from './start.js';

/**
 * Opens lwIP (Debian's liblwip0) with a loopback interface of its own, which nothing outside of it can reach. Throws
 * where the library is not installed.
 */
export function openLwip(): OpenStack {
  startLwip();
  return openStack(LWIP);
}
