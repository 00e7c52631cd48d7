// Random programs over node:net and over overlapped/net: what a program sees must be the same, step by step. Needs
// `npm run build`.
import { programOf } from '../dist/test/compat/fuzz/generator.js';
import { compare, DriverSubject, traces } from '../dist/test/compat/fuzz/one-case.js';
import { shrink } from '../dist/test/compat/fuzz/shrink.js';
import { readArguments, readNumber, refuse } from './arguments.mjs';

const MAX_REPORTED = 12;
/** Looking for smaller programs takes long. */
const MAX_SHRUNK = 5;
const DRIVERS = /** @type {const} */ (['io_uring', 'readiness']);
const USAGE = `node scripts/fuzz-net.mjs [options]
  --cases N       (default 1000)
  --seed N        of the first case, the next one has N + 1 (default: any); with --cases 1 it repeats one
  --driver NAME   io_uring or readiness (default: both)
  --show          prints the program and its traces
  --whole         reports what was found as it is, without looking for a smaller program that differs`;

const { values } = readArguments(USAGE, {
  options: {
    cases: { type: 'string', default: '1000' },
    seed: { type: 'string' },
    driver: { type: 'string' },
    show: { type: 'boolean', default: false },
    whole: { type: 'boolean', default: false },
  },
});
const cases = readNumber(USAGE, 'cases', values.cases, 1, 1e9);
const firstText = values.seed ?? String(Math.floor(Math.random() * 2 ** 31));
const first = readNumber(USAGE, 'seed', firstText, 0, 2 ** 32 - 1);
const drivers = DRIVERS.filter((name) => values.driver === undefined || values.driver === name);
if (drivers.length === 0) refuse(USAGE, `--driver may not be ${values.driver}`);
const subjects = drivers.map((name) => new DriverSubject(name));
const started = performance.now();
/** @type {Record<'same' | 'racy' | 'different', number>} */
const counts = { same: 0, racy: 0, different: 0 };
let seed = first;
// A program that ends the process says which it was.
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(2));
process.on('exit', (code) => code === 0 || console.log(`the last seed was ${seed}`));
console.log(`${cases} cases on ${drivers.join(' and ')}, seeds ${first} to ${first + cases - 1}`);
for (let i = 0; i < cases; i++) {
  seed = first + i;
  const program = programOf(seed);
  for (const subject of subjects) {
    const driver = subject.name;
    if (values.show) {
      console.log(JSON.stringify(program, undefined, 1));
      const { theirs, ours } = await traces(program, subject);
      console.log(`node:net\n  ${theirs.join('\n  ')}\n${driver}\n  ${ours.join('\n  ')}`);
    }
    const verdict = await compare(program, subject);
    if (typeof verdict === 'string') {
      counts[verdict]++;
      if (verdict === 'racy') console.log(`seed ${seed}: node:net differs from itself`);
      continue;
    }
    counts.different++;
    if (counts.different > MAX_REPORTED) {
      console.log(`seed ${seed} on ${driver}`);
      continue;
    }
    const {
      program: smallest,
      before,
      theirs,
      ours,
    } = values.whole || counts.different > MAX_SHRUNK ? verdict : await shrink(verdict, subject);
    console.log(`\nseed ${seed} on ${driver}\n${JSON.stringify(smallest)}`);
    for (const line of before) console.log(`      ${line}`);
    for (const line of theirs) console.log(`  NODE ${line}`);
    for (const line of ours) console.log(`  OURS ${line}`);
  }
}
for (const subject of subjects) subject.destroy();
const seconds = ((performance.now() - started) / 1000).toFixed(1);
console.log(
  `${cases} cases on ${drivers.join(' and ')}: ${counts.same} the same, ${counts.different} different, ` +
    `${counts.racy} racy, ${seconds} s; the first seed was ${first}`,
);
process.exitCode = counts.different === 0 ? 0 : 1;
