import { ExpectationError } from '../expectations.js';
import type { WireCapture, WireTrace } from './capture.js';
import { type CloseClaim, judgeClaim } from './claims.js';
import { WireScope, type WireSide } from './scope.js';

/** How long the wire is waited for to show what a close says. On loopback it has, before anybody can ask. */
const SHOWN_WITHIN_MS = 250;

/** Watches the wire for one scenario, and holds the results of closes against it. */
export class WireWitness {
  readonly scope = new WireScope();
  readonly #capture: WireCapture;
  #lost = '';

  constructor(capture: WireCapture) {
    this.#capture = capture;
  }

  /** Why there is no evidence, where the capture itself has failed; ''. */
  get lost(): string {
    return this.#lost;
  }

  async begin(): Promise<void> {
    await this.#guard(() => this.#capture.begin());
  }

  /** Somebody listens on these ports, or has bound them: nothing has been sent there yet. */
  async own(ports: readonly number[], side: WireSide): Promise<void> {
    for (const port of ports) this.scope.own(port, side);
    await this.#guard(() => this.#capture.include(...ports));
  }

  /** The whole trace, once it shows what each close says, or has had the time to; null where it was lost. */
  async end(claims: readonly CloseClaim[]): Promise<WireTrace | null> {
    const shown = ({ segments, dropped }: WireTrace) =>
      claims.every((claim) => judgeClaim(claim, segments, dropped).verdict !== 'contradicted');
    return this.#guard(() => this.#capture.end(shown, SHOWN_WITHIN_MS));
  }

  /** A capture that fails must not fail the scenario: it was the witness that went away, not the contract. */
  async #guard<T>(work: () => Promise<T>): Promise<T | null> {
    if (this.#lost !== '') return null;
    try {
      return await work();
    } catch (error) {
      this.#lost = (error as Error).message;
      return null;
    }
  }
}

/** The expectations that the wire bears out. Throws ExpectationError for the first that it contradicts. */
export function expectClaims(claims: readonly CloseClaim[], trace: WireTrace): string[] {
  return claims.flatMap((claim) => {
    const what = `the ${claim.sent} that ${claim.verb} says it sent is on the wire`;
    const judged = judgeClaim(claim, trace.segments, trace.dropped);
    if (judged.verdict === 'contradicted') throw new ExpectationError(what, `${claim.socket}: ${judged.saw}`);
    return judged.verdict === 'holds' ? [what] : [];
  });
}
