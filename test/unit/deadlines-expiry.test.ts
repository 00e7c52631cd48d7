import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Deadlines, systemHost } from '../../src/port/deadlines.js';

import { DAY_MS, FakeHost, recorder } from '../support/fake-deadline-host.js';

describe('Deadlines that expire', () => {
  test('100,000 fire in the same tick, in one run of the host timer', () => {
    const host = new FakeHost();
    const count = 100_000;
    const calls = new Uint8Array(count);
    const onExpire = (slot: number) => {
      calls[slot] = (calls[slot] ?? 0) + 1;
    };
    const deadlines = new Deadlines({ onExpire, host });
    // 20 is below a whole bucket of the second level, so that no coarser bucket comes due first.
    for (let slot = 0; slot < count; slot++) deadlines.arm(slot, 20);
    deadlines.settle();
    assert.equal(deadlines.armedCount, count);
    host.advance(20);
    assert.ok(calls.every((n) => n === 1));
    assert.equal(deadlines.armedCount, 0);
    assert.equal(host.fireCount, 1);
    assert.equal(host.setCount, 1);
  });

  test('100,000 that arm themselves anew all fire again, none of them early', () => {
    const host = new FakeHost();
    const count = 100_000;
    let calls = 0;
    const deadlines = new Deadlines({
      host,
      onExpire: (slot) => {
        if (calls++ < count) deadlines.arm(slot, 20);
      },
    });
    for (let slot = 0; slot < count; slot++) deadlines.arm(slot, 20);
    deadlines.settle();
    host.advance(20);
    assert.equal(calls, count);
    assert.equal(deadlines.armedCount, count);
    host.advance(19.5);
    assert.equal(calls, count);
    host.advance(0.5);
    assert.equal(calls, 2 * count);
    assert.equal(host.setCount, 2);
  });

  test('a slot that onExpire disarms does not fire in the same run', () => {
    const host = new FakeHost();
    const fired: number[] = [];
    const deadlines = new Deadlines({
      host,
      onExpire: (slot) => {
        fired.push(slot);
        assert.equal(deadlines.isArmed(1 - slot), true, 'due, but not yet called');
        deadlines.disarm(1 - slot);
      },
    });
    deadlines.arm(0, 5);
    deadlines.arm(1, 5);
    deadlines.settle();
    host.advance(100);
    assert.equal(fired.length, 1);
    assert.equal(deadlines.armedCount, 0);
  });

  test('a slot that onExpire arms anew fires at its new time only, even if settled there', () => {
    const host = new FakeHost();
    const fired: Array<[slot: number, timeMs: number]> = [];
    const deadlines = new Deadlines({
      host,
      onExpire: (slot) => {
        fired.push([slot, host.time]);
        if (fired.length > 1) return;
        deadlines.arm(1 - slot, 30);
        deadlines.settle();
      },
    });
    deadlines.arm(0, 5);
    deadlines.arm(1, 5);
    deadlines.settle();
    host.advance(100);
    assert.deepEqual(
      fired.map(([, timeMs]) => timeMs),
      [5, 35],
    );
    assert.notEqual(fired[0]?.[0], fired[1]?.[0]);
  });

  test('onExpire may arm its own slot and slots beyond the capacity', () => {
    const host = new FakeHost();
    const fired: number[] = [];
    const deadlines = new Deadlines({
      host,
      capacity: 4,
      onExpire: (slot) => {
        fired.push(slot);
        if (fired.length > 4) return;
        deadlines.arm(slot, 10);
        deadlines.arm(1_000 * (slot + 1), 20);
      },
    });
    for (let slot = 0; slot < 4; slot++) deadlines.arm(slot, 5);
    deadlines.settle();
    host.advance(5);
    assert.deepEqual(fired.toSorted(), [0, 1, 2, 3]);
    host.advance(10);
    assert.deepEqual(fired.slice(4).toSorted(), [0, 1, 2, 3]);
    host.advance(10);
    assert.deepEqual(
      fired.slice(8).toSorted((a, b) => a - b),
      [1_000, 2_000, 3_000, 4_000],
    );
  });

  test('an error from onExpire is thrown after the others have been called', () => {
    const host = new FakeHost();
    const fired: number[] = [];
    const failing = new Set([1]);
    const deadlines = new Deadlines({
      host,
      onExpire: (slot) => {
        fired.push(slot);
        if (slot === 0) deadlines.arm(9, 10);
        if (failing.has(slot)) throw new Error(`slot ${slot} failed`);
      },
    });
    const armThree = () => {
      for (let slot = 0; slot < 3; slot++) deadlines.arm(slot, 5);
      deadlines.settle();
    };
    armThree();
    assert.throws(() => host.advance(5), { message: 'slot 1 failed' });
    assert.deepEqual(fired.toSorted(), [0, 1, 2]);
    assert.equal(host.liveTimers, 1, 'what was armed meanwhile is on the host timer');
    failing.add(2);
    armThree();
    assert.throws(
      () => host.advance(5),
      (error) => {
        assert.ok(error instanceof AggregateError);
        assert.equal(error.errors.length, 2);
        return true;
      },
    );
    host.advance(20);
    assert.equal(fired.length, 7);
  });

  test('a clock that leaps by days costs one run, and the wheel goes on from there', () => {
    const host = new FakeHost(123.25);
    const { deadlines, fired } = recorder(host);
    for (let slot = 0; slot < 2_000; slot++) deadlines.arm(slot, 1 + slot * 500_000.5);
    deadlines.settle();
    const due = Math.floor((10 * DAY_MS - 1) / 500_000.5) + 1;
    host.leap(10 * DAY_MS);
    assert.equal(fired.length, due);
    assert.equal(host.fireCount, 1);
    assert.equal(deadlines.armedCount, 2_000 - due);
    for (const slot of fired.splice(0)) assert.ok(slot < due);
    deadlines.arm(0, 3);
    deadlines.settle();
    host.advance(3.75);
    assert.deepEqual(fired, [0]);
    host.leap(30 * DAY_MS);
    assert.equal(deadlines.armedCount, 0);
    assert.equal(fired.length, 1 + 2_000 - due);
  });
});

describe('Deadlines.close()', () => {
  test('close() disarms everything and clears the host timer', () => {
    const host = new FakeHost();
    const { deadlines, fired } = recorder(host);
    deadlines.arm(0, 5);
    deadlines.settle();
    deadlines.arm(1, 5);
    deadlines.close();
    deadlines.close();
    assert.equal(host.liveTimers, 0);
    assert.equal(deadlines.armedCount, 0);
    assert.equal(deadlines.isArmed(0), false);
    assert.equal(deadlines.nextDeadlineMs, Infinity);
    deadlines.disarm(0);
    deadlines.settle();
    host.advance(100);
    assert.deepEqual(fired, []);
    assert.throws(() => deadlines.arm(0, 5), { code: 'ERR_INVALID_STATE' });
  });

  test('close() within onExpire ends the run', () => {
    const host = new FakeHost();
    let calls = 0;
    const deadlines = new Deadlines({
      host,
      onExpire: () => {
        calls++;
        deadlines.close();
      },
    });
    for (let slot = 0; slot < 10; slot++) deadlines.arm(slot, 5);
    deadlines.settle();
    host.advance(100);
    assert.equal(calls, 1);
    assert.equal(host.liveTimers, 0);
  });
});

describe('Deadlines on the system clock', () => {
  test('timeouts of 1 to 50 ms never fire early', { timeout: 20_000 }, async () => {
    const armedAt: number[] = [];
    const early: string[] = [];
    let waiting = 0;
    const { promise, resolve } = withResolvers();
    const deadlines = new Deadlines({
      onExpire: (slot) => {
        const elapsed = performance.now() - (armedAt[slot] ?? NaN);
        const timeoutMs = timeoutOf(slot);
        if (!(elapsed >= timeoutMs)) early.push(`${timeoutMs} ms fired after ${elapsed} ms`);
        // Each timeout runs several times, from wherever in a millisecond the last one ended.
        if (slot < 450) arm(slot + 50);
        if (--waiting === 0) resolve();
      },
    });
    const timeoutOf = (slot: number) => 1 + (slot % 50) + (slot % 7) / 7;
    const arm = (slot: number) => {
      waiting++;
      armedAt[slot] = performance.now();
      deadlines.arm(slot, timeoutOf(slot));
    };
    // The host timer alone does not keep the process alive, so that the test has to.
    const keepAlive = setInterval(() => {}, 1_000);
    try {
      for (let slot = 0; slot < 50; slot++) arm(slot);
      deadlines.settle();
      await promise;
    } finally {
      clearInterval(keepAlive);
      deadlines.close();
    }
    assert.deepEqual(early, []);
    assert.equal(armedAt.length, 500);
  });

  test('an armed timeout does not keep the process alive', { timeout: 20_000 }, async () => {
    const module = new URL('../../src/port/deadlines.js', import.meta.url).href;
    const script = `
      import { Deadlines } from ${JSON.stringify(module)};
      const deadlines = new Deadlines({ onExpire: () => {} });
      deadlines.arm(0, 3_600_000);
      deadlines.settle();
      console.log(deadlines.armedCount);
    `;
    const run = promisify(execFile);
    const args = ['--input-type=module', '--eval', script];
    const { stdout } = await run(process.execPath, args, { timeout: 15_000 });
    assert.equal(stdout.trim(), '1');
  });

  test('systemHost clears the timers it sets', () => {
    const timer = systemHost.setTimer(() => assert.fail('cleared, so never called'), 0.5);
    assert.equal((timer as NodeJS.Timeout).hasRef(), false);
    systemHost.clearTimer(timer);
    assert.ok(systemHost.now() <= performance.now());
  });
});

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
