// What the harness knows of Wine: whether it is there, and the process that does most of its work.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Child, RunFailure } from './child.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const WINE_SCRIPT = `${ROOT}scripts/wine.sh`;
const PREFIX = `${ROOT}build/wine/prefix`;
const PREPARED = `${PREFIX}/.prepared`;
const CANDIDATES = [process.env.WINE64 ?? '', '/usr/lib/wine/wine64', '/usr/bin/wine64', '/usr/bin/wine'];

const START_TIMEOUT_MS = 60_000;
// The first process of a prefix starts a dozen services. They work for seconds, and would do so in somebody's window.
const QUIET_SAMPLE_MS = 500;
const QUIET_SAMPLES = 3;
const QUIET_TICKS = 1;
const MOST_SAMPLES = 60;

/** @returns {string | undefined} why nothing can be measured under Wine */
export function whyNoWine() {
  return existsSync(PREPARED) ? undefined : 'Wine is not prepared (scripts/wine.sh --prepare)';
}

/** @returns {string | undefined} as Wine calls itself */
export function wineVersion() {
  const wine = CANDIDATES.find((path) => path !== '' && existsSync(path));
  if (wine === undefined || whyNoWine() !== undefined) return undefined;
  return execFileSync(wine, ['--version'], { encoding: 'utf8' }).trim();
}

/**
 * The wineserver of our prefix: nearly every call of a program under Wine is a message to it. It works in a folder that
 * is named after the prefix' device and inode.
 */
function findWineserver() {
  const { dev, ino } = statSync(PREFIX);
  const folder = `server-${dev.toString(16)}-${ino.toString(16)}`;
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const isServer = readFileSync(`/proc/${name}/comm`, 'utf8').startsWith('wineserver');
      if (isServer && basename(readlinkSync(`/proc/${name}/cwd`)) === folder) return Number(name);
    } catch {
      // A process that just left.
    }
  }
  throw new RunFailure('server: there is no wineserver for the prefix');
}

/** @param {number} pid user and system time, in ticks: proc_pid_stat(5) */
function ticksOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

/** @type {{ keeper: Child, wineserver: Promise<number> } | undefined} */
let session;

/**
 * Keeps Wine running between the runs, so that each of them starts one process and no services, and waits until the
 * services are quiet. The wineserver inherits the core. Ends with the harness.
 * @param {number | undefined} core
 * @returns {Promise<number>} the process id of the wineserver
 */
export function keepWine(core) {
  if (session === undefined) {
    const program = "console.log('up'); setInterval(() => {}, 1e9)";
    const keeper = new Child('keeper', ['bash', WINE_SCRIPT, '-e', program], { core });
    session = { keeper, wineserver: untilQuiet(keeper) };
  }
  return session.wineserver;
}

/** Lets Wine end. */
export async function leaveWine() {
  await session?.keeper.end();
  session = undefined;
}

/** @param {Child} keeper */
async function untilQuiet(keeper) {
  await keeper.line(/^up$/, START_TIMEOUT_MS);
  const wineserver = findWineserver();
  let quiet = 0;
  let before = ticksOf(wineserver);
  for (let sample = 0; sample < MOST_SAMPLES && quiet < QUIET_SAMPLES; sample++) {
    await delay(QUIET_SAMPLE_MS);
    const now = ticksOf(wineserver);
    quiet = now - before <= QUIET_TICKS ? quiet + 1 : 0;
    before = now;
  }
  if (quiet < QUIET_SAMPLES) throw new RunFailure('server: the services of Wine do not come to rest');
  return wineserver;
}
