import type { DriverEntry } from '../entry.js';
import { IocpDriver } from './driver.js';
import { probeIocp } from './probe.js';

export const entry: DriverEntry = {
  probe: probeIocp,
  make: (events) => new IocpDriver(events),
};
