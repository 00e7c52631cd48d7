// Runs a scenario: all contenders take turns, round by round, so that a machine that gets
// slower or busier meanwhile does so for all of them.
import { RunFailure, Unsupported } from './child.mjs';
import { contendersFor } from './contenders.mjs';
import { RUNS } from './runs/index.mjs';
import { medianMetrics } from './statistics.mjs';

/**
 * @typedef {object} ContenderResult
 * @property {string} id
 * @property {string} label
 * @property {'measured' | 'failed' | 'absent'} status `failed`: at least one of its runs did
 * @property {string[]} reasons of its failures or its absence
 * @property {import('./statistics.mjs').Metrics[]} rounds those that went well
 * @property {import('./statistics.mjs').Metrics} median
 */

/**
 * @typedef {object} ScenarioResult
 * @property {string} id
 * @property {string} title
 * @property {string} what
 * @property {import('./scenarios.mjs').Scenario['run']} run
 * @property {ContenderResult[]} contenders
 * @property {string} [apart] the conditions, where they are not those of the report
 */

/**
 * @param {import('./runs/server.mjs').Context} context
 * @param {import('./scenarios.mjs').Scenario} scenario
 * @param {import('./contenders.mjs').Contender} contender
 * @param {ContenderResult} result to which this run is added
 */
async function runOnce(context, scenario, contender, result) {
  try {
    result.rounds.push(await RUNS[scenario.run](context, scenario, contender));
  } catch (error) {
    if (error instanceof Unsupported) {
      result.status = 'absent';
    } else if (error instanceof RunFailure) {
      result.status = 'failed';
    } else {
      throw error;
    }
    result.reasons.push(error.message);
  }
}

/**
 * @param {import('./runs/server.mjs').Context} context
 * @param {import('./scenarios.mjs').Scenario} scenario
 * @param {(text: string) => void} log
 * @returns {Promise<ScenarioResult>}
 */
export async function measureScenario(context, scenario, log) {
  const entries = contendersFor(scenario.role, context.programs).map((contender) => {
    /** @type {ContenderResult} */
    const result = {
      id: contender.id,
      label: contender.label,
      status: contender.absent === undefined ? 'measured' : 'absent',
      reasons: contender.absent === undefined ? [] : [contender.absent],
      rounds: [],
      median: {},
    };
    return { contender, result };
  });
  for (let round = 1; round <= context.options.rounds; round++) {
    for (const { contender, result } of entries) {
      if (result.status === 'absent') continue;
      await runOnce(context, scenario, contender, result);
      const last = result.rounds.at(-1);
      const reason = result.reasons.at(-1);
      log(
        `${scenario.id} ${round}/${context.options.rounds} ${contender.label}: ${
          reason ?? JSON.stringify(last, (_, value) => (value > 99 ? Math.round(value) : value))
        }`,
      );
    }
  }
  for (const { result } of entries) {
    if (result.rounds.length > 0) result.median = medianMetrics(result.rounds);
  }
  const { id, title, what, run } = scenario;
  return { id, title, what, run, contenders: entries.map(({ result }) => result) };
}
