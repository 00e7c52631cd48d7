import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Finding, QuirkName } from '../../src/bsd/probe/finding.js';
import { isOrdinary, probeStack, proposeProfile } from '../../src/bsd/probe/probe.js';
import type { StackProfile } from '../../src/bsd/profile/profile.js';
import type { QuirkFlags } from '../../src/bsd/profile/quirks.js';
import { validateProfile } from '../../src/bsd/profile/validate.js';
import { LINUX } from '../../src/bsd/profiles/linux.js';
import { PS3 } from '../../src/bsd/profiles/ps3.js';
import { SimulatedStack } from '../../src/bsd/simulation/simulated-stack.js';
import { openKoffiLibrary, PROFILES } from '../../src/stack.js';
import { deafToResets } from '../support/deaf-library.js';

/** What probing says of a simulation; nothing of it may be left open. */
function probeSimulation(profile: StackProfile): readonly Finding[] {
  const simulation = new SimulatedStack(profile);
  const findings = probeStack({ ...profile, quirks: {} }, simulation);
  assert.equal(simulation.openDescriptors, 0);
  return findings;
}

/** The findings that are otherwise than the profile has it. */
function differences({ quirks }: StackProfile, findings: readonly Finding[]): string[] {
  return findings
    .filter(({ flag, value }) => {
      if (value === null) return false;
      const wanted = quirks[flag] ?? false;
      return isOrdinary(flag, value) ? !isOrdinary(flag, wanted) : value !== wanted;
    })
    .map(({ flag, value, how }) => `${flag}: ${value} (${how})`);
}

function valueFor(findings: readonly Finding[], flag: QuirkName): Finding['value'] | undefined {
  return findings.find((finding) => finding.flag === flag)?.value;
}

describe('probing a stack', () => {
  for (const [name, profile] of Object.entries(PROFILES)) {
    if (profile.library !== null && name === 'lwip') continue;
    test(`finds the flags of ${name} in its simulation, as far as they can be tried`, () => {
      const findings = probeSimulation(profile);
      assert.deepEqual(differences(profile, findings), []);
      assert.equal(new Set(findings.map(({ flag }) => flag)).size, findings.length);
    });
  }

  test('finds no flag on Linux itself', () => {
    const findings = probeStack(LINUX);
    assert.deepEqual(differences(LINUX, findings), []);
    assert.deepEqual(
      findings.filter(({ value }) => value === null).map(({ flag }) => flag),
      ['nullTimeoutCrashes', 'longestTimeoutMs', 'sendEprototype', 'noTearDown'],
    );
  });

  const ONE_BY_ONE: readonly QuirkFlags[] = [
    // Where a failure is -1 and nothing else, a count of -1 is one with it: with both flags the library is right.
    { waitReportsSocketError: true, pollErrorCountIsMinusOne: true },
    { waitReportsSocketError: true, waitErrorConsumes: true, pollErrorCountIsMinusOne: true },
    { pollErrorCountIsMinusOne: true },
    { pollInvalidFdAborts: true },
    { fcntlErrnoWrongSign: true },
    { soErrorMissing: true },
    { soErrorStale: true },
    { connectInProgressIsWouldBlock: true },
    { connectRefusedAtOnce: true },
    { refusedIsReset: true },
    { connectFailOnlyInExcept: true },
    { connectFailInvisible: true },
    { emptySetFails: true },
    { pollZeroFails: true },
    { pollZeroReturnsAtOnce: true },
    { timeoutUnit: 'microseconds' },
    { longestTimeoutMs: 86_400_000 },
    { hupFoldedIntoIn: true },
    { selectCountsDescriptors: true },
    { descriptorTagBits: 0x4000_0000 },
    { socketTypesSwapped: true },
    { acceptForgetsNoDelay: true },
    { reuseAddressHijacks: true },
    { lingerZeroNoRst: true },
    { sendEprototype: true },
    { udpReset: true },
  ];
  for (const quirks of ONE_BY_ONE) {
    test(`finds ${JSON.stringify(quirks)}, and nothing else`, () => {
      const profile: StackProfile = { ...LINUX, name: 'made up', quirks, waits: ['poll', 'select'] };
      const findings = probeSimulation(profile);
      assert.deepEqual(differences(profile, findings), []);
      for (const [flag, value] of Object.entries(quirks)) assert.equal(valueFor(findings, flag as QuirkName), value);
    });
  }

  test('tells a count of -1 from an error that is the result', () => {
    const errorReport = { by: 'negatedResult' } as const;
    const quirks = { waitReportsSocketError: true };
    const profile: StackProfile = { ...LINUX, name: 'made up', quirks, errorReport, waits: ['poll'] };
    assert.deepEqual(differences(profile, probeSimulation(profile)), []);
  });

  test('does not take SO_LINGER for useless where every reset is read as an end', () => {
    assert.equal(valueFor(probeStack(LINUX, openKoffiLibrary(null)), 'lingerZeroNoRst'), false);
    assert.equal(valueFor(probeStack(LINUX, deafToResets()), 'lingerZeroNoRst'), null);
  });

  test('proposes a profile that is valid and keeps what could not be tried', () => {
    const wrong: StackProfile = { ...PS3, quirks: { exceptNeverSet: true, udpReset: true, lingerZeroNoRst: true } };
    const proposed = proposeProfile(wrong, probeStack(wrong, new SimulatedStack(PS3)));
    assert.deepEqual(validateProfile(JSON.parse(JSON.stringify(proposed))).quirks, proposed.quirks);
    assert.deepEqual(Object.keys(proposed.quirks).sort(), Object.keys(PS3.quirks).sort());
  });

  test('says why what could not be tried is not known', () => {
    const { poll: _poll, ...symbols } = LINUX.symbols;
    const findings = probeSimulation({ ...LINUX, symbols, waits: ['select'] });
    assert.equal(findings.find(({ flag }) => flag === 'pollZeroFails')?.how, 'the stack has no poll');
    assert.equal(valueFor(findings, 'emptySetFails'), false);
  });
});
