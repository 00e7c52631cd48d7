import { probeStack } from '../../bsd/probe/probe.js';
import { openProactor } from '../../sockets/default-proactor.js';
import type { RunTarget } from '../command.js';
import type { RegressOptions } from '../options.js';
import { openStackPeer } from '../stack-peer/transport.js';
import { applyLimits, limitsOf } from './limits/apply.js';
import { namedStack } from './probe-command.js';
import { isReachable } from './reach.js';
import { stackScenarios } from './scenarios.js';

const STACK_PEER = "on the stack itself, by the stack's own calls: node:net does not reach it";

/**
 * Runs the scenarios on a socket stack: first a scenario for each flag, then those of every driver, on the readiness
 * driver over the stack. Where node:net does not reach the stack, their peer lives on it. What the stack cannot do is
 * skipped for a reason that is known and, where it may be otherwise elsewhere, tried.
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
    const onTheStack = openStackPeer(stack, source.abort);
    const openPeer = (await isReachable(stack)) ? undefined : onTheStack;
    const trial = { open: stack, findings, openPeer: onTheStack };
    const scenarios = await applyLimits(options.scenarios, limitsOf(source.profile.library), trial);
    return await run({
      title: `the stack ${source.title}`,
      drivers: ['readiness'],
      scenarios: [...stackScenarios(source.profile, findings), ...scenarios],
      makeProactor: () => openProactor({ stack }),
      openPeer,
      peer: openPeer === undefined ? undefined : STACK_PEER,
      mostSockets: highestDescriptor - lowestDescriptor + 1,
    });
  } finally {
    stack.close();
  }
}
