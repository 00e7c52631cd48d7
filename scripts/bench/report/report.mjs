// Everything a run found, and the three files it is written to.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { briefConditions, toMarkdown } from './markdown.mjs';
import { toSvg } from './svg.mjs';

/**
 * @typedef {object} Report
 * @property {string} date the day, in UTC
 * @property {import('../machine.mjs').Machine} machine
 * @property {Omit<import('../options.mjs').Options, 'out' | 'into'>} options
 * @property {'C' | 'Node'} load what generates it
 * @property {string | undefined} compiler
 * @property {string} [wine] its version
 * @property {{ server: number, load: number } | undefined} pinning
 * @property {number} steal
 * @property {import('../bars.mjs').Verdict[]} verdicts
 * @property {import('../measure.mjs').ScenarioResult[]} scenarios
 */

/** @param {string} folder @returns {Report} */
export function readReport(folder) {
  return JSON.parse(readFileSync(join(folder, 'benchmarks.json'), 'utf8'));
}

/**
 * The old report with the new one's scenarios, which say under which conditions they were measured.
 * @param {Report} old
 * @param {Report} report
 * @returns {Report}
 */
export function mergeReports(old, report) {
  const apart = briefConditions(report);
  const measured = new Map(report.scenarios.map((scenario) => [scenario.id, { ...scenario, apart }]));
  const kept = old.scenarios.map((scenario) => measured.get(scenario.id) ?? scenario);
  const added = [...measured.values()].filter(({ id }) => !old.scenarios.some((scenario) => scenario.id === id));
  const scenarios = [...kept, ...added];
  // The verdicts of what was not measured again stay as they were found.
  const verdicts = [
    ...old.verdicts.filter(({ scenario }) => !measured.has(scenario)),
    ...report.verdicts.filter(({ scenario }) => measured.has(scenario)),
  ];
  return { ...old, scenarios, verdicts };
}

/** @param {Report} report @param {string} folder */
export function writeReport(report, folder) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'BENCHMARKS.md'), toMarkdown(report));
  writeFileSync(join(folder, 'benchmarks.svg'), toSvg(report));
  writeFileSync(join(folder, 'benchmarks.json'), `${JSON.stringify(report, null, 2)}\n`);
}
