import { describe } from 'node:test';
import type { DriverName, Proactor } from '../../src/index.js';
import { describeOperations } from './operations.js';
import { describeTimeouts } from './timeouts.js';
import { describeSignals } from './cancel.js';
import { describeClose } from './close.js';

/** The contract of every driver. `makeProactor` gives a new proactor with the driver under test. */
export function describeDriverContract(name: DriverName, makeProactor: () => Proactor): void {
  const driver = { name, makeProactor };
  describe(`the ${name} driver`, { timeout: 300_000 }, () => {
    describeOperations(driver);
    describeTimeouts(driver);
    describeSignals(driver);
    describeClose(driver);
  });
}
