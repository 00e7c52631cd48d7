import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import fc from 'fast-check';
import {
  type DeadlineHost,
  Deadlines,
  MAX_SLOTS,
  MAX_TIMEOUT_MS,
  systemHost,
} from '../../src/port/deadlines.js';

const DAY_MS = 86_400_000;

/** A clock that moves when told, and timers that fire exactly on time, early or late, as told. */
class FakeHost implements DeadlineHost {
  time: number;
  clockReads = 0;
  setCount = 0;
  clearCount = 0;
  fireCount = 0;
  /** Up to how much too early timers fire, as setTimeout's do. */
  earlyByMs = 0;
  aroundFire: (fire: () => void) => void = (fire) => fire();
  readonly #live = new Map<object, { callback: () => void; atMs: number }>();

  constructor(time = 0) {
    this.time = time;
  }

  now(): number {
    this.clockReads++;
    return this.time;
  }

  setTimer(callback: () => void, delayMs: number): unknown {
    assert.ok(delayMs >= 0 && delayMs <= MAX_TIMEOUT_MS, `a delay of ${delayMs} ms`);
    this.setCount++;
    const timer = {};
    const wait = this.earlyByMs > 0 ? Math.max(1, delayMs) - this.earlyByMs : delayMs;
    this.#live.set(timer, { callback, atMs: this.time + wait });
    assert.equal(this.#live.size, 1, 'one host timer at a time');
    return timer;
  }

  clearTimer(timer: unknown): void {
    this.clearCount++;
    assert.ok(this.#live.delete(timer as object), 'only a live timer is cleared');
  }

  get liveTimers(): number {
    return this.#live.size;
  }

  /** Lets time pass and fires what is due on the way, each at its own time. */
  advance(byMs: number): void {
    this.#runUntil(this.time + byMs, (atMs) => Math.max(this.time, atMs));
  }

  /** The clock leaps, as after a suspend; what became due meanwhile fires only then. */
  leap(byMs: number): void {
    this.time += byMs;
    this.#runUntil(this.time, () => this.time);
  }

  #runUntil(endMs: number, fireTime: (atMs: number) => number): void {
    for (;;) {
      const [entry] = this.#live;
      if (entry === undefined || entry[1].atMs > endMs) break;
      this.#live.delete(entry[0]);
      this.time = fireTime(entry[1].atMs);
      this.fireCount++;
      this.aroundFire(entry[1].callback);
    }
    this.time = endMs;
  }
}

function recorder(host: DeadlineHost, capacity = 8) {
  const fired: number[] = [];
  const deadlines = new Deadlines({ onExpire: (slot) => fired.push(slot), host, capacity });
  return { deadlines, fired };
}

type Action =
  | { type: 'arm'; slot: number; timeoutMs: number }
  | { type: 'disarm'; slot: number }
  | { type: 'settle' }
  | { type: 'advance'; byMs: number }
  | { type: 'leap'; byMs: number };

const SLOTS = 24;
const slotNumber = fc.nat({ max: SLOTS - 1 });
// Small ones to collide in the fine buckets, large ones to reach the coarse, whole ones for ties.
const duration = fc.oneof(
  fc.double({ min: 0.001, max: 3, noNaN: true }),
  fc.integer({ min: 1, max: 40 }),
  fc.double({ min: 1, max: 1_500, noNaN: true }),
  fc.integer({ min: 1, max: 100_000 }),
  fc.integer({ min: 1, max: 2 ** 31 + 10 }),
);
const change: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('arm' as const),
      slot: slotNumber,
      timeoutMs: duration,
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('disarm' as const), slot: slotNumber }) },
);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 5, arbitrary: change },
  { weight: 2, arbitrary: fc.constant<Action>({ type: 'settle' }) },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('advance' as const), byMs: duration }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('leap' as const), byMs: duration }) },
);

/** What Deadlines promises, told with a Map and no wheel. */
class Model {
  readonly fresh = new Map<number, number>();
  readonly settled = new Map<number, number>();
  readonly host: FakeHost;

  constructor(host: FakeHost) {
    this.host = host;
  }

  arm(slot: number, timeoutMs: number): void {
    this.settled.delete(slot);
    this.fresh.set(slot, Math.min(timeoutMs, MAX_TIMEOUT_MS));
  }

  disarm(slot: number): void {
    this.settled.delete(slot);
    this.fresh.delete(slot);
  }

  settle(): void {
    for (const [slot, timeoutMs] of this.fresh) this.settled.set(slot, this.host.time + timeoutMs);
    this.fresh.clear();
  }

  expire(slot: number, allowLate: boolean): void {
    const deadline = this.settled.get(slot);
    assert.ok(deadline !== undefined, `slot ${slot} fired without a settled deadline`);
    assert.ok(this.host.time >= deadline, `${this.host.time} is before ${deadline}`);
    if (!allowLate) {
      const message = `${this.host.time} is over a tick after ${deadline}`;
      assert.ok(this.host.time <= Math.ceil(deadline), message);
    }
    this.settled.delete(slot);
  }
}

function runAgainstModel(startMs: number, actions: Action[], inExpiry: Action[], early: number) {
  const host = new FakeHost(startMs);
  host.earlyByMs = early;
  const model = new Model(host);
  let leaping = false;
  let scripted = 0;
  const deadlines = new Deadlines({
    host,
    capacity: 1,
    onExpire: (slot) => {
      model.expire(slot, leaping || early > 0);
      assert.equal(deadlines.isArmed(slot), false);
      // Half of the expiries change something, some of them slots that are due in the same run.
      const next = inExpiry[scripted++ >> 1];
      if (next !== undefined && scripted % 2 === 1) apply(next);
      if (scripted % 3 === 0) deadlines.settle();
    },
  });
  host.aroundFire = (fire) => {
    model.settle();
    fire();
    model.settle();
  };

  function apply(step: Action): void {
    if (step.type === 'arm') {
      deadlines.arm(step.slot, step.timeoutMs);
      model.arm(step.slot, step.timeoutMs);
    } else if (step.type === 'disarm') {
      deadlines.disarm(step.slot);
      model.disarm(step.slot);
    } else if (step.type === 'settle') {
      deadlines.settle();
      model.settle();
    } else if (step.type === 'advance') {
      host.advance(step.byMs);
    } else {
      leaping = true;
      host.leap(step.byMs);
      leaping = false;
    }
  }

  function check(): void {
    assert.equal(deadlines.armedCount, model.fresh.size + model.settled.size);
    for (let slot = 0; slot < SLOTS; slot++) {
      const armed = model.fresh.has(slot) || model.settled.has(slot);
      assert.equal(deadlines.isArmed(slot), armed, `isArmed(${slot})`);
    }
    const slackMs = early > 0 ? 2 : 0;
    for (const [slot, deadline] of model.settled) {
      assert.ok(Math.ceil(deadline) + slackMs > host.time, `slot ${slot} was lost`);
      assert.ok(deadlines.nextDeadlineMs <= Math.ceil(deadline), 'nextDeadlineMs is a lower bound');
    }
    if (deadlines.armedCount === 0) assert.equal(deadlines.nextDeadlineMs, Infinity);
    if (model.settled.size > 0) assert.equal(host.liveTimers, 1);
    assert.equal(host.setCount - host.clearCount - host.fireCount, host.liveTimers);
  }

  for (const step of actions) {
    apply(step);
    check();
  }
  // Nothing is lost: whatever is still armed fires once its time has come.
  deadlines.settle();
  model.settle();
  host.aroundFire = (fire) => {
    inExpiry.length = 0;
    fire();
  };
  host.advance(MAX_TIMEOUT_MS + 2);
  host.advance(MAX_TIMEOUT_MS + 2);
  assert.equal(model.settled.size, 0);
  assert.equal(deadlines.armedCount, 0);
  deadlines.close();
  assert.equal(host.liveTimers, 0);
}

describe('Deadlines against a model', () => {
  const start = fc.oneof(
    fc.double({ min: 0, max: 5_000, noNaN: true }),
    // Across the boundaries of 32 and of 31 bits, and of a whole turn of the wheel.
    fc.constantFrom(2 ** 30 - 3.5, 2 ** 31 - 20, 2 ** 32 - 1.25, 2 ** 35 + 0.5),
  );
  const steps = fc.array(action, { maxLength: 120, size: 'max' });
  const changes = fc.array(change, { maxLength: 40, size: 'max' });

  test('fires each timeout once, never early, at the tick after its deadline', () => {
    fc.assert(
      fc.property(start, steps, changes, (startMs, actions, inExpiry) => {
        runAgainstModel(startMs, actions, [...inExpiry], 0);
      }),
      { numRuns: 2_000 },
    );
  });

  test('fires each timeout once and never early on a host whose timers are early', () => {
    const early = fc.double({ min: 0.01, max: 0.99, noNaN: true });
    fc.assert(
      fc.property(start, steps, changes, early, (startMs, actions, inExpiry, earlyByMs) => {
        runAgainstModel(startMs, actions, [...inExpiry], earlyByMs);
      }),
      { numRuns: 1_000 },
    );
  });
});

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
    assert.throws(() => host.advance(5), (error) => {
      assert.ok(error instanceof AggregateError);
      assert.equal(error.errors.length, 2);
      return true;
    });
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
