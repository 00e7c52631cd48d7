import type { PollConstants } from '../profile/profile.js';
import { POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLPRI } from './waiter.js';

/** What may be asked for; the others are always reported and never asked for (poll(2)), and some stacks refuse them. */
export const ASKED = POLLIN | POLLPRI | POLLOUT;

/** All of the normalised bits. */
export const ALL_BITS = POLLIN | POLLPRI | POLLOUT | POLLERR | POLLHUP | POLLNVAL;

/** Translates between the normalised bits of poll and a stack's own. */
export class PollBits {
  /** The stack's bits for each combination of ASKED. */
  readonly native: Uint32Array;
  readonly #pairs: readonly (readonly [native: number, bit: number])[];
  /** The stack has POSIX's bits, in the places that Linux and the BSDs have them. */
  readonly identical: boolean;

  constructor(constants: PollConstants) {
    this.#pairs = (
      [
        [constants.POLLIN, POLLIN],
        [constants.POLLPRI, POLLPRI],
        [constants.POLLOUT, POLLOUT],
        [constants.POLLERR, POLLERR],
        [constants.POLLHUP, POLLHUP],
        [constants.POLLNVAL, POLLNVAL],
      ] as const
    ).filter(([native]) => native !== 0);
    this.identical = this.#pairs.length === 6 && this.#pairs.every(([native, bit]) => native === bit);
    this.native = Uint32Array.from({ length: ASKED + 1 }, (_, events) =>
      this.#pairs.reduce((bits, [native, bit]) => ((events & ASKED & bit) !== 0 ? bits | native : bits), 0),
    );
  }

  /** The normalised bits of a stack's answer. A bit that stands for several (Winsock's POLLIN) counts if any is set. */
  normal(answer: number): number {
    if (this.identical) return answer & ALL_BITS;
    let bits = 0;
    for (const [native, bit] of this.#pairs) if ((answer & native) !== 0) bits |= bit;
    return bits;
  }
}
