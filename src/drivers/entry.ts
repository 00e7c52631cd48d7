import type { DriverReport } from '../port/driver.js';
import type { DriverFactory } from '../port/proactor.js';

/** What a driver's folder exports as `entry`: how to find out whether it can be used here, and how to make one. */
export interface DriverEntry {
  readonly probe: () => DriverReport;
  readonly make: DriverFactory;
}
