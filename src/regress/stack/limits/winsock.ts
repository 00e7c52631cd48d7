import type { ScenarioLimit } from './limit.js';
import { hearsNoRefusal, readsResetAsEnd } from './trials.js';

/** What Winsock may not do without its overlapped calls. Each is tried: on a real Windows none of it was seen. */
export const WINSOCK_LIMITS: readonly ScenarioLimit[] = [
  {
    scenarios: ['operation/one-end-each', 'tcp/peer-reset', 'accept/client-reset'],
    reason:
      "recv reads a peer's reset as an end here: the host tells it once, and Wine 8's own server has looked before " +
      '(server/sock.c: sock_poll_event peeks)',
    holds: readsResetAsEnd,
  },
  {
    scenarios: ['udp/refused-then-usable'],
    reason:
      'a datagram that finds nobody is told to nobody here: Wine 8 polls a socket no more once it has had an error ' +
      '(server/sock.c: sock_poll_event)',
    holds: hearsNoRefusal,
  },
];
