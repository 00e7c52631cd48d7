// The measured window of the load generators in Node: `struct window` of c/bench.h.
import { readFileSync } from 'node:fs';

// USER_HZ, which is 100 on every architecture that Node runs on.
const TICKS_PER_SECOND = 100;
// Buckets of 1.5%, from 1 µs up.
const BUCKETS_PER_E = 64;
const BUCKETS = 2048;

const latencies = new Float64Array(BUCKETS);
let replies = 0;
let counted = 0;
let lost = 0;
let serverPid = 0;
let start = 0;
let selfStart = process.cpuUsage();
let serverStart = [0, 0];

/** @param {number} pid @returns {[number, number]} user and system seconds */
function cpuOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return [Number(fields[11]) / TICKS_PER_SECOND, Number(fields[12]) / TICKS_PER_SECOND];
}

/**
 * @param {number} latencyMs 0 if this one has none
 * @param {number} [amount] messages, or whatever the window counts
 */
export function countReply(latencyMs, amount = 1) {
  counted += amount;
  if (latencyMs <= 0) return;
  const bucket = Math.round(Math.log(latencyMs * 1000) * BUCKETS_PER_E);
  const index = Math.min(BUCKETS - 1, Math.max(0, bucket));
  latencies[index] = (latencies[index] ?? 0) + 1;
  replies += 1;
}

export function countLost() {
  lost += 1;
}

/** @param {number} pid of the server */
export function openWindow(pid) {
  latencies.fill(0);
  replies = counted = lost = 0;
  serverPid = pid;
  selfStart = process.cpuUsage();
  serverStart = cpuOf(pid);
  start = performance.now();
}

/** @param {number} percent */
function percentileUs(percent) {
  let seen = 0;
  for (let index = 0; index < BUCKETS; index++) {
    seen += latencies[index] ?? 0;
    if (seen > (replies * percent) / 100) return Math.exp(index / BUCKETS_PER_E);
  }
  return 0;
}

/** @param {(counted: number) => number} toMessages */
export function closeWindow(toMessages = (messages) => messages) {
  const seconds = (performance.now() - start) / 1000;
  const [user, system] = cpuOf(serverPid);
  const self = process.cpuUsage(selfStart);
  console.log(
    JSON.stringify({
      messages: toMessages(counted),
      seconds,
      lost,
      // Not counted here.
      starved: 0,
      userSeconds: user - (serverStart[0] ?? 0),
      systemSeconds: system - (serverStart[1] ?? 0),
      loadBusy: (self.user + self.system) / 1e6 / seconds,
      p50Us: percentileUs(50),
      p90Us: percentileUs(90),
      p99Us: percentileUs(99),
      p999Us: percentileUs(99.9),
    }),
  );
}
