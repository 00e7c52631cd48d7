import { type DriverName, openProactor } from '../../src/index.js';
import type { DriverUnderTest } from './stage.js';

/** The drivers that must be usable on this platform: one that is not there fails its tests. */
export function expectedDrivers(): readonly DriverName[] {
  return process.platform === 'win32' ? ['iocp'] : ['io_uring', 'readiness'];
}

/** The expected drivers, or the one that OVERLAPPED_CONTRACT names. */
export function driversUnderTest(): readonly (DriverUnderTest & { readonly name: DriverName })[] {
  const wanted = process.env['OVERLAPPED_CONTRACT'];
  return expectedDrivers()
    .filter((name) => wanted === undefined || name === wanted)
    .map((name) => ({ name, makeProactor: () => openProactor({ driver: name }) }));
}
