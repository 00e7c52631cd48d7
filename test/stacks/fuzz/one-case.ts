import { SimulatedStack } from '../../../src/bsd/simulation/simulated-stack.js';
import { Random } from '../../../src/port/random.js';
import { LINUX, openStack, type StackLibrary, type StackProfile } from '../../../src/stack.js';
import type { Limits } from './played.js';
import { Player } from './player.js';
import { describeStack, type RandomStack, randomStack } from './random-stack.js';
import type { RawPeers } from './raw-peers.js';
import { randomTraffic, type Step } from './traffic.js';

/** Where two stacks disagree. */
export interface Mismatch {
  readonly seed: number;
  readonly stack: string;
  readonly step: number;
  readonly before: readonly string[];
  readonly plain: string;
  readonly normalised: string;
}

/** A plain descriptor that no test has open, and the same distance from the lowest of the simulated one. */
const PLAIN_UNKNOWN = 900;
const UNKNOWN_OFFSET = 100;
const BLOCKING_LIMIT_MS = 50;
const STEPS_SHOWN = 40;
const MAX_CALLS = 20_000;

/** What the case of a seed is: a stack and traffic for it. */
export function caseOf(seed: number): { readonly stack: RandomStack; readonly traffic: readonly Step[] } {
  const random = new Random(seed);
  return { stack: randomStack(random), traffic: randomTraffic(random) };
}

/** Plays one case on Linux as it is and on the made-up stack; null where both behave alike. */
export function playCase(seed: number, peers: RawPeers): Mismatch | null {
  const { stack, traffic } = caseOf(seed);
  return playOn(stack, traffic, peers, seed);
}

/** The same for any stack and any traffic. */
export function playOn(stack: RandomStack, traffic: readonly Step[], peers: RawPeers, seed: number): Mismatch | null {
  const limits = limitsOf(stack.profile);
  const plain = playPlain(traffic, peers, limits);
  const normalised = playSimulated(stack, traffic, peers, limits);
  const length = Math.max(plain.length, normalised.length);
  for (let step = 0; step < length; step++) {
    if (plain[step] === normalised[step]) continue;
    return {
      seed,
      stack: describeStack(stack),
      step,
      before: plain.slice(Math.max(0, step - STEPS_SHOWN), step),
      plain: plain[step] ?? 'nothing',
      normalised: normalised[step] ?? 'nothing',
    };
  }
  return null;
}

function limitsOf({ quirks, waits }: StackProfile): Limits {
  return {
    errorsByConnect: Boolean(quirks.soErrorMissing || quirks.soErrorStale),
    refusesAtOnce: quirks.connectRefusedAtOnce ?? false,
    hidesUrgent: Boolean(quirks.exceptNeverSet) && !waits.includes('poll'),
    refusalsAreResets: quirks.refusedIsReset ?? false,
    hidesFailedConnects: quirks.connectFailInvisible ?? false,
    errorsLookLikeEnds: Boolean(quirks.soErrorMissing || quirks.soErrorStale) && !waits.includes('poll'),
    datagramErrorsLookLikeDatagrams: !waits.includes('poll'),
    forgetsOwners: Boolean(quirks.waitReportsSocketError && quirks.waitErrorConsumes),
    tellsOfRefusedDatagrams: quirks.udpReset ?? false,
    hidesHangUps: !waits.includes('poll') || (quirks.hupFoldedIntoIn ?? false),
  };
}

function playPlain(traffic: readonly Step[], peers: RawPeers, limits: Limits): readonly string[] {
  const opened = openStack(LINUX);
  const player = new Player(opened, peers, limits, PLAIN_UNKNOWN);
  try {
    player.play(traffic);
    return player.trace;
  } finally {
    player.end();
    opened.close();
  }
}

function playSimulated(
  { profile, flags }: RandomStack,
  traffic: readonly Step[],
  peers: RawPeers,
  limits: Limits,
): readonly string[] {
  const simulation = new SimulatedStack(profile, { ...flags, blockingLimitMs: BLOCKING_LIMIT_MS });
  try {
    const opened = openStack(profile, withoutSpinning(simulation));
    const unknown = (profile.limits.lowestDescriptor + UNKNOWN_OFFSET) | (profile.quirks.descriptorTagBits ?? 0);
    const player = new Player(opened, peers, limits, unknown);
    try {
      player.play(traffic);
    } catch (error) {
      player.trace.push(`throws ${error instanceof Error ? error.stack : String(error)}`);
    }
    player.end();
    opened.close();
    if (simulation.openDescriptors > 0) player.trace.push(`${simulation.openDescriptors} descriptors are left`);
    return player.trace;
  } finally {
    simulation.destroy();
  }
}

/** Ends a run whose waits never come to an end. */
function withoutSpinning(library: StackLibrary): StackLibrary {
  let calls = 0;
  return {
    name: library.name,
    lastErrno: () => library.lastErrno(),
    readInt32: (address) => library.readInt32(address),
    find: (symbol, type) => {
      const call = library.find(symbol, type);
      if (call === null) return null;
      return (...values) => {
        if (++calls > MAX_CALLS) {
          calls = 0;
          throw new Error(`More than ${MAX_CALLS} calls: it spins in ${symbol}`);
        }
        return call(...values);
      };
    },
  };
}
