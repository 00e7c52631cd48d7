import type { Random } from '../../../src/port/random.js';
import { pick } from './random-stack.js';

/** What one step does. Which socket, how much, what is asked: drawn beforehand, so that every stack gets the same. */
export interface Step {
  readonly kind: StepKind;
  /** Chooses among the sockets that there are when the step comes. */
  readonly socket: number;
  readonly amount: number;
  /** Further draws, for steps that choose more. */
  readonly draws: readonly number[];
}

export const STEP_KINDS = [
  'connect',
  'accept',
  'connectRefused',
  'datagramSocket',
  'connectDatagram',
  'send',
  'sendAt',
  'recv',
  'recvAt',
  'fill',
  'unread',
  'shutdown',
  'takeError',
  'connectAgain',
  'names',
  'option',
  'close',
  'abort',
  'peerSend',
  'peerUrgent',
  'peerReceive',
  'peerShutdown',
  'peerReset',
  'peerClose',
  'sendDatagram',
  'receiveDatagrams',
  'peerDatagram',
  'poll',
  'select',
  'waitForNothing',
] as const;

export type StepKind = (typeof STEP_KINDS)[number];

/** Steps that are drawn more often than the others. */
const FREQUENT: readonly StepKind[] = [
  'connect',
  'accept',
  'connectRefused',
  'send',
  'recv',
  'recv',
  'peerSend',
  'peerSend',
  'peerReset',
  'peerReset',
  'poll',
  'poll',
  'poll',
  'poll',
  'select',
  'select',
  'select',
];

const DRAWS = 24;
const MAX_AMOUNT = 3000;

export function randomTraffic(random: Random): readonly Step[] {
  return Array.from({ length: 12 + random.below(40) }, (_, i) => ({
    kind:
      i === 0 ? pick<StepKind>(random, ['connect', 'accept']) : pick<StepKind>(random, [...STEP_KINDS, ...FREQUENT]),
    socket: random.below(1 << 20),
    amount: random.chance(0.1) ? 0 : 1 + random.below(MAX_AMOUNT),
    draws: Array.from({ length: DRAWS }, () => random.below(1 << 16)),
  }));
}
