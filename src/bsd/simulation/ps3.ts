import { PS3 } from '../profiles/ps3.js';
import type { SimulationFlags } from './flags.js';
import { SimulatedStack } from './simulated-stack.js';

/**
 * How a PlayStation 3 misbehaves, as far as that is known from headers, emulators and the report of the quirk that
 * select and poll have (src/bsd/profiles/ps3.ts has the sources). What nobody has published is set to what is easiest
 * to live with: the first entry's error is told, it stays pending, and only for sockets that the call asks about.
 */
export const PS3_FLAGS: SimulationFlags = {
  waitReportsSocketError: true,
  waitErrorConsumes: false,
  waitErrorWins: 'first',
  waitErrorNeedsEvents: false,
  waitErrorFromOutside: false,
  pollErrorCountIsMinusOne: true,
  exceptNeverSet: true,
  emptySetFails: true,
  pollZeroReturnsAtOnce: true,
  hupFoldedIntoIn: true,
  selectCountsDescriptors: true,
  acceptInheritsNonBlocking: true,
  needsInit: true,
  errorBeforeSetUp: 'EBUSY',
  onlyIPv4: true,
  listenNeedsBacklog: true,
  emptyReceiveFails: true,
  shortAddressRoomFails: true,
};

/**
 * A PlayStation 3's sockets on this machine's: give it to `openStack(PS3, simulatePs3())` and run a port on it. Each flag
 * can be set otherwise, above all those that nobody knows: `simulatePs3({ waitErrorConsumes: true })`.
 *
 * Sockets are real ones on the host's network. IPv4 only; ids from 24 to 1023. Linux only.
 */
export function simulatePs3(flags: SimulationFlags = {}): SimulatedStack {
  return new SimulatedStack(PS3, { ...PS3_FLAGS, ...flags });
}
