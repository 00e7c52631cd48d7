// Random socket stacks with random quirks, simulated and normalised, against Linux as it is: the same traffic must come
// to the same results, step by step. Needs `npm run build`.
import { caseOf, playCase } from '../dist/test/stacks/fuzz/one-case.js';
import { describeStack } from '../dist/test/stacks/fuzz/random-stack.js';
import { RawPeers } from '../dist/test/stacks/fuzz/raw-peers.js';
import { shrink } from '../dist/test/stacks/fuzz/shrink.js';
import { readArguments, readNumber } from './arguments.mjs';

const MAX_REPORTED = 20;
const USAGE = `node scripts/fuzz-stacks.mjs [options]
  --cases N   (default 10000)
  --seed N    of the first case, the next one has N + 1 (default: any); with --cases 1 it repeats one that was reported
  --show      prints each stack`;

const { values } = readArguments(USAGE, {
  options: {
    cases: { type: 'string', default: '10000' },
    seed: { type: 'string' },
    show: { type: 'boolean', default: false },
  },
});
const cases = readNumber(USAGE, 'cases', values.cases, 1, 1e9);
const seed = values.seed ?? String(Math.floor(Math.random() * 2 ** 31));
const first = readNumber(USAGE, 'seed', seed, 0, 2 ** 32 - 1);
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
