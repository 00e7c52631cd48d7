import assert from 'node:assert/strict';
import { test } from 'node:test';
import { probeDrivers } from '../../src/index.js';
import { driversUnderTest } from '../support/drivers.js';
import { describeDriverContract } from './index.js';
import { describeUdpContract } from './udp.js';

// A driver that should be there and is not fails the run; it is not skipped.
for (const driver of driversUnderTest()) {
  const { name } = driver;
  const report = probeDrivers().find((candidate) => candidate.name === name);
  test(`the ${name} driver can be used here`, () => {
    assert.ok(report?.usable, report?.reason ?? 'there is no report of it');
    assert.equal(report.reason, '');
    assert.notEqual(report.findings.length, 0);
  });
  if (!report?.usable) continue;
  describeDriverContract(driver);
  describeUdpContract(driver);
}
