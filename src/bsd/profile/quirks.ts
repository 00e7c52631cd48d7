/**
 * The flags of a profile: what a stack does otherwise than POSIX says, beyond names, numbers and layouts. A flag that
 * is absent is false, or the value that POSIX has.
 */
export interface QuirkFlags {
  /** select and poll fail with the error that is pending on some socket, results filled in. */
  readonly waitReportsSocketError?: boolean;
  /** … and have then cleared it: the socket's own next call does not hear of it. */
  readonly waitErrorConsumes?: boolean;
  /** poll's count is -1 although it has not failed. */
  readonly pollErrorCountIsMinusOne?: boolean;
  /** One invalid descriptor makes poll give up: -1, errno as before, the later entries stale. */
  readonly pollInvalidFdAborts?: boolean;
  /** fcntl's error number has the other sign. */
  readonly fcntlErrnoWrongSign?: boolean;
  /** getsockopt(SO_ERROR) fails. */
  readonly soErrorMissing?: boolean;
  /** getsockopt(SO_ERROR) gives a number of before, or of another table. */
  readonly soErrorStale?: boolean;
  /** A non-blocking connect that has begun says EWOULDBLOCK. */
  readonly connectInProgressIsWouldBlock?: boolean;
  /** A non-blocking connect may fail at once. */
  readonly connectRefusedAtOnce?: boolean;
  /** A refused connect says ECONNRESET. */
  readonly refusedIsReset?: boolean;
  /** select shows a failed connect in the third set only. */
  readonly connectFailOnlyInExcept?: boolean;
  /** poll does not show a failed connect at all. */
  readonly connectFailInvisible?: boolean;
  /** select never sets the third set. */
  readonly exceptNeverSet?: boolean;
  /** select of no descriptor fails. */
  readonly emptySetFails?: boolean;
  /** poll of no entry fails. */
  readonly pollZeroFails?: boolean;
  /** poll of no entry returns at once, whatever its timeout. */
  readonly pollZeroReturnsAtOnce?: boolean;
  /** The unit of poll's and epoll_wait's timeout. */
  readonly timeoutUnit?: 'milliseconds' | 'microseconds';
  /** select may not be given NULL for its timeout. */
  readonly nullTimeoutCrashes?: boolean;
  /** Waits longer than this fail or return early. */
  readonly longestTimeoutMs?: number;
  /** poll says POLLIN where others say POLLHUP. */
  readonly hupFoldedIntoIn?: boolean;
  /** select counts descriptors, not bits. */
  readonly selectCountsDescriptors?: boolean;
  /** Descriptors carry these bits above their number; in an fd_set only the number counts. */
  readonly descriptorTagBits?: number;
  /** SOCK_STREAM and SOCK_DGRAM have each other's value. */
  readonly socketTypesSwapped?: boolean;
  /** An accepted socket has its listener's non-blocking mode. */
  readonly acceptInheritsNonBlocking?: boolean;
  /** An accepted socket does not have its listener's TCP_NODELAY. */
  readonly acceptForgetsNoDelay?: boolean;
  /** Every call fails until the set-up has been made. */
  readonly needsInit?: boolean;
  /** There is no way back from the set-up: a process of its own for each use. */
  readonly noTearDown?: boolean;
  /** A datagram socket's receive fails with ECONNRESET when an earlier datagram found nobody. */
  readonly udpReset?: boolean;
  /** SO_LINGER {1,0} does not make a close send a RST, unless sent bytes are unacknowledged. */
  readonly lingerZeroNoRst?: boolean;
  /** SO_REUSEADDR lets a second socket take a port that is in use: listeners must not set it (Winsock). */
  readonly reuseAddressHijacks?: boolean;
  /** A send to a connection that is going away may say EPROTOTYPE, once. */
  readonly sendEprototype?: boolean;
}
