import { createRequire } from 'node:module';
import type { OpenStack } from '../bsd/open-stack.js';
import { platformDrivers } from '../platform.js';
import type { DriverName, DriverReport } from '../port/driver.js';
import { InvalidArgumentError, SocketStateError } from '../port/errors.js';
import type { DriverFactory } from '../port/proactor.js';
import type { DriverEntry } from './entry.js';

export type DriverChoice = DriverName | 'auto';

const FOLDERS: Readonly<Record<DriverName, string>> = {
  io_uring: 'io-uring',
  readiness: 'readiness',
  iocp: 'iocp',
};

// A driver's modules are loaded when it is first asked for. Node opens everything that is imported statically at once,
// and all drivers together are more files than a process with few descriptors may open.
const load = createRequire(import.meta.url);

function entryOf(name: DriverName): DriverEntry {
  return (load(`./${FOLDERS[name]}/entry.js`) as { entry: DriverEntry }).entry;
}

const reports = new Map<DriverName, DriverReport>();

/** Tries what the driver needs, once a thread, and says what came of it. */
export function probeDriver(name: DriverName): DriverReport {
  let report = reports.get(name);
  if (report === undefined) {
    report = platformDrivers().includes(name)
      ? entryOf(name).probe()
      : { name, usable: false, reason: 'it is a driver for another platform', findings: [] };
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
    if (report.usable) return entryOf(name).make;
    reasons.push(`${name}: ${report.reason}`);
  }
  const why = reasons.length > 0 ? reasons.join('; ') : 'this platform has none';
  throw new SocketStateError(`No driver can be used: ${why}`, 'ERR_DRIVER_UNAVAILABLE');
}

/** The factory of the readiness driver on a stack of the caller's. */
export function driverOnStack(stack: OpenStack): DriverFactory {
  const { stackDriver } = load('./readiness/stack-driver.js') as typeof import('./readiness/stack-driver.js');
  return stackDriver(stack);
}

function isDriverName(name: string): name is DriverName {
  return name === 'io_uring' || name === 'readiness' || name === 'iocp';
}
