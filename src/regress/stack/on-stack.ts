import { probeStack } from '../../bsd/probe/probe.js';
import { openProactor } from '../../sockets/default-proactor.js';
import type { RunTarget } from '../command.js';
import type { RegressOptions } from '../options.js';
import type { Scenario } from '../scenario.js';
import { namedStack } from './probe-command.js';
import { whyUnreachable } from './reach.js';
import { stackScenarios } from './scenarios.js';

/**
 * Runs the scenarios on a socket stack: first a scenario for each flag, then those of every driver, on the readiness
 * driver over the stack. Where no peer reaches the stack, these are skipped and say so.
 */
export async function onStack(
  name: string,
  options: RegressOptions,
  run: (target: RunTarget) => Promise<number>,
): Promise<number> {
  const source = namedStack(name, options.simulation);
  const findings = probeStack(source.profile, source.makeLibrary());
  const stack = source.open();
  const { lowestDescriptor, highestDescriptor } = source.profile.limits;
  try {
    const unreachable = await whyUnreachable(stack);
    const skip = (scenario: Scenario): Scenario => ({
      ...scenario,
      run: async (context) => context.notApplicable(unreachable),
    });
    const scenarios = unreachable === '' ? options.scenarios : options.scenarios.map(skip);
    return await run({
      title: `the stack ${source.title}`,
      drivers: ['readiness'],
      scenarios: [...stackScenarios(source.profile, findings), ...scenarios],
      makeProactor: () => openProactor({ stack }),
      mostSockets: highestDescriptor - lowestDescriptor + 1,
    });
  } finally {
    stack.close();
  }
}
