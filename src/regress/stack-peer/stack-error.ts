import type { BsdStack } from '../../bsd/stack.js';

/** The peer's call has failed, with the negated native number `result`. */
export function stackError(stack: BsdStack, call: string, result: number): NodeJS.ErrnoException {
  const code = stack.errors.name(-result);
  return Object.assign(new Error(`${call} on ${stack.name}: ${code}`), { code });
}

/** What was asked of the peer cannot be done on its stack. */
export class PeerCannot extends Error {
  override name = 'PeerCannot';
}
