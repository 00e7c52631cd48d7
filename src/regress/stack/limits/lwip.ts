import type { ScenarioLimit } from './limit.js';
import { hearsNoRefusal } from './trials.js';

/** What lwIP 2.1.3 cannot do, as Debian builds it (liblwip0) and with the interface that startLwip makes. */
export const LWIP_LIMITS: readonly ScenarioLimit[] = [
  {
    scenarios: ['tcp/unix-path'],
    reason: 'lwIP has no UNIX-domain sockets (lwip/sockets.h)',
  },
  {
    scenarios: ['tcp/ipv6'],
    reason: "lwIP's interface here has no IPv6 address (src/bsd/lwip/start.ts)",
  },
  {
    scenarios: ['tcp/cancel-connect', 'scale/cancels'],
    reason:
      'no connect stays unanswered: the backlog is not counted (lwip/opt.h: TCP_LISTEN_BACKLOG is 0), and what a full ' +
      'mailbox does not take is reset (api_msg.c, accept_function)',
  },
  {
    scenarios: ['udp/refused-then-usable'],
    reason: 'no ICMP message reaches a datagram socket (icmp.c: icmp_input hands on echoes alone)',
    holds: hearsNoRefusal,
  },
];
