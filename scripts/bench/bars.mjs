// What the library promises of its speed, and whether the figures keep it.

/**
 * @typedef {object} Bar `subject`'s metric divided by `against`'s
 * @property {string} scenario
 * @property {string} subject
 * @property {string} metric
 * @property {string} against
 * @property {number} [atLeast]
 * @property {number} [atMost]
 */

/**
 * @typedef {object} Verdict
 * @property {string} scenario
 * @property {string} promise
 * @property {'reached' | 'missed' | 'not measured'} verdict
 * @property {string} found the ratio and its two figures, or why there is none
 */

const URING = 'overlapped-uring';
const READINESS = 'overlapped-readiness';
const IOCP = 'overlapped-iocp';

/** @param {string} scenario @returns {Bar[]} */
function tcpBars(scenario) {
  return [
    { scenario, subject: URING, metric: 'throughput', against: 'node', atLeast: 1.4 },
    { scenario, subject: URING, metric: 'cpuUs', against: 'node', atMost: 0.7 },
    { scenario, subject: URING, metric: 'cpuUs', against: 'c-epoll', atMost: 1.15 },
    { scenario, subject: READINESS, metric: 'cpuUs', against: 'node', atMost: 0.8 },
  ];
}

const NET = 'net-uring';

/** @type {Bar[]} */
const NET_BARS = [
  { scenario: 'tcp-64', subject: NET, metric: 'throughput', against: 'node', atLeast: 1.35 },
  { scenario: 'tcp-64', subject: NET, metric: 'cpuUs', against: 'node', atMost: 0.75 },
  { scenario: 'tcp-1000', subject: NET, metric: 'throughput', against: 'node', atLeast: 1.35 },
  { scenario: 'tcp-1000', subject: NET, metric: 'cpuUs', against: 'node', atMost: 0.75 },
  { scenario: 'stream', subject: NET, metric: 'mebibytesPerSecond', against: 'node', atLeast: 1 },
  { scenario: 'idle', subject: NET, metric: 'collectedBytesPerConnection', against: 'node', atMost: 0.6 },
  { scenario: 'cycles', subject: NET, metric: 'cyclesPerSecond', against: 'node', atLeast: 1 },
];

/** @type {Bar[]} */
const BARS = [
  ...NET_BARS,
  ...tcpBars('tcp-64'),
  ...tcpBars('tcp-1000'),
  { scenario: 'udp', subject: URING, metric: 'throughput', against: 'node', atLeast: 2.5 },
  { scenario: 'udp', subject: URING, metric: 'cpuUs', against: 'node', atMost: 0.4 },
  { scenario: 'udp', subject: URING, metric: 'cpuUs', against: 'c-mmsg', atMost: 1.25 },
  { scenario: 'tick', subject: URING, metric: 'cpuShare', against: 'node', atMost: 0.6 },
  { scenario: 'idle', subject: URING, metric: 'collectedBytesPerConnection', against: 'node', atMost: 0.3 },
  { scenario: 'latency', subject: URING, metric: 'p50Us', against: 'node', atMost: 1 },
  {
    scenario: 'deadlines',
    subject: 'overlapped',
    metric: 'extraNs',
    against: 'node',
    atMost: 0.25,
  },
  { scenario: 'wine-64', subject: IOCP, metric: 'throughput', against: 'node', atLeast: 1 },
  { scenario: 'wine-64', subject: IOCP, metric: 'totalUs', against: 'node', atMost: 1 },
  { scenario: 'wine-1000', subject: IOCP, metric: 'throughput', against: 'node', atLeast: 1 },
];

/** @param {number} value */
function perSecond(value) {
  return value >= 10_000 ? `${Math.round(value / 1000)}k/s` : `${Math.round(value)}/s`;
}

/** @type {Record<string, { name: string, text: (value: number) => string }>} */
const METRICS = {
  throughput: { name: 'messages/s', text: perSecond },
  cpuUs: { name: 'CPU per message', text: (value) => `${value.toFixed(2)} µs` },
  totalUs: { name: 'CPU per message, wineserver included', text: (value) => `${value.toFixed(0)} µs` },
  cpuShare: { name: 'CPU', text: (value) => `${(value * 100).toFixed(1)}%` },
  bytesPerConnection: {
    name: 'memory per connection',
    text: (value) => `${(value / 1024).toFixed(2)} KB`,
  },
  p50Us: { name: 'p50 latency', text: (value) => `${value.toFixed(1)} µs` },
  collectedBytesPerConnection: {
    name: 'memory per connection',
    text: (value) => `${(value / 1024).toFixed(2)} KB`,
  },
  mebibytesPerSecond: { name: 'MiB/s', text: (value) => `${value.toFixed(0)} MiB/s` },
  cyclesPerSecond: { name: 'cycles/s', text: (value) => `${value.toFixed(0)}/s` },
  extraNs: { name: 'time per arm and disarm', text: (value) => `${value.toFixed(1)} ns` },
};

/**
 * @param {Bar} bar
 * @param {import('./measure.mjs').ScenarioResult[]} results
 * @returns {Verdict}
 */
function judge({ scenario, subject, metric, against, atLeast, atMost }, results) {
  const rows = results.find((result) => result.id === scenario)?.contenders ?? [];
  const [ours, theirs] = [subject, against].map((id) => rows.find((row) => row.id === id));
  const { name, text } = METRICS[metric] ?? { name: metric, text: String };
  const limit = atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
  const promise = `${ours?.label ?? subject}: ${name} ${limit} × ${theirs?.label ?? against}`;
  if (!ours || !theirs) return { scenario, promise, verdict: 'not measured', found: 'not run' };
  const missing = [ours, theirs].find((row) => row.median[metric] === undefined);
  if (missing) {
    const found = `${missing.label}: ${missing.reasons[0] ?? 'no figure'}`;
    return { scenario, promise, verdict: 'not measured', found };
  }
  const [mine, other] = [ours.median[metric] ?? NaN, theirs.median[metric] ?? NaN];
  const ratio = mine / other;
  // A contender with a failed run has not kept any promise, whatever its other runs say.
  const kept = atLeast === undefined ? ratio <= (atMost ?? NaN) : ratio >= atLeast;
  const reached = kept && ours.status === 'measured';
  const note = ours.status === 'failed' ? ', but a run failed' : '';
  const found = `${ratio.toFixed(2)} (${text(mine)} to ${text(other)})${note}`;
  return { scenario, promise, verdict: reached ? 'reached' : 'missed', found };
}

/** @param {import('./measure.mjs').ScenarioResult[]} results */
export function judgeAll(results) {
  return BARS.map((bar) => judge(bar, results));
}
