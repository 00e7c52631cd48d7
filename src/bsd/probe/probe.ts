import { StackCalls } from '../library/calls.js';
import { openKoffiLibrary } from '../library/koffi.js';
import type { StackLibrary } from '../library/library.js';
import { makeSetUpCalls } from '../normalised/set-up.js';
import type { StackProfile } from '../profile/profile.js';
import type { QuirkFlags } from '../profile/quirks.js';
import { validateProfile } from '../profile/validate.js';
import { ProbeBench } from './bench.js';
import { probeConnectBegun, probeConnectFails, probeSoError } from './connects.js';
import { type Finding, found, type QuirkName, unknown } from './finding.js';
import { probeAccepted, probeDescriptors, probeFcntl, probeReuse, probeTypes } from './sockets.js';
import { probeLinger, probeRefusedDatagram, probeSends } from './transfers.js';
import {
  probeAnswers,
  probeInvalidEntry,
  probeNobody,
  probeTimeouts,
  probeTimeoutUnit,
  probeWaitErrors,
} from './waits.js';

type Probe = readonly [flags: readonly QuirkName[], run: (bench: ProbeBench) => Finding[]];

/** In this order: each may need what those before it have found. */
const PROBES: readonly Probe[] = [
  [['socketTypesSwapped'], probeTypes],
  [['descriptorTagBits'], probeDescriptors],
  [['fcntlErrnoWrongSign'], probeFcntl],
  [['connectInProgressIsWouldBlock'], probeConnectBegun],
  [['soErrorMissing', 'soErrorStale'], probeSoError],
  [['timeoutUnit'], probeTimeoutUnit],
  [['emptySetFails', 'pollZeroFails', 'pollZeroReturnsAtOnce'], probeNobody],
  [['nullTimeoutCrashes', 'longestTimeoutMs'], probeTimeouts],
  [['pollInvalidFdAborts'], probeInvalidEntry],
  [['waitReportsSocketError', 'waitErrorConsumes', 'pollErrorCountIsMinusOne'], probeWaitErrors],
  [
    ['connectRefusedAtOnce', 'refusedIsReset', 'connectFailOnlyInExcept', 'connectFailInvisible', 'exceptNeverSet'],
    probeConnectFails,
  ],
  [['selectCountsDescriptors', 'hupFoldedIntoIn'], probeAnswers],
  [['acceptInheritsNonBlocking', 'acceptForgetsNoDelay'], probeAccepted],
  [['reuseAddressHijacks'], probeReuse],
  [['lingerZeroNoRst'], probeLinger],
  [['sendEprototype'], probeSends],
  [['udpReset'], probeRefusedDatagram],
];

/** Flags without which the probes after them could not so much as open a socket, or ask about one. */
const NEEDED_BY_PROBES: readonly QuirkName[] = [
  'socketTypesSwapped',
  'descriptorTagBits',
  'fcntlErrnoWrongSign',
  'soErrorMissing',
  'soErrorStale',
  'timeoutUnit',
];

/**
 * Finds out which flags a stack needs, by trying it on its own loopback with nothing made up for: names, numbers and
 * layouts are taken from the profile, its flags are not. Everything is closed afterwards. Takes some seconds at most.
 *
 * `library` as for `openStack`, and not opened by it before: set-up and tear-down are tried as well. Throws what
 * `openStack` throws for what is no profile or has no library.
 */
export function probeStack(profile: StackProfile, library?: StackLibrary): readonly Finding[] {
  const bare: StackProfile = { ...validateProfile(profile), quirks: {} };
  const functions = library ?? openKoffiLibrary(profile.library);
  const findings: Finding[] = [probeNeedsInit(bare, functions)];
  makeSetUpCalls(new StackCalls(bare, functions), bare.setUp, 'setUp');
  let quirks: Record<string, unknown> = {};
  for (const [flags, run] of PROBES) {
    const bench = new ProbeBench(new StackCalls({ ...bare, quirks: quirks as QuirkFlags }, functions));
    const seen = tryOne(bench, flags, run);
    findings.push(...seen);
    for (const { flag, value } of seen) {
      if (value !== null && NEEDED_BY_PROBES.includes(flag)) quirks = { ...quirks, [flag]: value };
    }
  }
  findings.push(probeTearDown(bare, functions));
  return findings;
}

/** The profile with the flags that were found. A flag that could not be tried stays what it is in the profile. */
export function proposeProfile(profile: StackProfile, findings: readonly Finding[]): StackProfile {
  const quirks: Record<string, unknown> = { ...profile.quirks };
  for (const { flag, value } of findings) {
    if (value === null) continue;
    if (isOrdinary(flag, value)) delete quirks[flag];
    else quirks[flag] = value;
  }
  return { ...profile, quirks: quirks as QuirkFlags };
}

/** Whether a flag with this value says what POSIX says. */
export function isOrdinary(flag: QuirkName, value: Finding['value']): boolean {
  return value === false || value === 'milliseconds' || (flag === 'descriptorTagBits' && value === 0);
}

function tryOne(bench: ProbeBench, flags: readonly QuirkName[], run: (bench: ProbeBench) => Finding[]): Finding[] {
  try {
    return run(bench);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return flags.map((flag) => unknown(flag, why));
  } finally {
    bench.clear();
  }
}

/** A socket before the set-up. */
function probeNeedsInit(profile: StackProfile, library: StackLibrary): Finding {
  if (profile.setUp.length === 0) return found('needsInit', false, 'the profile has no set-up');
  const { AF_INET, SOCK_STREAM } = profile.constants;
  const calls = new StackCalls(profile, library);
  const named = profile.types?.socket?.parameters[0] === 'memory';
  const socket = calls.get('socket');
  const result = named ? socket(Buffer.from('probe\0'), AF_INET, SOCK_STREAM, 0) : socket(AF_INET, SOCK_STREAM, 0);
  if (result < 0) {
    const code = calls.errors.table.name(-calls.failure(result));
    return found('needsInit', true, `a socket before the set-up fails with ${code}`);
  }
  calls.get('close')(result);
  return unknown('needsInit', 'a socket can be opened before the set-up, which the process may have made already');
}

/** The way back, and once more the way there. */
function probeTearDown(profile: StackProfile, library: StackLibrary): Finding {
  const calls = new StackCalls(profile, library);
  if (profile.setUp.length === 0) return unknown('noTearDown', 'the profile has no set-up');
  if (profile.tearDown.length === 0) return found('noTearDown', true, 'the profile has no tear-down');
  try {
    makeSetUpCalls(calls, profile.tearDown, 'tearDown');
    makeSetUpCalls(calls, profile.setUp, 'setUp');
    makeSetUpCalls(calls, profile.tearDown, 'tearDown');
    return found('noTearDown', false, 'the stack was taken down, set up again and taken down');
  } catch (error) {
    return found('noTearDown', true, error instanceof Error ? error.message : String(error));
  }
}
