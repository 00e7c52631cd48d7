import type { QuirkFlags } from './quirks.js';

/** What is to be known of a flag. docs/quirks.md is made from these. */
export interface QuirkNote {
  /** What the stack does. */
  readonly does: string;
  /** How `overlapped probe-stack` finds it; or why it cannot. */
  readonly recognised: string;
  /** What the library makes of it, and where below src/bsd. */
  readonly normalised: string;
  /** How `SimulatedStack` does it, and where below src/bsd/simulation. */
  readonly simulated: string;
}

/** Every flag of a profile, in the order in which a porter meets them. */
export const QUIRK_NOTES: Readonly<Record<keyof QuirkFlags, QuirkNote>> = {
  needsInit: {
    does: 'Every call fails until the set-up has been made.',
    recognised: 'A socket is opened before the calls of `setUp`. Where that works it proves nothing.',
    normalised: '`setUp` and `tearDown` are called by openStack() and close(): normalised/set-up.ts.',
    simulated: 'Calls fail with EBUSY, or `errorBeforeSetUp`: simulated-stack.ts.',
  },
  noTearDown: {
    does: 'There is no way back from the set-up.',
    recognised: 'The stack is taken down and set up once more.',
    normalised: 'Set up once a thread, and never taken down: normalised/open.ts.',
    simulated: 'There are no tear-down calls, and a second set-up is EBUSY: simulated-stack.ts.',
  },
  socketTypesSwapped: {
    does: 'SOCK_STREAM and SOCK_DGRAM have each other’s value.',
    recognised: 'Which of the two types listens.',
    normalised: 'The other number is given to socket(): normalised/stack.ts.',
    simulated: 'connections.ts.',
  },
  descriptorTagBits: {
    does: 'Descriptors carry these bits above their number; in an fd_set only the number counts.',
    recognised: 'Bits that four descriptors have in common, where they are larger than any count.',
    normalised: 'The bits are masked for fd_set and nfds: waiting/fd-set.ts, waiting/native-select.ts.',
    simulated: 'descriptors.ts.',
  },
  fcntlErrnoWrongSign: {
    does: 'fcntl’s error number has the other sign.',
    recognised: 'fcntl of a closed descriptor.',
    normalised: 'The sign is dropped, for fcntl alone: normalised/non-blocking.ts.',
    simulated: 'simulated-stack.ts.',
  },
  acceptInheritsNonBlocking: {
    does: 'An accepted socket has its listener’s non-blocking mode.',
    recognised: 'The mode of an accepted socket is read; ioctl cannot read it.',
    normalised: 'The call that would make it non-blocking is saved: normalised/stack.ts.',
    simulated: 'connections.ts.',
  },
  acceptForgetsNoDelay: {
    does: 'An accepted socket does not have its listener’s TCP_NODELAY.',
    recognised: 'The option of an accepted socket is read.',
    normalised: 'It is set again after each accept: normalised/stack.ts.',
    simulated: 'connections.ts.',
  },
  connectInProgressIsWouldBlock: {
    does: 'A non-blocking connect that has begun says EWOULDBLOCK.',
    recognised: 'What a connect to a listener says.',
    normalised: 'It becomes EINPROGRESS: normalised/stack.ts.',
    simulated: 'connections.ts.',
  },
  connectRefusedAtOnce: {
    does: 'A non-blocking connect may fail at once.',
    recognised: 'What a connect to a port says where nobody listens.',
    normalised: 'An error that is not of a connect in progress ends it: normalised/stack.ts.',
    simulated: 'connections.ts.',
  },
  refusedIsReset: {
    does: 'A refused connect says ECONNRESET.',
    recognised: 'With which error such a connect fails.',
    normalised: 'While a socket connects, ECONNRESET is ECONNREFUSED: normalised/connects.ts.',
    simulated: 'errors.ts.',
  },
  soErrorMissing: {
    does: 'getsockopt(SO_ERROR) fails.',
    recognised: 'It is asked of a new socket.',
    normalised: 'A second connect is asked, which says EISCONN or the error: normalised/stack.ts.',
    simulated: 'options.ts.',
  },
  soErrorStale: {
    does: 'getsockopt(SO_ERROR) gives a number of before, or of another table.',
    recognised: 'It is asked of a new, a connected and a refused socket.',
    normalised: 'As for `soErrorMissing`.',
    simulated: 'options.ts.',
  },
  waitReportsSocketError: {
    does: 'select and poll fail with the error that is pending on some socket, results filled in.',
    recognised: 'poll, or select, of a connection that the other end has reset.',
    normalised: 'The call has succeeded; n is counted from the answers: waiting/native-poll.ts, native-select.ts.',
    simulated: 'wait.ts; which error wins, and whose count, are flags of their own: flags.ts.',
  },
  waitErrorConsumes: {
    does: '… and have then cleared it: the socket’s own next call does not hear of it.',
    recognised: 'What recv says after such a wait.',
    normalised: 'The error is kept for the socket’s own next call: waiting/consumed-errors.ts, pending-errors.ts.',
    simulated: 'wait.ts.',
  },
  pollErrorCountIsMinusOne: {
    does: 'poll’s count is -1 although it has not failed.',
    recognised:
      'poll gives -1 and has filled in an answer. Where every failure is -1, `waitReportsSocketError` is too.',
    normalised: 'n is counted from the answers; where there are none each entry is asked: waiting/native-poll.ts.',
    simulated: 'poll.ts.',
  },
  pollInvalidFdAborts: {
    does: 'One invalid descriptor makes poll give up: -1, errno as before, the later entries stale.',
    recognised: 'poll of a closed descriptor between two that are ready.',
    normalised: 'The answers are zeroed before, and what stands behind is polled by itself: waiting/native-poll.ts.',
    simulated: 'poll.ts.',
  },
  connectFailOnlyInExcept: {
    does: 'select shows a failed connect in the third set only.',
    recognised: 'select of a refused connect, in all three sets.',
    normalised: 'Whoever is asked for is watched in the third set as well: waiting/native-select.ts.',
    simulated: 'select.ts.',
  },
  connectFailInvisible: {
    does: 'poll does not show a failed connect at all.',
    recognised: 'poll of a refused connect.',
    normalised: 'SO_ERROR is asked between short waits: waiting/native-poll.ts.',
    simulated: 'poll.ts.',
  },
  exceptNeverSet: {
    does: 'select never sets the third set.',
    recognised: 'select of a refused connect and of urgent data, where that can be sent.',
    normalised: 'poll is asked instead where there is one: waiting/profile-waiter.ts.',
    simulated: 'select.ts.',
  },
  emptySetFails: {
    does: 'select of no descriptor fails.',
    recognised: 'It is called.',
    normalised: 'The thread sleeps by itself: waiting/profile-waiter.ts.',
    simulated: 'select.ts.',
  },
  pollZeroFails: {
    does: 'poll of no entry fails.',
    recognised: 'It is called.',
    normalised: 'The thread sleeps by itself: waiting/profile-waiter.ts.',
    simulated: 'poll.ts.',
  },
  pollZeroReturnsAtOnce: {
    does: 'poll of no entry returns at once, whatever its timeout.',
    recognised: 'How long 40 ms take.',
    normalised: 'The thread sleeps by itself: waiting/profile-waiter.ts.',
    simulated: 'poll.ts.',
  },
  timeoutUnit: {
    does: 'The unit of poll’s and epoll_wait’s timeout.',
    recognised: 'How long poll waits when it is given 40.',
    normalised: 'Converted, rounded up: waiting/timeouts.ts.',
    simulated: 'timeouts.ts.',
  },
  longestTimeoutMs: {
    does: 'Waits longer than this fail or return early.',
    recognised: 'The longest timeout that poll takes. Those that return early are not seen.',
    normalised: 'A long wait is made of several: waiting/timeouts.ts.',
    simulated: 'timeouts.ts.',
  },
  nullTimeoutCrashes: {
    does: 'select may not be given NULL for its timeout.',
    recognised: 'Not: trying it may end the process.',
    normalised: 'A wait for ever is one of the longest length, again and again: waiting/timeouts.ts.',
    simulated: 'EFAULT: select.ts.',
  },
  hupFoldedIntoIn: {
    does: 'poll says POLLIN where others say POLLHUP.',
    recognised: 'poll of a connection that is over in both directions.',
    normalised: 'What is readable, at its end and not connected has hung up: waiting/native-poll.ts.',
    simulated: 'poll.ts.',
  },
  selectCountsDescriptors: {
    does: 'select counts descriptors, not bits.',
    recognised: 'select of one socket in two sets.',
    normalised: 'Nobody looks at the count: waiting/native-select.ts.',
    simulated: 'select.ts.',
  },
  udpReset: {
    does: 'A datagram socket’s receive fails with ECONNRESET when an earlier datagram found nobody.',
    recognised: 'A receive after a datagram to a port where nobody is.',
    normalised: 'Unconnected sockets receive again: normalised/datagrams.ts.',
    simulated: 'transfers.ts, by IP_RECVERR.',
  },
  lingerZeroNoRst: {
    does: 'SO_LINGER {1,0} does not make a close send a RST, unless sent bytes are unacknowledged.',
    recognised: 'What the other side receives.',
    normalised:
      'No other call sends one: abort() says FIN, which is what is sent, and RST where it cuts a send short: ' +
      'drivers/readiness/stack-driver.ts.',
    simulated: 'By SIOCOUTQ: options.ts.',
  },
  reuseAddressHijacks: {
    does: 'SO_REUSEADDR lets a second socket take a port that is in use.',
    recognised: 'Two listeners on one port.',
    normalised: 'Listeners do not set it: drivers/readiness/stack-driver.ts.',
    simulated: 'By SO_REUSEPORT: options.ts.',
  },
  sendEprototype: {
    does: 'A send to a connection that is going away may say EPROTOTYPE, once.',
    recognised: 'Sends to a connection that was reset; where none says it that proves nothing.',
    normalised: 'The send is repeated until it says what it means: normalised/stack.ts.',
    simulated: 'transfers.ts.',
  },
};
