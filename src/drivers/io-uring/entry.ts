import { LinuxStack } from '../../bsd/linux/stack.js';
import type { DriverEntry } from '../entry.js';
import { IoUringDriver } from './driver.js';
import { probeIoUring } from './probe.js';

export const entry: DriverEntry = {
  probe: probeIoUring,
  make: (events) => new IoUringDriver(events, new LinuxStack()),
};
