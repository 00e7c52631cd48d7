// The benchmarks: node scripts/bench/main.mjs --help
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { judgeAll } from './bars.mjs';
import { killAll } from './child.mjs';
import { compilePrograms } from './compile.mjs';
import { choosePinning, describeMachine, watchSteal } from './machine.mjs';
import { measureScenario } from './measure.mjs';
import { parseOptions, USAGE } from './options.mjs';
import { toMarkdown } from './report/markdown.mjs';
import { mergeReports, readReport, writeReport } from './report/report.mjs';
import { SCENARIOS } from './scenarios.mjs';
import { leaveWine, wineVersion } from './wine.mjs';

const EXIT_FAILED_RUNS = 1;
const EXIT_USAGE = 2;
const EXIT_SIGNAL = 130;

/** @param {string} text progress; standard output is the report's */
function log(text) {
  process.stderr.write(`${text}\n`);
}

/**
 * @param {import('./options.mjs').Options} options
 * @param {string} folder for what is compiled
 * @returns {Promise<import('./report/report.mjs').Report>}
 */
async function runAll({ out, into, ...options }, folder) {
  const machine = describeMachine();
  const stealSince = watchSteal();
  const pinning = choosePinning();
  const programs = await compilePrograms(folder);
  const context = { options: { ...options, out, into }, programs, pinning };
  const scenarios = [];
  for (const scenario of SCENARIOS) {
    if (!options.only.includes(scenario.id)) continue;
    scenarios.push(await measureScenario(context, scenario, log));
  }
  return {
    date: new Date().toISOString().slice(0, 10),
    machine,
    options,
    load: programs.paths.has('tcp-load') ? 'C' : 'Node',
    compiler: programs.compiler && basename(programs.compiler),
    wine: wineVersion(),
    pinning,
    steal: stealSince(),
    verdicts: judgeAll(scenarios),
    scenarios,
  };
}

/**
 * Runs `body` with a folder of its own, and leaves neither it nor a child process behind.
 * @template T
 * @param {(folder: string) => Promise<T>} body
 */
async function cleanly(body) {
  const folder = mkdtempSync(join(tmpdir(), 'overlapped-bench-'));
  const clean = () => {
    killAll();
    rmSync(folder, { recursive: true, force: true });
  };
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.once(signal, () => {
      clean();
      process.exit(EXIT_SIGNAL);
    });
  }
  try {
    return await body(folder);
  } finally {
    await leaveWine();
    clean();
  }
}

async function main() {
  let options;
  try {
    options = parseOptions(process.argv.slice(2));
  } catch (error) {
    log(`${error instanceof Error ? error.message : error}\n${USAGE}`);
    return EXIT_USAGE;
  }
  if (!options) {
    console.log(USAGE);
    return 0;
  }
  if (process.platform !== 'linux') {
    log('The benchmarks read /proc, so they need Linux.');
    return EXIT_USAGE;
  }
  const chosen = options;
  const report = await cleanly((folder) => runAll(chosen, folder));
  console.log(toMarkdown(report));
  if (options.into !== undefined) {
    writeReport(mergeReports(readReport(options.into), report), options.into);
    log(`written into ${options.into}/`);
  }
  if (options.out !== undefined) {
    writeReport(report, options.out);
    log(`written to ${options.out}/`);
  }
  const rows = report.scenarios.flatMap((scenario) => scenario.contenders);
  return rows.some((row) => row.status === 'failed') ? EXIT_FAILED_RUNS : 0;
}

process.exitCode = await main();
