// How each kind of scenario is run once, and which metrics come out.
import { setTimeout as delay } from 'node:timers/promises';
import { Child, RunFailure } from '../child.mjs';
import { keepWine } from '../wine.mjs';
import { openDescriptors, residentBytes, runLoad, startLoad, withServer } from './server.mjs';

/** @typedef {import('../contenders.mjs').Contender} Contender */
/** @typedef {import('../scenarios.mjs').Scenario} Scenario */
/** @typedef {import('../statistics.mjs').Metrics} Metrics */
/** @typedef {import('./server.mjs').Context} Context */
/**
 * @typedef {(
 *   context: Context, scenario: Scenario, contender: Contender,
 * ) => Promise<Metrics>} Run
 */

// A tick server that falls behind is cheaper than one that does not.
const LEAST_DELIVERED = 0.97;
const HOLD_TIMEOUT_MS = 60_000;
const COLLECT_TIMEOUT_MS = 10_000;
// The server may still be settling promises of the last echo when the client has its reply.
const SETTLE_MS = 1000;
const IDLE_MS = 20_000;
const DEADLINES_TIMEOUT_MS = 120_000;
const STREAM_TIMEOUT_MS = 120_000;
const CYCLE_CLIENTS = 8;

/** @param {import('./server.mjs').LoadResult} result @returns {Metrics} */
function messageMetrics(result) {
  const { messages, seconds, userSeconds, systemSeconds } = result;
  if (messages === 0) throw new RunFailure('load: not one reply in the measured window');
  return {
    throughput: messages / seconds,
    cpuUs: ((userSeconds + systemSeconds) / messages) * 1e6,
    userUs: (userSeconds / messages) * 1e6,
    cpuShare: (userSeconds + systemSeconds) / seconds,
    userShare: userSeconds / seconds,
    p50Us: result.p50Us,
    p90Us: result.p90Us,
    p99Us: result.p99Us,
    p999Us: result.p999Us,
    lost: result.lost,
    starved: result.starved,
    loadBusy: result.loadBusy,
  };
}

/** @type {Run} */
function tcpEcho(context, { connections, bytes }, contender) {
  return withServer(context, contender, [], async ({ port, pid }) =>
    messageMetrics(await runLoad(context, 'tcp-load', [port, connections, bytes], pid)),
  );
}

/** @type {Run} */
async function wineEcho(context, { connections, bytes }, contender) {
  const wineserver = await keepWine(context.pinning?.server);
  return withServer(context, contender, [], async ({ port, pid }) => {
    const result = await runLoad(context, 'tcp-load', [port, connections, bytes], pid, wineserver);
    const metrics = messageMetrics(result);
    const wineserverUs = ((result.helperSeconds ?? NaN) / result.messages) * 1e6;
    return { ...metrics, wineserverUs, totalUs: metrics.cpuUs + wineserverUs };
  });
}

/** @type {Run} */
function udpEcho(context, { connections, inFlight = 1, bytes }, contender) {
  return withServer(context, contender, [], async ({ port, pid }) =>
    messageMetrics(await runLoad(context, 'udp-load', [port, connections, inFlight, bytes], pid)),
  );
}

/** @type {Run} */
function tick(context, { connections, bytes, hz = 60 }, contender) {
  return withServer(context, contender, [`${connections}`, `${hz}`], async ({ port, pid }) => {
    const args = [port, connections, bytes];
    const metrics = messageMetrics(await runLoad(context, 'tcp-tick-client', args, pid));
    const delivered = (metrics.throughput ?? 0) / (connections * hz);
    if (delivered < LEAST_DELIVERED) {
      throw new RunFailure(`server: only ${(delivered * 100).toFixed(1)}% of the ticks arrived`);
    }
    return { ...metrics, delivered };
  });
}

/** @type {Run} */
function idle(context, scenario, contender) {
  const connections = context.options.quick
    ? (scenario.quickConnections ?? scenario.connections)
    : scenario.connections;
  return withServer(context, contender, [], async ({ child, port, pid }) => {
    const before = residentBytes(pid);
    const load = startLoad(context, 'tcp-idle', [port, connections, scenario.bytes]);
    try {
      await load.line(/^held \d+$/, HOLD_TIMEOUT_MS);
      await delay(SETTLE_MS);
      const opened = residentBytes(pid);
      // V8 gives the memory that the opening took back only once the program has idled for a while.
      await delay(IDLE_MS);
      const after = residentBytes(pid);
      let collected = NaN;
      if (contender.collects) {
        child.signal('SIGUSR2');
        await child.line(/^collected$/, COLLECT_TIMEOUT_MS);
        collected = residentBytes(pid);
      }
      load.endInput();
      return {
        bytesPerConnection: (after - before) / connections,
        openedBytesPerConnection: (opened - before) / connections,
        collectedBytesPerConnection: (collected - before) / connections,
        residentBefore: before,
        residentAfter: after,
        connections,
      };
    } finally {
      await load.stop();
    }
  });
}

/** @type {Run} */
function stream(context, { bytes }, contender) {
  const rounds = context.options.quick ? 3 : 10;
  return withServer(context, contender, [], async ({ port, pid }) => {
    const load = startLoad(context, 'tcp-stream', [port, bytes / 2 ** 20, rounds, pid]);
    try {
      const [json] = await load.line(/^\{.*\}$/, STREAM_TIMEOUT_MS);
      return JSON.parse(json);
    } finally {
      await load.stop();
    }
  });
}

/** @type {Run} */
function cycles(context, scenario, contender) {
  const count = context.options.quick ? (scenario.quickConnections ?? scenario.connections) : scenario.connections;
  return withServer(context, contender, [], async ({ port, pid }) => {
    const cycle = async () => {
      const load = startLoad(context, 'tcp-cycles', [port, count, CYCLE_CLIENTS, scenario.bytes, pid]);
      try {
        const [json] = await load.line(/^\{.*\}$/, STREAM_TIMEOUT_MS);
        return JSON.parse(json);
      } finally {
        await load.stop();
      }
    };
    const first = await cycle();
    // What a first run leaves behind is the heap that V8 has taken; what a second one adds would be a leak.
    const descriptors = openDescriptors(pid);
    const resident = residentBytes(pid);
    await cycle();
    return {
      ...first,
      leftDescriptors: openDescriptors(pid) - descriptors,
      grownBytesPerCycle: (residentBytes(pid) - resident) / count,
    };
  });
}

/** @type {Run} */
async function deadlines(context, { connections }, contender) {
  const child = new Child('benchmark', [...contender.command, String(connections)], {
    core: context.pinning?.server,
  });
  try {
    const [json] = await child.line(/^\{.*\}$/, DEADLINES_TIMEOUT_MS);
    return JSON.parse(json);
  } finally {
    await child.stop();
  }
}

/** @type {Record<Scenario['run'], Run>} */
export const RUNS = { 'tcp-echo': tcpEcho, 'udp-echo': udpEcho, tick, idle, deadlines, wine: wineEcho, stream, cycles };
