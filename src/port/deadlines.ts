import { performance } from 'node:perf_hooks';
import { MAX_TIMEOUT_MS } from './limits.js';

/**
 * One more than the highest slot number. A slot costs 22 bytes whether armed or not, so this bounds
 * a stray slot number to a RangeError instead of an allocation of gigabytes.
 */
export const MAX_SLOTS = 2 ** 24;

/** The clock and the one timer that {@link Deadlines} needs of its surroundings. */
export interface DeadlineHost {
  /** Milliseconds since any fixed point, monotonic, fractions welcome. */
  now(): number;
  /** Calls `callback` once, `delayMs` (fractional, 0 to 2^30) from now. May be early or late. */
  setTimer(callback: () => void, delayMs: number): unknown;
  /** Forgets a timer that has not called back yet. */
  clearTimer(timer: unknown): void;
}

/** `performance.now()` and an unref'd `setTimeout`: never keeps the process alive by itself. */
export const systemHost: DeadlineHost = {
  now: () => performance.now(),
  // setTimeout drops fractions; rounding up saves a wake-up that would come before the tick.
  setTimer: (callback, delayMs) => setTimeout(callback, Math.ceil(delayMs)).unref(),
  clearTimer: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

export interface DeadlinesOptions {
  /** Called with each slot whose time has passed; the slot is disarmed by then. See `Deadlines`. */
  onExpire: (slot: number) => void;
  /** Default: {@link systemHost}. */
  host?: DeadlineHost;
  /** Slots to make room for at first, 1 to {@link MAX_SLOTS}; grows by itself. Default: 1024. */
  capacity?: number;
  /** Replaces the host's clock, for a caller that has one already. Same unit and same duties. */
  now?: () => number;
}

// Six levels of 32 buckets; a bucket of level n spans 32^n ticks of 1 ms. 32, so that the occupancy
// of a level is one machine word. Deadlines beyond the span wait in the farthest bucket.
const LEVELS = 6;
const LEVEL_BITS = 5;
const BUCKETS_PER_LEVEL = 1 << LEVEL_BITS;
const BUCKET_MASK = BUCKETS_PER_LEVEL - 1;
const SPAN_TICKS = 2 ** (LEVELS * LEVEL_BITS);

const NONE = -1;
const NO_BUCKET = 255;

// The state of a slot is a set of these.
const ARMED = 1;
// On the stack of slots that the next settle() stamps. Outlives ARMED, so that a slot that is armed
// and disarmed many times in a batch is on the stack once.
const FRESH = 2;
// Found expired and waiting for its onExpire call; arm() and disarm() both take this away.
const DUE = 4;

/**
 * The timeouts of any number of slots (small integers, such as indexes of operations) on one timer
 * of the host's. `arm` and `disarm` cost a few typed-array accesses each: they read no clock, touch
 * no list and allocate nothing. `settle`, once per batch of work, does the rest.
 *
 * A timeout never fires early: it counts from the `settle` after its `arm`. It fires in the first
 * run of the host timer after its deadline, which is asked for at the next whole millisecond of the
 * clock. Slots that expire in one run do so in no particular order.
 *
 * `onExpire` may arm and disarm any slot, its own included, and may close. A slot that expired in
 * the same run and is disarmed or armed anew before its own call is not called. What `onExpire`
 * arms is settled at the end of the run. If it throws, the others are still called; then the error,
 * or an AggregateError of several, is thrown into the host's timer callback.
 *
 * The structure is a hierarchical timing wheel (Varghese and Lauck, 1987), linked lazily: a linked
 * slot stays where it is when it is disarmed, or armed for a later time, and is dropped or moved
 * when its bucket comes due. So the cost of a list operation is paid once per timeout's length, not
 * once per message.
 *
 * @example
 * const deadlines = new Deadlines({ onExpire: (slot) => cancel(slot) });
 * deadlines.arm(7, 250);
 * deadlines.settle();
 */
export class Deadlines {
  readonly #onExpire: (slot: number) => void;
  readonly #host: DeadlineHost;
  readonly #now: () => number;

  // By slot. #times is the timeout while the slot is FRESH, the absolute deadline afterwards.
  #states: Uint8Array;
  #times: Float64Array;
  #next: Int32Array;
  #previous: Int32Array;
  #buckets: Uint8Array;

  #fresh: Int32Array;
  #freshCount = 0;
  #armedCount = 0;

  // By bucket. Everything in a bucket is due at the same tick: at the start of the bucket's span.
  readonly #heads = new Int32Array(LEVELS * BUCKETS_PER_LEVEL).fill(NONE);
  readonly #bucketTicks = new Float64Array(LEVELS * BUCKETS_PER_LEVEL);
  readonly #occupied = new Int32Array(LEVELS);

  // Every bucket that is due at or before #tick has been emptied, and none that is occupied is due
  // before #nextTick, which is a lower bound: unlinking does not raise it.
  #tick: number;
  #nextTick = Infinity;

  #timer: unknown;
  #timerTick = Infinity;
  #expiring = false;
  #closed = false;

  /** @throws RangeError (`ERR_OUT_OF_RANGE`) if `capacity` is no integer from 1 to MAX_SLOTS. */
  constructor(options: DeadlinesOptions) {
    const { onExpire, host = systemHost, capacity = 1024, now = () => host.now() } = options;
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > MAX_SLOTS) {
      throw outOfRange(`Cannot make room for ${capacity} deadlines: not from 1 to ${MAX_SLOTS}`);
    }
    this.#onExpire = onExpire;
    this.#host = host;
    this.#now = now;
    this.#states = new Uint8Array(capacity);
    this.#times = new Float64Array(capacity);
    this.#next = new Int32Array(capacity);
    this.#previous = new Int32Array(capacity);
    this.#buckets = new Uint8Array(capacity).fill(NO_BUCKET);
    this.#fresh = new Int32Array(capacity);
    this.#tick = Math.floor(now());
  }

  /**
   * Gives `slot` a timeout, in place of any that it has. It counts from the next {@link settle}
   * (or run of the host timer, if that comes first).
   *
   * @param slot - An integer from 0 to MAX_SLOTS - 1.
   * @param timeoutMs - Milliseconds, fractions allowed: finite, above 0. Clamped to
   * {@link MAX_TIMEOUT_MS}.
   * @throws RangeError (`ERR_OUT_OF_RANGE`) if either is out of range.
   * @throws Error (`ERR_INVALID_STATE`) after {@link close}: nothing would ever fire.
   */
  arm(slot: number, timeoutMs: number): void {
    if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS)) timeoutMs = clampTimeout(slot, timeoutMs);
    const state = this.#states[slot] ?? this.#admit(slot);
    if ((state & FRESH) === 0) this.#fresh[this.#freshCount++] = slot;
    if ((state & ARMED) === 0) this.#armedCount++;
    this.#times[slot] = timeoutMs;
    this.#states[slot] = ARMED | FRESH;
  }

  /** Takes the timeout of `slot` away. Does nothing if it has none, or is no slot at all. */
  disarm(slot: number): void {
    const state = this.#states[slot] ?? 0;
    if ((state & ARMED) === 0) return;
    this.#armedCount--;
    this.#states[slot] = state & FRESH;
  }

  /** Whether `slot` has a timeout that has neither been taken away nor led to its `onExpire`. */
  isArmed(slot: number): boolean {
    return ((this.#states[slot] ?? 0) & ARMED) !== 0;
  }

  /**
   * Starts the clock of everything armed since the last call, at one reading, and sees to the host
   * timer. To be called at the end of each batch of work, such as a callback of the host's: what
   * comes between an `arm` and its `settle` lengthens the timeout. Costs nothing if nothing was
   * armed. Within `onExpire` it does nothing, because that batch ends by itself.
   */
  settle(): void {
    if (this.#freshCount === 0 || this.#expiring) return;
    // If all of it has been disarmed since, it only has to be forgotten, and any time will do.
    const now = this.#armedCount === 0 ? this.#tick : this.#now();
    this.#stamp(now);
    this.#setTimer(now);
  }

  /** How many slots are armed, settled or not. */
  get armedCount(): number {
    return this.#armedCount;
  }

  /**
   * When the host timer next has something to do, on the host's clock, in milliseconds; Infinity if
   * no settled slot is armed. No settled deadline, rounded up to a whole millisecond, is before it.
   * It may be well before the earliest: far deadlines are kept coarsely, and disarmed ones lazily.
   */
  get nextDeadlineMs(): number {
    return this.#armedCount === 0 ? Infinity : this.#nextTick;
  }

  /** Disarms everything, gives the memory back and clears the host timer. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#clearTimer();
    this.#armedCount = 0;
    this.#freshCount = 0;
    this.#occupied.fill(0);
    this.#nextTick = Infinity;
    // Without slots, arm() takes its slow path, which is where it looks whether this is closed.
    this.#states = new Uint8Array(0);
    this.#times = new Float64Array(0);
    this.#next = new Int32Array(0);
    this.#previous = new Int32Array(0);
    this.#buckets = new Uint8Array(0);
    this.#fresh = new Int32Array(0);
  }

  /** Makes room for a slot that is not there yet, and returns its state. */
  #admit(slot: number): number {
    if (!Number.isInteger(slot) || slot < 0 || slot >= MAX_SLOTS) {
      throw outOfRange(`Cannot arm slot ${slot}: no integer from 0 to ${MAX_SLOTS - 1}`);
    }
    if (this.#closed) {
      const error = new Error(`Cannot arm slot ${slot}: the deadlines are closed`);
      throw Object.assign(error, { code: 'ERR_INVALID_STATE' });
    }
    const capacity = Math.min(MAX_SLOTS, Math.max(slot + 1, this.#states.length * 2));
    const buckets = new Uint8Array(capacity).fill(NO_BUCKET);
    buckets.set(this.#buckets);
    this.#buckets = buckets;
    this.#states = copyInto(new Uint8Array(capacity), this.#states);
    this.#times = copyInto(new Float64Array(capacity), this.#times);
    this.#next = copyInto(new Int32Array(capacity), this.#next);
    this.#previous = copyInto(new Int32Array(capacity), this.#previous);
    this.#fresh = copyInto(new Int32Array(capacity), this.#fresh);
    return 0;
  }

  /** Turns the timeouts of the fresh slots into deadlines, and links those that need it. */
  #stamp(now: number): void {
    // Nothing is due up to here, so the wheel may stand here: deltas stay small and buckets fine.
    this.#tick = Math.max(this.#tick, Math.min(Math.floor(now), this.#nextTick - 1));
    const states = this.#states;
    const fresh = this.#fresh;
    const times = this.#times;
    const buckets = this.#buckets;
    const bucketTicks = this.#bucketTicks;
    const count = this.#freshCount;
    for (let i = 0; i < count; i++) {
      const slot = fresh[i] as number;
      const state = (states[slot] as number) & ARMED;
      states[slot] = state;
      if (state === 0) continue;
      const deadline = now + (times[slot] as number);
      times[slot] = deadline;
      // Rounded up: the first tick that begins at or after the deadline.
      const tick = Math.ceil(deadline);
      const bucket = buckets[slot] as number;
      if (bucket !== NO_BUCKET) {
        if ((bucketTicks[bucket] as number) <= tick) continue;
        this.#unlink(slot, bucket);
      }
      this.#link(slot, tick);
    }
    this.#freshCount = 0;
  }

  /** Links a slot in the finest bucket for `tick`, which is due at that tick or before. */
  #link(slot: number, tick: number): void {
    const delta = Math.min(Math.max(tick - this.#tick, 1), SPAN_TICKS - 1);
    const level = Math.trunc((31 - Math.clz32(delta)) / LEVEL_BITS);
    const width = 1 << (level * LEVEL_BITS);
    const ordinal = Math.floor((this.#tick + delta) / width);
    const index = ordinal & BUCKET_MASK;
    const bucket = level * BUCKETS_PER_LEVEL + index;
    const bucketTick = ordinal * width;

    const head = this.#heads[bucket] as number;
    if (head !== NONE) this.#previous[head] = slot;
    this.#previous[slot] = NONE;
    this.#next[slot] = head;
    this.#buckets[slot] = bucket;
    this.#heads[bucket] = slot;
    this.#bucketTicks[bucket] = bucketTick;
    this.#occupied[level] = (this.#occupied[level] as number) | (1 << index);
    if (bucketTick < this.#nextTick) this.#nextTick = bucketTick;
  }

  #unlink(slot: number, bucket: number): void {
    const next = this.#next[slot] as number;
    const previous = this.#previous[slot] as number;
    if (next !== NONE) this.#previous[next] = previous;
    if (previous !== NONE) this.#next[previous] = next;
    else this.#heads[bucket] = next;
    this.#buckets[slot] = NO_BUCKET;
    if (this.#heads[bucket] === NONE) this.#vacate(bucket);
  }

  #vacate(bucket: number): void {
    const level = bucket >> LEVEL_BITS;
    this.#heads[bucket] = NONE;
    this.#occupied[level] = (this.#occupied[level] as number) & ~(1 << (bucket & BUCKET_MASK));
  }

  /** The occupied bucket that is due first, or NONE: one look at each level's bitmap. */
  #earliestBucket(): number {
    let earliest = NONE;
    let earliestTick = Infinity;
    for (let level = 0; level < LEVELS; level++) {
      const word = this.#occupied[level] as number;
      if (word === 0) continue;
      // Turned so that the bucket after the present one is bit 0: a level is a ring in which
      // everything is due after #tick, by one turn at most.
      const start = (Math.floor(this.#tick / (1 << (level * LEVEL_BITS))) + 1) & BUCKET_MASK;
      const turned = (word >>> start) | (word << (BUCKETS_PER_LEVEL - start));
      const first = 31 - Math.clz32(turned & -turned);
      const bucket = level * BUCKETS_PER_LEVEL + ((start + first) & BUCKET_MASK);
      const tick = this.#bucketTicks[bucket] as number;
      if (tick < earliestTick) {
        earliestTick = tick;
        earliest = bucket;
      }
    }
    return earliest;
  }

  /**
   * Empties every bucket that is due and moves the wheel to `now`, however far, in time that
   * depends on what was in those buckets only. Returns the expired slots, chained by #next.
   */
  #collect(now: number): number {
    const tick = Math.floor(now);
    let due = NONE;
    let later = NONE;
    let bucket = NONE;
    while (this.#nextTick <= tick) {
      bucket = this.#earliestBucket();
      this.#nextTick = bucket === NONE ? Infinity : (this.#bucketTicks[bucket] as number);
      if (this.#nextTick > tick) break;
      let slot = this.#heads[bucket] as number;
      this.#vacate(bucket);
      while (slot !== NONE) {
        const next = this.#next[slot] as number;
        this.#buckets[slot] = NO_BUCKET;
        if (this.#states[slot] === ARMED) {
          if ((this.#times[slot] as number) <= now) {
            this.#states[slot] = ARMED | DUE;
            this.#next[slot] = due;
            due = slot;
          } else {
            this.#next[slot] = later;
            later = slot;
          }
        }
        slot = next;
      }
    }
    this.#tick = Math.max(this.#tick, tick);
    while (later !== NONE) {
      const next = this.#next[later] as number;
      this.#link(later, Math.ceil(this.#times[later] as number));
      later = next;
    }
    return due;
  }

  // The host may call before the time it was asked for (setTimeout does, by up to 1 ms of
  // performance.now()); then nothing is due yet and the timer is set again for the rest.
  readonly #onTimer = (): void => {
    if (this.#closed) return;
    this.#timer = undefined;
    this.#timerTick = Infinity;
    const now = this.#now();
    // A fresh slot that is linked already has no deadline to compare yet, so it gets one first.
    if (this.#freshCount > 0) this.#stamp(now);
    const due = this.#collect(now);
    if (due === NONE) {
      this.#setTimer(now);
      return;
    }
    const errors = this.#expire(due);
    if (this.#armedCount > 0) {
      const later = this.#now();
      this.#stamp(later);
      this.#setTimer(later);
    }
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, 'Several deadlines failed to expire');
  };

  /** Calls onExpire for a chain of slots, and returns what it threw. */
  #expire(first: number): unknown[] {
    const errors: unknown[] = [];
    // While this is set, nothing is linked: the chain shares #next with the buckets.
    this.#expiring = true;
    let slot = first;
    while (slot !== NONE && !this.#closed) {
      const next = this.#next[slot] as number;
      if (((this.#states[slot] as number) & DUE) !== 0) {
        this.disarm(slot);
        try {
          this.#onExpire(slot);
        } catch (error) {
          errors.push(error);
        }
      }
      slot = next;
    }
    this.#expiring = false;
    return errors;
  }

  /** Asks the host for a call at #nextTick, unless it is going to call by then anyway. */
  #setTimer(now: number): void {
    if (this.#armedCount === 0 || this.#nextTick >= this.#timerTick) return;
    this.#clearTimer();
    this.#timer = this.#host.setTimer(this.#onTimer, Math.max(0, this.#nextTick - now));
    this.#timerTick = this.#nextTick;
  }

  #clearTimer(): void {
    if (this.#timerTick === Infinity) return;
    this.#host.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#timerTick = Infinity;
  }
}

/** The timeout to use for one that is not within range; throws if there is none. */
function clampTimeout(slot: number, timeoutMs: number): number {
  if (timeoutMs > MAX_TIMEOUT_MS && timeoutMs !== Infinity) return MAX_TIMEOUT_MS;
  throw outOfRange(`Cannot arm slot ${slot}: timeoutMs is ${timeoutMs}, not finite and above 0`);
}

function outOfRange(message: string): RangeError {
  return Object.assign(new RangeError(message), { code: 'ERR_OUT_OF_RANGE' });
}

function copyInto<T extends Uint8Array | Float64Array | Int32Array>(target: T, source: T): T {
  target.set(source);
  return target;
}
