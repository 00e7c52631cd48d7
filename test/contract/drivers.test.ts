import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DriverName, openProactor, probeDrivers } from '../../src/index.js';
import { describeDriverContract } from './index.js';

// A driver that should be there and is not fails the run; it is not skipped. OVERLAPPED_CONTRACT narrows the run to one.
const platform: readonly DriverName[] = process.platform === 'win32' ? ['iocp'] : ['io_uring', 'readiness'];
const wanted = process.env['OVERLAPPED_CONTRACT'];
const expected = wanted === undefined ? platform : platform.filter((name) => name === wanted);

for (const name of expected) {
  const report = probeDrivers().find((candidate) => candidate.name === name);
  test(`the ${name} driver can be used here`, () => {
    assert.ok(report?.usable, report?.reason ?? 'there is no report of it');
    assert.equal(report.reason, '');
    assert.notEqual(report.findings.length, 0);
  });
  if (report?.usable) describeDriverContract(name, () => openProactor({ driver: name }));
}
