import assert from 'node:assert/strict';
import { type DeadlineHost, Deadlines } from '../../src/port/deadlines.js';
import { MAX_TIMEOUT_MS } from '../../src/port/limits.js';

export const DAY_MS = 86_400_000;

/** A clock that moves when told, and timers that fire exactly on time, early or late, as told. */
export class FakeHost implements DeadlineHost {
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

export function recorder(host: DeadlineHost, capacity = 8) {
  const fired: number[] = [];
  const deadlines = new Deadlines({ onExpire: (slot) => fired.push(slot), host, capacity });
  return { deadlines, fired };
}

export type Action =
  | { type: 'arm'; slot: number; timeoutMs: number }
  | { type: 'disarm'; slot: number }
  | { type: 'settle' }
  | { type: 'advance'; byMs: number }
  | { type: 'leap'; byMs: number };
