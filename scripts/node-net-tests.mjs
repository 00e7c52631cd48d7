// Runs Node's own tests of `net` over node:net itself and over overlapped/register, and says what share of those that
// pass with the former passes with the latter. Nothing of Node's is kept here: the tests come from a checkout.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { readArguments, readNumber, refuse } from './arguments.mjs';
import { INTERNALS } from './node-net-internals.mjs';

const REGISTER = fileURLToPath(new URL('../dist/src/register.js', import.meta.url));
const KEPT_OUTPUT = 1600;
const FLAGS = /^\/\/ Flags:(.*)$/m;
const BAR = 0.9;

/** @typedef {{ passed: boolean, how: string, output: string }} Outcome */

/** @param {string} text @returns {string[]} the flags that a test asks for in its first comment */
function flagsOf(text) {
  return FLAGS.exec(text)?.[1]?.trim().split(/\s+/) ?? [];
}

/**
 * Runs one test file in a process of its own, which does not outlive its time.
 * @param {string} file
 * @param {string[]} extra further arguments for node
 * @param {NodeJS.ProcessEnv} env
 * @param {number} timeoutMs
 * @returns {Promise<Outcome>}
 */
function runTest(file, extra, env, timeoutMs) {
  const scratch = mkdtempSync(join(tmpdir(), 'node-net-tests-'));
  return new Promise((resolve) => {
    const args = [...flagsOf(readFileSync(file, 'utf8')), ...extra, file];
    const child = spawn(process.execPath, args, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_TEST_DIR: scratch, ...env },
    });
    let output = '';
    const keep = (/** @type {Buffer} */ text) => {
      output = (output + text).slice(-KEPT_OUTPUT);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    // The group: a test's own children go with it.
    const timer = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), timeoutMs);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      rmSync(scratch, { recursive: true, force: true });
      const how = signal ? `killed by ${signal}` : `exit code ${code}`;
      resolve({ passed: code === 0, how, output });
    });
  });
}

/**
 * @template T, R
 * @param {T[]} items
 * @param {number} jobs
 * @param {(item: T) => Promise<R>} work
 * @returns {Promise<R[]>} in the order of the items
 */
async function inTurn(items, jobs, work) {
  /** @type {R[]} */
  const results = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const at = next++;
      results[at] = await work(/** @type {T} */ (items[at]));
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  return results;
}

const USAGE = `node scripts/node-net-tests.mjs CHECKOUT [options]
CHECKOUT is a folder with test/parallel and test/common: https://github.com/nodejs/node, or denoland/node_test at the
commit for this version of Node.
  --driver NAME    io_uring (the default) or readiness
  --only PART      tests with this in their name
  --jobs N         at a time, 1 to 64 (default 2)
  --timeout-ms N   for each test (default 20000)
  --list FILE      writes the results there, as JSON
  --show           prints the output of the tests that fail`;

async function main() {
  const { values, positionals } = readArguments(USAGE, {
    allowPositionals: true,
    options: {
      driver: { type: 'string', default: 'io_uring' },
      only: { type: 'string', default: '' },
      jobs: { type: 'string', default: '2' },
      'timeout-ms': { type: 'string', default: '20000' },
      list: { type: 'string' },
      show: { type: 'boolean', default: false },
    },
  });
  const checkout = positionals[0];
  const folder = join(checkout ?? '', 'test', 'parallel');
  if (checkout === undefined || !existsSync(folder)) refuse(USAGE, `There is no ${folder}`);
  const timeoutMs = readNumber(USAGE, 'timeout-ms', values['timeout-ms'], 1, 3_600_000);
  const jobs = readNumber(USAGE, 'jobs', values.jobs, 1, 64);
  const names = readdirSync(folder).filter((name) => name.startsWith('test-net-') && name.includes(values.only));
  const extra = ['--import', pathToFileURL(REGISTER).href];
  const env = { OVERLAPPED_DRIVER: values.driver };

  const rows = await inTurn(names, jobs, async (name) => {
    const file = join(folder, name);
    const theirs = await runTest(file, [], {}, timeoutMs);
    if (!theirs.passed) return { name, theirs, ours: undefined };
    const ours = await runTest(file, extra, env, timeoutMs);
    if (!ours.passed) {
      console.log(`${name}: ${ours.how}${INTERNALS.has(name) ? ` (tests internals: ${INTERNALS.get(name)})` : ''}`);
      if (values.show) console.log(ours.output);
    }
    return { name, theirs, ours };
  });

  const baseline = rows.filter((row) => row.theirs.passed);
  const countable = baseline.filter((row) => row.ours?.passed || !INTERNALS.has(row.name));
  const passed = countable.filter((row) => row.ours?.passed);
  const ratio = passed.length / countable.length;
  console.log(`${names.length} tests; ${baseline.length} pass with node:net on this machine`);
  for (const row of rows) if (!row.theirs.passed) console.log(`  not with node:net: ${row.name} (${row.theirs.how})`);
  console.log(`${baseline.length - countable.length} of them test Node's internals and fail here`);
  console.log(
    `${passed.length} of ${countable.length} pass with overlapped/register on ${values.driver}: ` +
      `${(100 * ratio).toFixed(1)} % (bar: ${100 * BAR} %)`,
  );
  console.log(`with the tests of internals counted: ${((100 * passed.length) / baseline.length).toFixed(1)} %`);
  if (values.list) writeFileSync(values.list, JSON.stringify(rows, undefined, 1));
  process.exitCode = ratio >= BAR ? 0 : 1;
}

await main();
