import type { Finding } from '../../bsd/probe/finding.js';
import { isOrdinary } from '../../bsd/probe/probe.js';
import type { StackProfile } from '../../bsd/profile/profile.js';
import { QUIRK_NOTES } from '../../bsd/profile/quirk-notes.js';
import type { ScenarioContext } from '../context.js';
import type { Scenario } from '../scenario.js';

/** A scenario for each flag of a stack's profile: what the stack was found to need, the profile must have. */
export function stackScenarios(profile: StackProfile, findings: readonly Finding[]): readonly Scenario[] {
  return findings.map((finding) => ({
    id: `stack/${finding.flag}`,
    checks: QUIRK_NOTES[finding.flag].does,
    contract: 'the profile makes up for what the stack does otherwise than POSIX says (docs/quirks.md)',
    run: async (context) => expectFlag(context, profile, finding),
  }));
}

function expectFlag(context: ScenarioContext, profile: StackProfile, { flag, value, how }: Finding): void {
  const has = profile.quirks[flag] ?? false;
  if (value === null) context.notApplicable(`not known: ${how}`);
  const needs = isOrdinary(flag, value) ? 'the stack does not need the flag' : `the stack needs ${flag}: ${value}`;
  // A flag that is not needed does no harm: the library is right with it, and somewhat slower.
  const holds = isOrdinary(flag, value) ? isHarmless(flag, has) : has === value;
  context.expect(`${needs} (${how})`, holds, `the profile has ${String(has)}`);
}

/** A unit, bits or a mode that is not the stack's own is wrong; anything else is looked for and not found. */
function isHarmless(flag: Finding['flag'], has: unknown): boolean {
  const changesCalls = ['timeoutUnit', 'descriptorTagBits', 'socketTypesSwapped', 'acceptInheritsNonBlocking'];
  return !changesCalls.includes(flag) || isOrdinary(flag, has as Finding['value']);
}
