// A server for the length of one run, and the load on it.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Child, killAll, RunFailure } from '../child.mjs';

const NODE_LOAD = fileURLToPath(new URL('../load/main.mjs', import.meta.url));
const START_TIMEOUT_MS = 15_000;
const CRASH_GRACE_MS = 300;

/**
 * @typedef {object} Context what all runs share
 * @property {import('../options.mjs').Options} options
 * @property {import('../compile.mjs').Programs} programs
 * @property {{ server: number, load: number } | undefined} pinning
 */

/** @typedef {{ child: Child, port: number, pid: number }} Server */

/** @param {number} pid */
function hasRing(pid) {
  return readdirSync(`/proc/${pid}/fd`).some((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`) === 'anon_inode:[io_uring]';
    } catch {
      return false;
    }
  });
}

/**
 * @template T
 * @param {Child} child
 * @param {Promise<T>} running
 */
async function unlessItCrashes(child, running) {
  const crashed = child.failure().then((error) => Promise.reject(error));
  try {
    return await Promise.race([crashed, running]);
  } catch (error) {
    // A crash often shows first as a reset connection at the load: the crash is the cause.
    await Promise.race([child.exited, delay(CRASH_GRACE_MS)]);
    const cause = child.ended ? await child.failure() : error;
    killAll();
    await running.catch(() => {});
    throw cause;
  }
}

/**
 * Starts the contender's server, runs `body` against it and kills it.
 * @template T
 * @param {Context} context
 * @param {import('../contenders.mjs').Contender} contender
 * @param {string[]} args after the port
 * @param {(server: Server) => Promise<T>} body
 * @returns {Promise<T>}
 * @throws {RunFailure} if the server does not start, or ends before `body` does
 */
export async function withServer(context, contender, args, body) {
  const child = new Child('server', [...contender.command, '0', ...args], {
    core: context.pinning?.server,
    env: contender.env,
  });
  try {
    const [, port] = await child.line(/^listening (\d+)$/, START_TIMEOUT_MS);
    const { pid } = child;
    // A silent fallback would put the other driver's figures into this row.
    if (contender.needsRing && !hasRing(pid)) {
      throw new RunFailure('server: asked for io_uring, but runs without one');
    }
    return await unlessItCrashes(child, body({ child, port: Number(port), pid }));
  } finally {
    await (contender.cleansUp ? child.end() : child.stop());
  }
}

/**
 * The C load generator, or without a compiler the one in Node, which takes the same arguments
 * and prints the same.
 * @param {Context} context
 * @param {'tcp-load' | 'udp-load' | 'tcp-tick-client' | 'tcp-idle' | 'tcp-stream' | 'tcp-cycles'} program
 * @param {(string | number)[]} args
 */
export function startLoad(context, program, args) {
  const path = context.programs.paths.get(program);
  const command = path ? [path] : [process.execPath, NODE_LOAD, program];
  return new Child('load', [...command, ...args.map(String)], { core: context.pinning?.load });
}

/**
 * @typedef {object} LoadResult what a load generator prints
 * @property {number} messages
 * @property {number} seconds
 * @property {number} lost datagrams that were sent again
 * @property {number} starved connections without any reply in the window
 * @property {number} userSeconds of the server, in the window
 * @property {number} systemSeconds of the server, in the window
 * @property {number} [helperSeconds] of its helper, user and system, in the window
 * @property {number} loadBusy share of its core that the load generator itself used
 * @property {number} p50Us
 * @property {number} p90Us
 * @property {number} p99Us
 * @property {number} p999Us
 */

/**
 * @param {Context} context
 * @param {Parameters<typeof startLoad>[1]} program
 * @param {(string | number)[]} args before the times
 * @param {number} pid of the server: the load samples its CPU time at the window's boundaries
 * @param {number} [helperPid] of a process that works for the server
 * @returns {Promise<LoadResult>}
 */
export async function runLoad(context, program, args, pid, helperPid) {
  const { warmupSeconds, seconds } = context.options;
  const times = [Math.round(warmupSeconds * 1000), Math.round(seconds * 1000)];
  // The load generator in Node measures no helper.
  const helper = helperPid !== undefined && context.programs.paths.has(program) ? [helperPid] : [];
  const load = startLoad(context, program, [...args, ...times, pid, ...helper]);
  try {
    const [json] = await load.line(/^\{.*\}$/, (warmupSeconds + seconds + 30) * 1000);
    return JSON.parse(json);
  } finally {
    await load.stop();
  }
}

/** @param {number} pid @returns {number} resident bytes, shared pages included */
export function residentBytes(pid) {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kilobytes = /^Rss:\s+(\d+) kB/m.exec(rollup)?.[1];
  if (kilobytes === undefined) throw new RunFailure('cannot read the memory of the server');
  return Number(kilobytes) * 1024;
}

/** @param {number} pid @returns {number} descriptors the process has open */
export function openDescriptors(pid) {
  return readdirSync(`/proc/${pid}/fd`).length;
}
