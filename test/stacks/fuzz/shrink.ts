import { caseOf, type Mismatch, playOn } from './one-case.js';
import type { RandomStack } from './random-stack.js';
import type { RawPeers } from './raw-peers.js';
import type { Step } from './traffic.js';

/** The smallest case found that still fails: without the flags and the steps that it can do without. */
export function shrink(found: Mismatch, peers: RawPeers): Mismatch {
  let smallest = found;
  let { stack, traffic }: { stack: RandomStack; traffic: readonly Step[] } = caseOf(found.seed);
  const fails = (candidate: RandomStack, steps: readonly Step[]): boolean => {
    const mismatch = playOn(candidate, steps, peers, found.seed);
    if (mismatch === null) return false;
    smallest = mismatch;
    return true;
  };
  for (const flag of Object.keys(stack.flags)) {
    const candidate = withoutFlag(stack, flag);
    if (fails(candidate, traffic)) stack = candidate;
  }
  for (let i = traffic.length - 1; i >= 0; i--) {
    const steps = traffic.filter((_, index) => index !== i);
    if (fails(stack, steps)) traffic = steps;
  }
  return smallest;
}

function withoutFlag({ profile, flags }: RandomStack, name: string): RandomStack {
  const without = <T extends object>(object: T): T =>
    Object.fromEntries(Object.entries(object).filter(([key]) => key !== name)) as T;
  return { profile: { ...profile, quirks: without(profile.quirks) }, flags: without(flags) };
}
