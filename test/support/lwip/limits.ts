import type { ContractLimit } from '../contract-test.js';

// What lwIP 2.1.3 cannot do, as Debian builds it (liblwip0) and with the interface that startLwip makes.

function limited(reason: string, ...tests: readonly string[]): ContractLimit[] {
  return tests.map((name) => ({ tests: name, reason }));
}

const NO_UNIX = 'lwIP has no UNIX-domain sockets (lwip/sockets.h)';
const NO_IPV6 = 'the interface has no IPv6 address (src/bsd/lwip/start.ts)';
const LATER = "what is sent has not arrived when the send returns: lwIP's own thread delivers it (netif_loop_output)";
const BACKLOG =
  'a backlog is 255 at most (TCP_DEFAULT_LISTEN_BACKLOG, u8_t), and a mailbox holds fewer still (sys_mbox)';
const ANY_ADDRESS = 'lwip_bind takes any address, and what is sent from a foreign one is lost (tcp_bind)';
const NO_BLACKHOLE = 'the interface takes every address for its own: nothing is unreachable (netif_loop_output)';
const NO_RST = 'SO_LINGER {1,0} sends a FIN where nothing is unacknowledged (tcp_close_shutdown)';
const NO_OPTION = 'the option is unknown (lwip_setsockopt: ENOPROTOOPT)';
const PERSIST =
  'a window that stays full for more than a second may end the process: "persist ticking with empty send buffer" ' +
  '(LWIP_ASSERT in tcp_slowtmr, tcp.c:1238)';
const NO_UDP_ERRORS = 'no ICMP message reaches a datagram socket (icmp_input hands on echoes alone)';
const DROPS = 'a mailbox of 128 messages, and what finds it full is dropped (sys_mbox_trypost, SYS_MBOX_SIZE)';
const SHUT = 'a socket that is shut down says ENOTCONN, and shutting it down again fails (lwip_netconn_do_shutdown)';
const NO_BROADCAST =
  'the interface is no broadcast interface, so that any datagram may go there (ip4_addr_isbroadcast)';
const NO_GROUPS = 'the interface has no groups (NETIF_FLAG_IGMP, igmp_joingroup: ERR_VAL)';
const FRAGMENTS = 'a datagram of more than the reassembly holds is lost, and one too large is ENOBUFS (ip4_reass)';
const REUSE = 'SO_REUSEADDR lets two datagram sockets have one port (udp_bind)';

export const LWIP_LIMITS: readonly ContractLimit[] = [
  ...limited(
    NO_UNIX,
    'a socket connects to a path*',
    'a listener listens on a path*',
    'timeouts lose no byte here either',
    'abort() ends what is pending, and says FIN*',
    'a path where nobody listens*',
    'a path that is taken*',
    'a path may have 107 bytes',
    'a leading NUL names*',
  ),
  ...limited(
    NO_IPV6,
    'connect() over IPv6',
    'datagrams cross over IPv6',
    'an IPv6 socket talks IPv4 too*',
    'a batch echoes over IPv6',
    'a group of IPv6 is joined*',
  ),
  ...limited(PERSIST, '50 sockets with stalled sends*'),
  ...limited(
    ANY_ADDRESS,
    'connect() from an address that is not ours*',
    'an address that is not ours is EADDRNOTAVAIL',
    'an address that is not of this machine is EADDRNOTAVAIL',
  ),
  ...limited(
    NO_BLACKHOLE,
    'connect() to a host that does not answer*',
    'connect() with 0 to a host that does not answer*',
    'an aborted connect() closes its descriptor',
  ),
  ...limited(BACKLOG, '200 connects at once all succeed', '300 clients that come at once*'),
  ...limited(
    LATER,
    'a recv() with 0 takes what has arrived*',
    'a recv() with 0 takes what arrived in the very same callback',
    'a receive with timeoutMs 0 takes what is there*',
    'what recvFrom() read ahead is received next*',
  ),
  ...limited(ANY_ADDRESS, 'localAddress and localPort say where to connect from'),
  ...limited(
    NO_RST,
    'under leavePending the IO stays after the timeout*',
    'abort() sends a RST, and says so',
    'abort() after shutdown() resets the other direction',
    'abort() in the very callback that started*',
    'abort() of an accepted socket resets it',
    'closesocket() with a recv pending ends it*',
    'closesocket() with a readable() pending resets*',
    'the original defect: a recv left pending*',
  ),
  ...limited(
    SHUT,
    'a send() after shutdown() fails with EPIPE*',
    'a second shutdown() does no harm*',
    "shutdown('recv') ends a pending recv() with 0",
  ),
  ...limited(
    NO_OPTION,
    'userTimeoutMs reads as it was set*',
    'buffer sizes are at least what was asked for',
    'what the platform refuses is a SystemError that names the option*',
    'with reusePort two sockets share a port',
  ),
  ...limited(DROPS, 'a long queue is received to its end*'),
  ...limited(REUSE, 'a port that is taken is EADDRINUSE'),
  ...limited(
    FRAGMENTS,
    'a datagram of 65,507 bytes crosses*',
    'a datagram that is too large is EMSGSIZE',
    'a segmented send of more than one message*',
  ),
  ...limited(
    NO_UDP_ERRORS,
    'a connected socket whose peer is gone fails one receive*',
    'a connected socket hears its peer when it is back',
    'an error that comes while nothing is pending fails the next*',
  ),
  ...limited(NO_BROADCAST, 'what the system refuses is left out*', 'a broadcast needs the option'),
  ...limited(NO_GROUPS, 'a member of a group hears it until it leaves', 'what is no group or no interface is refused'),
];
