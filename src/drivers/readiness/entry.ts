import { EpollNotifier } from '../../bsd/linux/epoll-notifier.js';
import { LinuxStack } from '../../bsd/linux/stack.js';
import type { DriverEntry } from '../entry.js';
import { ReadinessDriver } from './driver.js';
import { probeReadiness } from './probe.js';

export const entry: DriverEntry = {
  probe: probeReadiness,
  make: (events) => new ReadinessDriver(events, new LinuxStack(), new EpollNotifier()),
};
