// Everything a run found, and the three files it is written to.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toMarkdown } from './markdown.mjs';
import { toSvg } from './svg.mjs';

/**
 * @typedef {object} Report
 * @property {string} date the day, in UTC
 * @property {import('../machine.mjs').Machine} machine
 * @property {Omit<import('../options.mjs').Options, 'out'>} options
 * @property {'C' | 'Node'} load what generates it
 * @property {string | undefined} compiler
 * @property {{ server: number, load: number } | undefined} pinning
 * @property {number} steal
 * @property {import('../bars.mjs').Verdict[]} verdicts
 * @property {import('../measure.mjs').ScenarioResult[]} scenarios
 */

/** @param {Report} report @param {string} folder */
export function writeReport(report, folder) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'BENCHMARKS.md'), toMarkdown(report));
  writeFileSync(join(folder, 'benchmarks.svg'), toSvg(report));
  writeFileSync(join(folder, 'benchmarks.json'), `${JSON.stringify(report, null, 2)}\n`);
}
