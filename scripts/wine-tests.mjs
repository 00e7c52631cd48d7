// Test files under Wine, a process a file, with one summary at the end. Node's own runner (`--test`) starts its files
// itself and reads their piped standard output, which is not to be had under Wine 8; so the files are started one by
// one from here, through scripts/wine.sh, and their reports are added up.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/**
 * Files that have nothing to say on Windows, and why. What is not named here runs there, all of it: a test that cannot
 * run is to fail, and not to be left out.
 * @type {Readonly<Record<string, string>>}
 */
const OF_ANOTHER_PLATFORM = {
  'compat/fuzz.test.js': "random programs on Linux' two drivers, over its paths too",
  'compat/programs.test.js': 'other programs with Linux at their other end, redis-server among them',
  'faults/descriptors.test.js': 'Windows has no limit of descriptors that a process could be started with',
  'faults/faulty-stack.test.js': 'faults of a BSD stack under the readiness driver, which Windows does not have',
  'faults/raw-refused.test.js': 'a Linux that refuses io_uring',
  'faults/refused.test.js': 'a Linux that refuses io_uring',
  'faults/ring-limits.test.js': 'the limits of io_uring',
  'foreign/close.test.js': 'runs on Linux, and starts Wine itself for what it tries there',
  'foreign/wine-script.test.js': 'runs on Linux, and starts Wine itself',
  'raw/bare.test.js': "Linux' bare interfaces",
  'raw/wine.test.js': 'runs on Linux, and starts Wine itself',
  'wire/capture.test.js': "a capture by Linux' packet sockets",
  'wire/service.test.js': "a capture by Linux' packet sockets, served to others",
  'unit/datagram-batch.test.js': "batches of Linux' recvmmsg and sendmmsg",
  'unit/io-uring-datagrams.test.js': 'io_uring',
  'unit/probe-stack.test.js': "probes of simulations, which are on Linux' sockets",
  'readme/examples.test.js': 'reads the piped output of the programs, which Wine 8 does not give',
  'stacks/every-profile.test.js': "a simulation, which is on Linux' sockets",
  'stacks/fuzz.test.js': "a simulation, which is on Linux' sockets",
  'stacks/kqueue.test.js': "a simulation, which is on Linux' sockets",
  'stacks/made-up-stack.test.js': "a simulation, which is on Linux' sockets",
  'stacks/more-quirks.test.js': "a simulation, which is on Linux' sockets",
  'stacks/original-quirk.test.js': "a simulation, which is on Linux' sockets",
  'stacks/porting-guide.test.js': "a simulation, which is on Linux' sockets",
  'stacks/ps3-simulation.test.js': "a simulation, which is on Linux' sockets",
  'stacks/quirks.test.js': "a simulation, which is on Linux' sockets",
  'stacks/regress-on-stack.test.js': 'stacks in libraries of Linux',
  'stacks/stack-peer.test.js': 'stacks in libraries of Linux',
  'select/arguments.test.js': "select of the C library's descriptors, where no stack is named",
  'select/linux.test.js': "select of the C library's descriptors, where no stack is named",
  'unit/ffi-napi.test.js': 'a second FFI, which is compiled for Linux',
  'unit/open-stack.test.js': 'stacks in the C library',
  'unit/stack-resets.test.js': 'stacks in libraries of Linux, and a simulation on its sockets',
  'unit/stack-scenarios.test.js': 'the readiness driver over the C library',
  'unit/wait-notifier.test.js': 'the readiness driver over the C library',
  'unit/readiness-datagrams.test.js': 'the readiness driver over the C library',
  'unit/readiness-driver.test.js': 'the readiness driver over the C library',
  'unit/readiness-faults.test.js': 'the readiness driver over the C library',
};

const COUNTS = /** @type {const} */ (['tests', 'pass', 'fail', 'cancelled', 'skipped', 'todo']);
/** A file that hangs ends here: the longest, the contract, takes about 80 s. */
const LONGEST_FILE_MS = 420_000;

/**
 * Runs the files and prints their reports and a summary; gives the exit status of the run.
 * @param {string} root @param {readonly string[]} files
 */
export function runUnderWine(root, files) {
  const total = Object.fromEntries(COUNTS.map((count) => [count, 0]));
  /** @type {string[]} */
  const failed = [];
  const began = Date.now();
  for (const file of files) {
    const reason = OF_ANOTHER_PLATFORM[file.slice('dist/test/'.length)];
    if (reason !== undefined) {
      console.log(`not for Windows: ${file}: ${reason}`);
      continue;
    }
    const { counts, passed } = runFile(root, file);
    for (const count of COUNTS) total[count] += counts[count] ?? 0;
    if (!passed) failed.push(file);
  }
  console.log(`\nunder Wine: ${COUNTS.map((count) => `${count} ${total[count]}`).join(', ')}`);
  console.log(`${files.length} files in ${Math.round((Date.now() - began) / 1000)} s`);
  for (const file of failed) console.log(`FAILED: ${file}`);
  return failed.length === 0 && total['tests'] > 0 ? 0 : 1;
}

/** @param {string} root @param {string} file */
function runFile(root, file) {
  console.log(`\n# ${file}`);
  const began = Date.now();
  const args = [join(root, 'scripts', 'wine.sh'), '--expose-gc', '--test-reporter=spec', file];
  const { status, signal, stdout } = spawnSync('bash', args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: LONGEST_FILE_MS,
  });
  process.stdout.write(stdout);
  const counts = countsOf(stdout);
  const seconds = Math.round((Date.now() - began) / 1000);
  // A process that ended in the middle of its tests has printed no counts, and is a failure whatever its status says.
  const passed = status === 0 && counts['tests'] > 0 && counts['fail'] === 0 && counts['cancelled'] === 0;
  console.log(
    `${passed ? 'ok' : 'not ok'} ${file}: ${counts['tests']} tests, status ${signal ?? status}, ${seconds} s`,
  );
  return { counts, passed };
}

/** What the reporter says at its end: `ℹ tests 12`, `ℹ pass 12` and so on. @param {string} output */
function countsOf(output) {
  /** @type {Record<string, number>} */
  const counts = Object.fromEntries(COUNTS.map((count) => [count, 0]));
  for (const [, count = '', number] of output.matchAll(/^(?:ℹ|#) (\w+) (\d+)\s*$/gmu)) {
    if (count in counts) counts[count] = Number(number);
  }
  return counts;
}
