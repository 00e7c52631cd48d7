import { probeStack } from '../../bsd/probe/probe.js';
import { openProactor } from '../../sockets/default-proactor.js';
import type { RunTarget } from '../command.js';
import type { RegressOptions } from '../options.js';
import { openStackPeer } from '../stack-peer/transport.js';
import { namedStack } from './probe-command.js';
import { isReachable } from './reach.js';
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
    const scenarios = options.scenarios;
    const openPeer = (await isReachable(stack)) ? undefined : openStackPeer(stack, source.abort);
    return await run({
      title: `the stack ${source.title}`,
      drivers: ['readiness'],
      scenarios: [...stackScenarios(source.profile, findings), ...scenarios],
      makeProactor: () => openProactor({ stack }),
      openPeer,
      mostSockets: highestDescriptor - lowestDescriptor + 1,
    });
  } finally {
    stack.close();
  }
}
