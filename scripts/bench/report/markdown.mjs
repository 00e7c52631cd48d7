// The report that people read.
import { columnsFor } from './columns.mjs';

/** @typedef {import('./report.mjs').Report} Report */
/** @typedef {import('../measure.mjs').ScenarioResult} ScenarioResult */

/** @param {string} text */
function cell(text) {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

/**
 * @param {string[]} header
 * @param {string[]} align
 * @param {string[][]} rows
 */
function table(header, align, rows) {
  const line = (/** @type {string[]} */ cells) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(header), `| ${align.join(' | ')} |`, ...rows.map(line)].join('\n');
}

/** @param {Report} report */
function bars({ verdicts, scenarios }) {
  const titles = new Map(scenarios.map(({ id, title }) => [id, title]));
  const rows = verdicts.map(({ scenario, promise, verdict, found }) => [
    titles.get(scenario) ?? scenario,
    promise,
    verdict === 'missed' ? '**missed**' : verdict,
    found,
  ]);
  return table(['Scenario', 'Bar', 'Verdict', 'Measured'], ['---', '---', '---', '---'], rows);
}

/** @param {ScenarioResult} scenario */
function section(scenario) {
  const columns = columnsFor(scenario.run);
  const measured = scenario.contenders.filter(({ rounds }) => rounds.length > 0);
  const rows = measured.map((row) => [
    row.status === 'failed' ? `${row.label} (**${row.reasons.length} failed**)` : row.label,
    ...columns.map(({ text }) => text(row, scenario)),
  ]);
  const header = ['Server', ...columns.map(({ name }) => name)];
  const align = ['---', ...columns.map(() => '---:')];
  const figures = rows.length > 0 ? table(header, align, rows) : 'No figures.';
  const parts = [
    `## ${scenario.title}`,
    scenario.what,
    ...(scenario.apart === undefined ? [] : [scenario.apart]),
    figures,
  ];
  return parts.join('\n\n');
}

/** @param {Report} report @returns {string[]} */
function failures({ scenarios }) {
  return scenarios.flatMap(({ title, contenders }) =>
    contenders
      .filter(({ status }) => status === 'failed')
      .map(({ label, reasons, rounds }) => {
        const runs = `${reasons.length} of ${reasons.length + rounds.length} runs`;
        return `- ${title}, ${label}, ${runs}: ${[...new Set(reasons)].join('; ')}`;
      }),
  );
}

/** @param {Report} report @returns {string[]} a line for each contender and reason */
function absences({ scenarios }) {
  /** @type {Map<string, string[]>} */
  const titles = new Map();
  for (const { title, contenders } of scenarios) {
    for (const { status, label, reasons } of contenders) {
      if (status !== 'absent') continue;
      const line = `- ${label}: ${reasons.join('; ')}`;
      titles.set(line, [...(titles.get(line) ?? []), title]);
    }
  }
  return [...titles].map(([line, where]) => `${line} (${where.join('; ')})`);
}

/**
 * One line, for scenarios that were measured by themselves.
 * @param {Report} report
 */
export function briefConditions({ date, machine, options, steal, wine }) {
  const parts = [
    date,
    machine.kernel,
    ...(wine === undefined ? [] : [wine]),
    `Node ${machine.node}`,
    `${options.rounds} rounds of ${options.seconds} s, each after ${options.warmupSeconds} s of warm-up`,
    `load average at the start ${machine.loadAverage.toFixed(2)}`,
    `stolen ${(steal * 100).toFixed(1)}%`,
  ];
  return `Measured by itself: ${parts.join(', ')}.`;
}

/** @param {Report} report */
function conditions({ date, machine, options, load, pinning, steal, compiler, wine }) {
  const cores = pinning
    ? `server on core ${pinning.server}, load on core ${pinning.load}`
    : 'not pinned to cores (no taskset, or a single core): compare with care';
  return [
    `- ${date}, ${machine.kernel}, Node ${machine.node}`,
    `- ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB; ${cores}`,
    `- ${options.rounds} rounds of ${options.seconds} s, ` + `each after ${options.warmupSeconds} s of warm-up`,
    `- load average at the start ${machine.loadAverage.toFixed(2)}, ` +
      `time stolen by the hypervisor during the run ${(steal * 100).toFixed(1)}%`,
    load === 'C'
      ? `- load generators and baselines in C, ${compiler} -O2`
      : '- **no C compiler: the load generator runs in Node and is the bottleneck**, so ' +
        'throughput says little; the C rows are absent',
    ...(wine === undefined ? [] : [`- under Wine: ${wine}`]),
    ...(options.quick ? ['- **a quick run**: too short to publish'] : []),
  ].join('\n');
}

const READING = `\
Contenders take turns, round by round; every figure is the median of its rounds, and every ratio is
one of two such medians. CPU is user and system time of the server process alone, all its threads,
between the boundaries of the measured window. The load generator needs about as much CPU per
message as the fastest servers: where \`load busy\` is near 100%, throughput is its limit, and CPU
per message is the better comparison. Where \`server busy\` and \`load busy\` are both well below
100% with 64 connections or more, something else ran on these cores. \`spread\` is the distance
between the best and the worst round: smaller differences are noise. \`starved\` counts connections
that got no reply at all in the window, while others did.

Under Wine nearly every socket call is a message to the wineserver, a process of its own that runs on the
server's core here; its CPU time is a column of its own, and \`both CPUs\` is the two together. These
ratios say how the two servers use Wine, and nothing of Windows. Where something else runs on that
core, throughput scatters, and CPU per message is the better comparison.`;

/** @param {Report} report */
export function toMarkdown(report) {
  const failed = failures(report);
  const absent = absences(report);
  const parts = [
    '# Benchmarks',
    'Written by `npm run bench`; do not edit.',
    conditions(report),
    '![CPU per message and throughput](benchmarks.svg)',
    '## Bars',
    bars(report),
    ...(failed.length > 0 ? ['## Failed runs', failed.join('\n')] : []),
    '## How to read the tables',
    READING,
    ...report.scenarios.map(section),
    ...(absent.length > 0 ? ['## Not measured', absent.join('\n')] : []),
  ];
  return `${parts.join('\n\n')}\n`;
}
