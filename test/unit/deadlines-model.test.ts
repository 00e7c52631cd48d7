import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Deadlines } from '../../src/port/deadlines.js';
import { MAX_TIMEOUT_MS } from '../../src/port/limits.js';

import { type Action, FakeHost } from '../support/fake-deadline-host.js';

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
