import type { OpenStack } from '../../../bsd/open-stack.js';
import type { Finding } from '../../../bsd/probe/finding.js';
import type { OpenPeer } from '../../peer-transport.js';

/** A stack on trial, for whoever wants to find out what it cannot do. */
export interface StackTrial {
  readonly open: OpenStack;
  /** What probing has found. */
  readonly findings: readonly Finding[];
  /** Peers that live on the stack. */
  readonly openPeer: OpenPeer;
}

/** What a stack cannot do that some scenarios need: they are skipped for this reason, and for no other. */
export interface ScenarioLimit {
  /** Ids of scenarios, as globs. */
  readonly scenarios: readonly string[];
  /** What forbids them, and where that is written or how it was measured. */
  readonly reason: string;
  /** Tries whether the stack has the limit, here and now. Absent: whoever lists it for a stack knows. */
  readonly holds?: (trial: StackTrial) => boolean | Promise<boolean>;
}
