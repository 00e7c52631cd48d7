import { mapAnonymousPages } from '../../../native-bindings/linux/pages.js';
import { allocatePages } from '../../../native-bindings/windows/pages.js';
import type { OpenStack } from '../../bsd/open-stack.js';
import { platformPages } from '../../platform.js';
import type { DriverFactory } from '../../port/proactor.js';
import { ReadinessDriver } from './driver.js';

/** The readiness driver on a stack that was opened from a profile. The stack stays open when the driver ends. */
export function stackDriver(open: OpenStack): DriverFactory {
  const listenersReuseAddress =
    !open.profile.quirks.reuseAddressHijacks && open.profile.constants.SO_REUSEADDR !== null;
  const abortResets = !open.profile.quirks.lingerZeroNoRst;
  const mapPages = platformPages() === 'mmap' ? mapAnonymousPages : allocatePages;
  return (events) =>
    new ReadinessDriver(events, open.stack, open.makeNotifier(), { mapPages, listenersReuseAddress, abortResets });
}
