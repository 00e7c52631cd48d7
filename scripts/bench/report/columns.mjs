// The columns of each kind of table.
import { spread } from '../statistics.mjs';

/** @typedef {import('../measure.mjs').ContenderResult} Row */
/** @typedef {import('../measure.mjs').ScenarioResult} ScenarioResult */
/** @typedef {{ name: string, text: (row: Row, scenario: ScenarioResult) => string }} Column */

/** Stands for a figure that does not exist. */
const NONE = '–';

/** @param {number | undefined} value @param {(value: number) => string} text */
function show(value, text) {
  return value === undefined || !Number.isFinite(value) ? NONE : text(value);
}

/** @param {number} digits @returns {(value: number) => string} */
function fixed(digits) {
  return (value) => value.toFixed(digits);
}

/** @param {number} value */
function percent(value) {
  return `${(value * 100).toFixed(1)}%`;
}

/** @param {number} us @returns {string} with about three digits, whatever its size */
function duration(us) {
  if (us >= 10_000) return `${(us / 1000).toFixed(1)} ms`;
  if (us >= 1000) return `${(us / 1000).toFixed(2)} ms`;
  return `${us.toFixed(us >= 100 ? 0 : 1)} µs`;
}

/** @param {number} bytes */
function kilobytes(bytes) {
  return `${(bytes / 1024).toFixed(2)} KB`;
}

/**
 * @param {string} name
 * @param {string} metric
 * @param {(value: number) => string} text
 * @returns {Column}
 */
function metric(name, metric, text) {
  return { name, text: (row) => show(row.median[metric], text) };
}

/**
 * @param {string} name
 * @param {string} metric
 * @param {string} against the id of a contender
 * @returns {Column}
 */
function ratio(name, metric, against) {
  return {
    name,
    text: (row, { contenders }) => {
      const other = contenders.find(({ id }) => id === against);
      const value = (row.median[metric] ?? NaN) / (other?.median[metric] ?? NaN);
      return show(value, (each) => `${each.toFixed(2)}×`);
    },
  };
}

/** @param {string} metric @returns {Column} */
function spreadOf(metric) {
  return {
    name: 'spread',
    text: (row) => (row.rounds.length < 2 ? NONE : show(spread(row.rounds, metric), percent)),
  };
}

const CPU_COLUMNS = [metric('CPU µs/msg', 'cpuUs', fixed(2)), metric('of it user', 'userUs', fixed(2))];
const LATENCY_COLUMNS = [metric('p50', 'p50Us', duration), metric('p99', 'p99Us', duration)];

/** @type {Record<ScenarioResult['run'], Column[]>} */
const COLUMNS = {
  'tcp-echo': [
    metric('msg/s', 'throughput', (value) => Math.round(value).toLocaleString('en')),
    ...CPU_COLUMNS,
    ...LATENCY_COLUMNS,
    metric('starved', 'starved', fixed(0)),
    ratio('msg/s to Node', 'throughput', 'node'),
    ratio('CPU to Node', 'cpuUs', 'node'),
    ratio('CPU to C epoll', 'cpuUs', 'c-epoll'),
    spreadOf('cpuUs'),
    metric('server busy', 'cpuShare', percent),
    metric('load busy', 'loadBusy', percent),
  ],
  'udp-echo': [
    metric('datagrams/s', 'throughput', (value) => Math.round(value).toLocaleString('en')),
    ...CPU_COLUMNS,
    ...LATENCY_COLUMNS,
    metric('lost', 'lost', fixed(0)),
    ratio('datagrams/s to Node', 'throughput', 'node'),
    ratio('CPU to Node', 'cpuUs', 'node'),
    ratio('CPU to C recvmmsg', 'cpuUs', 'c-mmsg'),
    spreadOf('cpuUs'),
    metric('server busy', 'cpuShare', percent),
    metric('load busy', 'loadBusy', percent),
  ],
  wine: [
    metric('msg/s', 'throughput', (value) => Math.round(value).toLocaleString('en')),
    metric('CPU µs/msg', 'cpuUs', fixed(0)),
    metric('wineserver µs/msg', 'wineserverUs', fixed(0)),
    ...LATENCY_COLUMNS,
    metric('starved', 'starved', fixed(0)),
    ratio('msg/s to Node', 'throughput', 'node'),
    ratio('both CPUs to Node', 'totalUs', 'node'),
    spreadOf('throughput'),
    metric('load busy', 'loadBusy', percent),
  ],
  tick: [
    metric('CPU of one core', 'cpuShare', percent),
    metric('of it user', 'userShare', percent),
    metric('ticks delivered', 'delivered', percent),
    metric('gap p50', 'p50Us', duration),
    metric('gap p99', 'p99Us', duration),
    ratio('CPU to Node', 'cpuShare', 'node'),
    ratio('CPU to C send loop', 'cpuShare', 'c-epoll'),
    spreadOf('cpuShare'),
  ],
  idle: [
    metric('connections', 'connections', fixed(0)),
    metric('per connection', 'bytesPerConnection', kilobytes),
    metric('right after opening', 'openedBytesPerConnection', kilobytes),
    metric('after a full GC', 'collectedBytesPerConnection', kilobytes),
    metric('resident before', 'residentBefore', (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MB`),
    metric('resident after', 'residentAfter', (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MB`),
    ratio('to Node', 'bytesPerConnection', 'node'),
    ratio('to Node right after', 'openedBytesPerConnection', 'node'),
    ratio('to Node after GC', 'collectedBytesPerConnection', 'node'),
    spreadOf('bytesPerConnection'),
  ],
  stream: [
    metric('MiB/s', 'mebibytesPerSecond', fixed(0)),
    metric('CPU s/stream', 'cpuSecondsPerStream', fixed(3)),
    ratio('MiB/s to Node', 'mebibytesPerSecond', 'node'),
    ratio('CPU to Node', 'cpuSecondsPerStream', 'node'),
    spreadOf('cpuSecondsPerStream'),
  ],
  cycles: [
    metric('cycles/s', 'cyclesPerSecond', fixed(0)),
    metric('CPU µs/cycle', 'cpuUs', fixed(1)),
    metric('descriptors left', 'leftDescriptors', fixed(0)),
    metric('memory grown/cycle', 'grownBytesPerCycle', (bytes) => `${bytes.toFixed(0)} B`),
    ratio('cycles/s to Node', 'cyclesPerSecond', 'node'),
    ratio('CPU to Node', 'cpuUs', 'node'),
    spreadOf('cpuUs'),
  ],
  deadlines: [
    metric('arm + disarm one more', 'extraNs', (ns) => `${ns.toFixed(1)} ns`),
    metric('disarm + arm a random one', 'rearmNs', (ns) => `${ns.toFixed(1)} ns`),
    ratio('one more to Node', 'extraNs', 'node'),
    ratio('random to Node', 'rearmNs', 'node'),
    spreadOf('extraNs'),
  ],
};

/** @param {ScenarioResult['run']} run */
export function columnsFor(run) {
  return COLUMNS[run];
}
