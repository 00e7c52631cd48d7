// Random socket stacks with random quirks, simulated and normalised, against Linux as it is: the same traffic must come
// to the same results, step by step. Usage, after a build:
//   node scripts/fuzz-stacks.mjs [--cases 10000] [--seed N] [--show]
// Case i has the seed N + i; `--cases 1 --seed` with a seed that was reported repeats one, `--show` prints its stack.
import { parseArgs } from 'node:util';
import { caseOf, playCase } from '../dist/test/stacks/fuzz/one-case.js';
import { describeStack } from '../dist/test/stacks/fuzz/random-stack.js';
import { RawPeers } from '../dist/test/stacks/fuzz/raw-peers.js';
import { shrink } from '../dist/test/stacks/fuzz/shrink.js';

const MAX_REPORTED = 20;
const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '10000' },
    seed: { type: 'string' },
    show: { type: 'boolean', default: false },
  },
});
const cases = Number(values.cases);
const first = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const peers = new RawPeers();
const started = performance.now();
let failed = 0;
let steps = 0;
console.log(`${cases} cases, seeds ${first} to ${first + cases - 1}`);
for (let i = 0; i < cases; i++) {
  const seed = first + i;
  if (values.show) console.log(describeStack(caseOf(seed).stack));
  steps += caseOf(seed).traffic.length;
  const found = playCase(seed, peers);
  if (found === null) continue;
  failed++;
  if (failed > MAX_REPORTED) continue;
  const mismatch = shrink(found, peers);
  console.log(`\nseed ${seed}, step ${mismatch.step}\n  ${mismatch.stack}`);
  for (const line of mismatch.before) console.log(`    ${line}`);
  console.log(`  Linux:      ${mismatch.plain}\n  normalised: ${mismatch.normalised}`);
}
peers.destroy();
const seconds = ((performance.now() - started) / 1000).toFixed(1);
console.log(`${cases} cases, ${steps} steps, ${failed} mismatches, ${seconds} s; the first seed was ${first}`);
process.exitCode = failed === 0 ? 0 : 1;
