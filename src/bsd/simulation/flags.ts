import type { QuirkFlags } from '../profile/quirks.js';

/**
 * How a simulation misbehaves: each flag of a profile, and besides what is not known of the stacks that have the
 * quirk. A profile says what the library makes up for; these say what there is to make up for.
 */
export interface SimulationFlags extends QuirkFlags {
  /** Whose error a wait reports where several are pending: by the order of the call's entries, or by descriptor. */
  readonly waitErrorWins?: 'first' | 'last' | 'lowest';
  /** Entries that ask for no event do not make poll fail. */
  readonly waitErrorNeedsEvents?: boolean;
  /** A pending error makes a wait fail even where the socket is not among those it was asked about. */
  readonly waitErrorFromOutside?: boolean;
  /** What a wait over the longest timeout does; it fails unless told otherwise. */
  readonly longTimeout?: 'fails' | 'returnsEarly';
  /** About every so many waits one is interrupted by a signal that nobody sent: EINTR. 0, the default, is never. */
  readonly interruptEveryNthWait?: number;
  /** Descriptors are multiples of 4 from a large number on, as handles are, and none comes back soon. */
  readonly scatteredDescriptors?: boolean;
  /** What calls fail with before the set-up, for `needsInit`; EBUSY unless told otherwise. */
  readonly errorBeforeSetUp?: string;
  /** Sockets of no other family are given, whatever numbers the headers have. */
  readonly onlyIPv4?: boolean;
  /** listen() with a backlog of 0 or less is EINVAL. */
  readonly listenNeedsBacklog?: boolean;
  /** A receive of 0 bytes is EINVAL. */
  readonly emptyReceiveFails?: boolean;
  /** Room for less than a whole address is EINVAL, where others cut the address short. */
  readonly shortAddressRoomFails?: boolean;
  /**
   * How long a call on a blocking socket may hold the only thread there is, before it fails with EDEADLK. 5000 unless
   * told otherwise.
   */
  readonly blockingLimitMs?: number;
}
