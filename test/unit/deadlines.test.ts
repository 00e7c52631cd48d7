import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Deadlines, MAX_SLOTS } from '../../src/port/deadlines.js';
import { MAX_TIMEOUT_MS } from '../../src/port/limits.js';

import { DAY_MS, FakeHost, recorder } from '../support/fake-deadline-host.js';

describe('Deadlines.arm() and settle()', () => {
  test('arm() and disarm() read no clock and set no timer', () => {
    const host = new FakeHost();
    const { deadlines } = recorder(host);
    const reads = host.clockReads;
    for (let slot = 0; slot < 100; slot++) deadlines.arm(slot, 10);
    for (let slot = 0; slot < 50; slot++) deadlines.disarm(slot);
    assert.equal(host.clockReads, reads);
    assert.equal(host.setCount, 0);
    assert.equal(deadlines.armedCount, 50);
    deadlines.settle();
    assert.equal(host.clockReads, reads + 1);
    assert.equal(host.setCount, 1);
    deadlines.settle();
    assert.equal(host.clockReads, reads + 1, 'nothing new, nothing read');
  });

  test('settle() sets no timer for what was disarmed before it', () => {
    const host = new FakeHost();
    const { deadlines, fired } = recorder(host);
    deadlines.arm(0, 10);
    deadlines.disarm(0);
    deadlines.disarm(0);
    deadlines.settle();
    assert.equal(host.setCount, 0);
    assert.equal(deadlines.nextDeadlineMs, Infinity);
    deadlines.arm(0, 10);
    deadlines.settle();
    host.advance(10);
    assert.deepEqual(fired, [0]);
  });

  test('a timeout counts from settle(), by the clock that the options name', () => {
    const host = new FakeHost(1_000);
    const fired: number[] = [];
    const onExpire = (slot: number) => fired.push(slot);
    const deadlines = new Deadlines({ onExpire, host, now: () => host.time + 0.5 });
    deadlines.arm(3, 5);
    host.advance(4);
    deadlines.settle();
    host.advance(5.25);
    assert.deepEqual(fired, []);
    host.advance(0.25);
    assert.deepEqual(fired, [3]);
  });

  test('a deadline between two ticks waits for the later one, in a single wake-up', () => {
    const host = new FakeHost(0.5);
    const { deadlines, fired } = recorder(host);
    deadlines.arm(0, 10.25);
    deadlines.settle();
    assert.equal(deadlines.nextDeadlineMs, 11);
    host.advance(11);
    assert.deepEqual(fired, [0]);
    assert.equal(host.fireCount, 1);
    // 100 is in a coarse bucket at first, so one more.
    deadlines.arm(0, 100.25);
    deadlines.settle();
    host.advance(101);
    assert.deepEqual(fired, [0, 0]);
    assert.equal(host.fireCount, 3);
  });

  test('a timeout too short for the clock to tell still takes its turn', () => {
    const host = new FakeHost(1_000);
    const { deadlines, fired } = recorder(host);
    deadlines.arm(0, Number.MIN_VALUE);
    deadlines.arm(1, 3);
    deadlines.settle();
    host.advance(1);
    assert.deepEqual(fired, [0]);
    host.advance(2);
    assert.deepEqual(fired, [0, 1]);
  });

  test('a timeout above the range is clamped, not wrapped', () => {
    const host = new FakeHost();
    const { deadlines, fired } = recorder(host);
    deadlines.arm(0, MAX_TIMEOUT_MS);
    deadlines.arm(1, MAX_TIMEOUT_MS + 1);
    deadlines.arm(2, Number.MAX_VALUE);
    deadlines.settle();
    host.advance(MAX_TIMEOUT_MS - 0.5);
    assert.deepEqual(fired, []);
    host.advance(0.5);
    assert.deepEqual(fired.sort(), [0, 1, 2]);
    assert.ok(host.setCount < 30, `a far deadline took ${host.setCount} wake-ups`);
  });

  test('arm() rejects what is out of range and leaves the slot as it was', () => {
    const { deadlines } = recorder(new FakeHost());
    const outOfRange = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' };
    for (const timeoutMs of [0, -1, NaN, Infinity, -Infinity]) {
      assert.throws(() => deadlines.arm(0, timeoutMs), outOfRange, `timeoutMs ${timeoutMs}`);
    }
    for (const slot of [-1, 1.5, NaN, MAX_SLOTS, 2 ** 32]) {
      assert.throws(() => deadlines.arm(slot, 1), outOfRange, `slot ${slot}`);
      assert.equal(deadlines.isArmed(slot), false);
      deadlines.disarm(slot);
    }
    assert.equal(deadlines.armedCount, 0);
    for (const capacity of [0, -1, 1.5, NaN, MAX_SLOTS + 1]) {
      assert.throws(() => new Deadlines({ onExpire: () => {}, capacity }), outOfRange);
    }
  });

  test('grows to a slot far beyond its capacity and keeps what is armed', () => {
    const host = new FakeHost();
    const { deadlines, fired } = recorder(host, 1);
    deadlines.arm(0, 20);
    deadlines.settle();
    deadlines.arm(1_000_000, 10);
    deadlines.settle();
    host.advance(20);
    assert.deepEqual(fired, [1_000_000, 0]);
  });
});

describe('Deadlines re-armed', () => {
  test('a longer timeout moves nothing: the host timer is not set again', () => {
    const host = new FakeHost();
    const { deadlines, fired } = recorder(host);
    deadlines.arm(0, 30_000);
    deadlines.settle();
    for (let message = 0; message < 1_000; message++) {
      host.advance(1);
      deadlines.disarm(0);
      deadlines.arm(0, 30_000 + message);
      deadlines.settle();
    }
    assert.equal(host.setCount, 1);
    assert.equal(host.clearCount, 0);
    host.advance(30_998);
    assert.deepEqual(fired, []);
    host.advance(1);
    assert.deepEqual(fired, [0]);
    assert.ok(host.setCount < 10, `${host.setCount} wake-ups`);
  });

  test('a longer timeout leaves the slot in the bucket that it is in', () => {
    const host = new FakeHost();
    const { deadlines, fired } = recorder(host);
    deadlines.arm(0, 30_000);
    deadlines.settle();
    const bucketMs = deadlines.nextDeadlineMs;
    deadlines.disarm(0);
    deadlines.arm(0, 40_000);
    deadlines.arm(1, 20);
    deadlines.settle();
    assert.equal(deadlines.nextDeadlineMs, 20);
    // This run looks for the earliest bucket anew.
    host.advance(20);
    assert.deepEqual(fired, [1]);
    assert.equal(deadlines.nextDeadlineMs, bucketMs);
  });

  test('a shorter timeout leaves no wake-up at the longer one', () => {
    const host = new FakeHost();
    const { deadlines } = recorder(host);
    deadlines.arm(0, DAY_MS);
    deadlines.settle();
    deadlines.arm(0, 5);
    deadlines.settle();
    host.advance(5);
    deadlines.arm(0, 2 * DAY_MS);
    deadlines.settle();
    assert.ok(deadlines.nextDeadlineMs > DAY_MS, `a wake-up at ${deadlines.nextDeadlineMs}`);
  });

  test('a shorter timeout takes effect at once', () => {
    const host = new FakeHost();
    const { deadlines, fired } = recorder(host);
    deadlines.arm(0, DAY_MS);
    deadlines.arm(1, DAY_MS);
    deadlines.settle();
    deadlines.arm(0, 5);
    deadlines.settle();
    assert.equal(host.setCount, 2);
    assert.equal(host.clearCount, 1);
    host.advance(5);
    assert.deepEqual(fired, [0]);
    host.advance(DAY_MS);
    assert.deepEqual(fired, [0, 1]);
  });

  test('without an armed slot the host is left alone, and the next timeout is on time', () => {
    const host = new FakeHost();
    const { deadlines, fired } = recorder(host);
    deadlines.arm(0, 10);
    deadlines.arm(1, 20 * DAY_MS);
    deadlines.settle();
    deadlines.disarm(0);
    deadlines.disarm(1);
    host.advance(10 * DAY_MS);
    assert.equal(host.liveTimers, 0);
    assert.equal(host.fireCount, 1);
    deadlines.arm(0, 7);
    deadlines.settle();
    host.advance(6.75);
    assert.deepEqual(fired, []);
    host.advance(0.25);
    assert.deepEqual(fired, [0]);
    assert.equal(host.fireCount, 2);
  });
});
