// What is known of the machine: its tools, its cores, and how quiet it is.
import { accessSync, constants, readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { delimiter, join } from 'node:path';

/**
 * @typedef {object} Machine
 * @property {string} kernel
 * @property {string} cpu
 * @property {number} cores
 * @property {string} node
 * @property {number} memoryGb
 * @property {number} loadAverage over the minute before the run
 */

/**
 * @param {string} name
 * @returns {string | undefined} the path of a program on PATH
 */
export function findProgram(name) {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // The next folder may have it.
    }
  }
  return undefined;
}

/** @returns {Machine} */
export function describeMachine() {
  return {
    kernel: `Linux ${release()}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    node: process.version,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    loadAverage: loadavg()[0] ?? 0,
  };
}

/** The cores this process may run on, from `Cpus_allowed_list` of proc_pid_status(5). */
function allowedCores() {
  const status = readFileSync('/proc/self/status', 'utf8');
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '0';
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

/**
 * One core for the server and another one for the load, so that neither takes the other's time.
 * @returns {{ server: number, load: number } | undefined} undefined if they cannot be kept apart
 */
export function choosePinning() {
  const [server, load] = allowedCores();
  if (server === undefined || load === undefined || !findProgram('taskset')) return undefined;
  return { server, load };
}

/**
 * The words in front of a command that pin it, and that end it with the harness even when the
 * harness is killed and cannot clean up. Both tools replace themselves: the process id stays.
 * @param {number | undefined} core
 * @returns {string[]}
 */
export function launcher(core) {
  const pin = core === undefined ? [] : ['taskset', '-c', String(core)];
  const leash = findProgram('setpriv') ? ['setpriv', '--pdeathsig', 'KILL'] : [];
  return [...pin, ...leash];
}

/**
 * The share of time that the hypervisor gave to others, from proc_stat(5): a noisy machine
 * should be visible in the report.
 * @returns {() => number} the share since this call, 0 to 1
 */
export function watchSteal() {
  const sample = () => {
    const line = readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '';
    const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number);
    return { steal: ticks[7] ?? 0, total: ticks.reduce((sum, each) => sum + each, 0) };
  };
  const before = sample();
  return () => {
    const after = sample();
    return (after.steal - before.steal) / Math.max(1, after.total - before.total);
  };
}
