import type { ScenarioLimit } from './limit.js';
import { lingersWithoutReset } from './trials.js';

/** What a flag of any stack's forbids. */
export const ANY_STACK_LIMITS: readonly ScenarioLimit[] = [
  {
    scenarios: [
      'defect/*',
      'abort/rst',
      'abort/after-shutdown',
      'abort/accepted-connection',
      'closesocket/pending-recv',
      'closesocket/pending-timed-recv',
      'closesocket/pending-recvs',
    ],
    reason:
      'SO_LINGER {1,0} makes a close a RST only while sent bytes are unacknowledged (lingerZeroNoRst, found by trying; ' +
      'in lwIP: api_msg.c, lwip_netconn_do_close_internal)',
    holds: lingersWithoutReset,
  },
];
