import type { ContractLimit } from './contract-test.js';

// What Winsock cannot do without its overlapped calls, under Wine 8. On a real Windows this was not run.

function limited(reason: string, ...tests: readonly string[]): ContractLimit[] {
  return tests.map((name) => ({ tests: name, reason }));
}

const RESET_IS_END =
  'under Wine 8 a reset is an end to recv, and a datagram that finds nobody is nothing: the server asks for SO_ERROR ' +
  'when it polls, which clears it (server/sock.c); measured, overlapped calls hear of both';
const NO_WAKING = 'shutdown(SD_RECEIVE) wakes no select and no WSAPoll (learn.microsoft.com: shutdown)';
const NO_UNIX = 'Wine 8 has no AF_UNIX (server/sock.c, init_socket)';
const INVALID = 'an address that is no interface is WSAEINVAL (Wine 8, measured)';
const SLOW_SELECT =
  'select takes 64 sockets at a time, and each call under Wine costs a millisecond: a thousand take minutes';

export const WINSOCK_LIMITS: readonly ContractLimit[] = [
  ...limited(
    RESET_IS_END,
    'recv() fails with ECONNRESET, and not with an end*',
    'a reset that came before recv()*',
    'all receives that wait when the peer resets*',
    'clients that reset before they are accepted*',
    'a recv() and a send() that both wait when the peer resets*',
    'both directions hear of a reset as a reset*',
    'a loop fails with the reset of its peer*',
    'a reset and a close are told with their errors',
    'close() after the peer has reset says*',
    'a connected socket whose peer is gone fails one receive',
    'an error that comes while nothing is pending fails the next*',
  ),
  ...limited(NO_WAKING, "shutdown('recv') ends a pending recv() with 0"),
  ...limited(
    NO_UNIX,
    'a socket connects to a path*',
    'a listener listens on a path*',
    'timeouts lose no byte here either',
    'abort() ends what is pending, and says FIN*',
    'a path where nobody listens*',
    'a path that is taken*',
    'a path may have 107 bytes',
  ),
  ...limited(INVALID, 'a group of IPv6 is joined*', 'what is no group or no interface is refused'),
];

/** Besides, for select alone. */
export const SELECT_LIMITS: readonly ContractLimit[] = limited(
  SLOW_SELECT,
  'operations that are started from completions go on without end*',
  '1,000 sockets time out at the same moment*',
);
