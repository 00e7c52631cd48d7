import { PROFILES } from '../../../bsd/profiles/index.js';
import { globMatches } from '../../glob.js';
import type { Scenario } from '../../scenario.js';
import { ANY_STACK_LIMITS } from './any-stack.js';
import type { ScenarioLimit, StackTrial } from './limit.js';
import { LWIP_LIMITS } from './lwip.js';
import { WINSOCK_LIMITS } from './winsock.js';

/** The limits that are known of the library that the profile describes, whatever the profile calls itself. */
export function limitsOf(library: string | null): readonly ScenarioLimit[] {
  if (library === PROFILES['lwip']?.library) return [...ANY_STACK_LIMITS, ...LWIP_LIMITS];
  if (library === PROFILES['winsock']?.library) return [...ANY_STACK_LIMITS, ...WINSOCK_LIMITS];
  return ANY_STACK_LIMITS;
}

/**
 * The scenarios, with those that a limit forbids skipped for its reason. A limit of which no scenario was selected is
 * not tried.
 */
export async function applyLimits(
  scenarios: readonly Scenario[],
  limits: readonly ScenarioLimit[],
  trial: StackTrial,
): Promise<readonly Scenario[]> {
  const reasons = new Map<Scenario, string>();
  for (const { scenarios: globs, reason, holds } of limits) {
    const concerned = scenarios.filter(({ id }) => globs.some((glob) => globMatches(glob, id)));
    if (concerned.length === 0 || (holds !== undefined && !(await holds(trial)))) continue;
    for (const scenario of concerned) reasons.set(scenario, reason);
  }
  return scenarios.map((scenario) => {
    const limit = reasons.get(scenario);
    if (limit === undefined) return scenario;
    return { ...scenario, limit, run: async (context) => context.notApplicable(limit) };
  });
}
