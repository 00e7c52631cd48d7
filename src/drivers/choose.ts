import { EpollNotifier } from '../bsd/linux/epoll-notifier.js';
import { LinuxStack } from '../bsd/linux/stack.js';
import { platformDrivers } from '../platform.js';
import type { DriverName, DriverReport } from '../port/driver.js';
import { InvalidArgumentError, SocketStateError } from '../port/errors.js';
import type { DriverFactory } from '../port/proactor.js';
import { IoUringDriver } from './io-uring/driver.js';
import { probeIoUring } from './io-uring/probe.js';
import { ReadinessDriver } from './readiness/driver.js';
import { probeReadiness } from './readiness/probe.js';

export type DriverChoice = DriverName | 'auto';

interface DriverEntry {
  readonly probe: () => DriverReport;
  readonly make: DriverFactory;
}

const DRIVERS: Partial<Record<DriverName, DriverEntry>> = {
  io_uring: { probe: probeIoUring, make: (events) => new IoUringDriver(events, new LinuxStack()) },
  readiness: {
    probe: probeReadiness,
    make: (events) => new ReadinessDriver(events, new LinuxStack(), new EpollNotifier()),
  },
};

const reports = new Map<DriverName, DriverReport>();

/** Tries what the driver needs, once a thread, and says what came of it. */
export function probeDriver(name: DriverName): DriverReport {
  let report = reports.get(name);
  if (report === undefined) {
    const elsewhere = { name, usable: false, reason: 'it is a driver for another platform', findings: [] };
    const entry = platformDrivers().includes(name) ? DRIVERS[name] : undefined;
    report = entry?.probe() ?? elsewhere;
    reports.set(name, report);
  }
  return report;
}

/** The reports of all drivers, those for other platforms included. */
export function probeDrivers(): readonly DriverReport[] {
  return (['io_uring', 'readiness', 'iocp'] as const).map(probeDriver);
}

/**
 * The factory of the wanted driver; for 'auto', of the one OVERLAPPED_DRIVER names, or else of the first that this
 * platform has and its probe lets us use. Throws ERR_DRIVER_UNAVAILABLE with the probe's reason.
 */
export function chooseDriver(choice: DriverChoice): DriverFactory {
  const wanted = choice === 'auto' ? process.env['OVERLAPPED_DRIVER'] || 'auto' : choice;
  const candidates = wanted === 'auto' ? platformDrivers() : [wanted as DriverName];
  const reasons: string[] = [];
  for (const name of candidates) {
    if (!isDriverName(name))
      throw new InvalidArgumentError(`There is no driver ${String(name)}`, 'ERR_INVALID_ARG_VALUE');
    const report = probeDriver(name);
    const entry = DRIVERS[name];
    if (report.usable && entry) return entry.make;
    reasons.push(`${name}: ${report.reason}`);
  }
  const why = reasons.length > 0 ? reasons.join('; ') : 'this platform has none';
  throw new SocketStateError(`No driver can be used: ${why}`, 'ERR_DRIVER_UNAVAILABLE');
}

function isDriverName(name: string): name is DriverName {
  return name === 'io_uring' || name === 'readiness' || name === 'iocp';
}
