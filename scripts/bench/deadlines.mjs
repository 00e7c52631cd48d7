// deadlines.mjs deadlines|timers ARMED: what it costs to arm and disarm one deadline while
// ARMED others are armed. Prints the median nanoseconds of a pair as JSON. No IO, and one
// process for each contender.
import { median } from './statistics.mjs';

const TIMEOUT_MS = 30_000;
// One turn of an event loop handles about as many completions; `settle` is due once a turn.
const BATCH = 64;
const BATCHES_PER_SAMPLE = 2000;
const WARMUP_SAMPLES = 3;
const SAMPLES = 9;

/**
 * @typedef {object} Subject
 * @property {(slot: number) => void} arm
 * @property {(slot: number) => void} disarm
 * @property {() => void} settle
 * @property {() => void} close
 */

function unexpected() {
  throw new Error('a deadline expired during the benchmark');
}

/** @param {number} slots @returns {Promise<Subject>} */
async function librarySubject(slots) {
  const { Deadlines } = await import(new URL('../../dist/src/port/deadlines.js', import.meta.url).href);
  const deadlines = new Deadlines({ capacity: slots, onExpire: unexpected });
  return {
    arm: (slot) => deadlines.arm(slot, TIMEOUT_MS),
    disarm: (slot) => deadlines.disarm(slot),
    settle: () => deadlines.settle(),
    close: () => {},
  };
}

/** @param {number} slots @returns {Subject} */
function timersSubject(slots) {
  /** @type {(NodeJS.Timeout | undefined)[]} */
  const timers = new Array(slots).fill(undefined);
  return {
    arm: (slot) => {
      timers[slot] = setTimeout(unexpected, TIMEOUT_MS);
    },
    disarm: (slot) => clearTimeout(timers[slot]),
    settle: () => {},
    close: () => {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

/** The same pseudo-random walk over the slots for both contenders. @param {number} armed */
function randomSlots(armed) {
  let state = 12_345;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * armed);
  };
}

/** One more deadline, armed and then disarmed after the settle in between. */
function extraPairs(/** @type {Subject} */ subject, /** @type {number} */ armed) {
  for (let batch = 0; batch < BATCHES_PER_SAMPLE; batch++) {
    for (let i = 0; i < BATCH; i++) subject.arm(armed + i);
    subject.settle();
    for (let i = 0; i < BATCH; i++) subject.disarm(armed + i);
  }
}

/** What a server does: of the armed ones, whichever has traffic is disarmed and armed again. */
function rearmPairs(/** @type {Subject} */ subject, /** @type {number} */ armed) {
  const next = randomSlots(armed);
  for (let batch = 0; batch < BATCHES_PER_SAMPLE; batch++) {
    for (let i = 0; i < BATCH; i++) {
      const slot = next();
      subject.disarm(slot);
      subject.arm(slot);
    }
    subject.settle();
  }
}

/** @param {() => void} sample @returns {number} nanoseconds a pair */
function measure(sample) {
  const times = [];
  for (let i = 0; i < WARMUP_SAMPLES + SAMPLES; i++) {
    const start = performance.now();
    sample();
    times.push(((performance.now() - start) * 1e6) / (BATCHES_PER_SAMPLE * BATCH));
  }
  return median(times.slice(WARMUP_SAMPLES));
}

const [kind, armedText] = process.argv.slice(2);
const armed = Number(armedText);
const subject = kind === 'timers' ? timersSubject(armed + BATCH) : await librarySubject(armed + BATCH);
for (let slot = 0; slot < armed; slot++) subject.arm(slot);
subject.settle();
const extraNs = measure(() => extraPairs(subject, armed));
const rearmNs = measure(() => rearmPairs(subject, armed));
console.log(JSON.stringify({ extraNs, rearmNs }));
subject.close();
