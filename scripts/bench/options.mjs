// What the command line may say.
import { parseArgs } from 'node:util';
import { SCENARIOS } from './scenarios.mjs';

/**
 * @typedef {object} Options
 * @property {string[]} only ids of the scenarios to run
 * @property {number} rounds how often each contender runs; medians are taken over these
 * @property {number} seconds length of the measured window
 * @property {number} warmupSeconds load before the window opens
 * @property {boolean} quick one short round, for a look and not for publication
 * @property {string | undefined} out folder for the report; undefined prints it only
 * @property {string | undefined} into folder of a report in which these scenarios take the place of the old ones
 */

export const USAGE = `Usage: node scripts/bench/main.mjs [options]
  --only IDS     scenarios, separated by commas: ${SCENARIOS.map((s) => s.id).join(', ')}
  --seconds N    measured seconds a run (default 4)
  --rounds N     rounds over all contenders (default 3)
  --quick        one round of one second, fewer idle connections
  --out FOLDER   where the report goes (default docs; a --only or --quick run without
                 --out prints its report and leaves the published one alone)
  --into FOLDER  puts the scenarios that --only names into the report that is there already`;

/**
 * @param {string} name
 * @param {string | undefined} text
 * @param {number} otherwise
 */
function positive(name, text, otherwise) {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!(value > 0 && value <= 3600)) throw new RangeError(`--${name} must be 0 to 3600`);
  return value;
}

/** @param {string | undefined} text */
function scenarioIds(text) {
  const known = SCENARIOS.map((scenario) => scenario.id);
  if (text === undefined) return known;
  const ids = text.split(',').filter((id) => id !== '');
  const unknown = ids.filter((id) => !known.includes(id));
  if (unknown.length > 0) throw new RangeError(`no such scenario: ${unknown.join(', ')}`);
  return ids;
}

/**
 * @param {string[]} args
 * @returns {Options | undefined} undefined if only help was asked for
 * @throws {Error} for an option that is unknown or out of range
 */
export function parseOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string' },
      seconds: { type: 'string' },
      rounds: { type: 'string' },
      out: { type: 'string' },
      into: { type: 'string' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const seconds = positive('seconds', values.seconds, values.quick ? 1 : 4);
  const partial = values.quick || values.only !== undefined;
  return {
    only: scenarioIds(values.only),
    rounds: Math.ceil(positive('rounds', values.rounds, values.quick ? 1 : 3)),
    seconds,
    // Long enough for V8 to have compiled the hot path of every server.
    warmupSeconds: Math.min(1, seconds),
    quick: values.quick,
    out: values.out ?? (partial || values.into !== undefined ? undefined : 'docs'),
    into: values.into,
  };
}
