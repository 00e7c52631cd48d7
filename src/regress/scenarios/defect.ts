import { pattern } from '../pattern.js';
import type { Scenario } from '../scenario.js';

const TIMEOUT_MS = 50;

/** The defect that the library exists for, and its repair, next to each other. */
export const defectScenarios: readonly Scenario[] = [
  {
    id: 'defect/leave-pending-closesocket',
    checks:
      "The original defect: a receive timed out by a timer stays pending, closesocket() resets, and the server's last send fails",
    contract: 'close, row 4',
    run: async (context) => {
      const { ours, peer } = await context.pair({ onTimeout: 'leavePending', reading: false });
      context.expectCode('the receive times out', await ours.recv({ timeoutMs: TIMEOUT_MS }), 'ETIMEDOUT');
      context.expectEqual('its IO is still pending', ours.socket.pendingOperations, 1);
      const result = await ours.closesocket();
      context.expectEqual('closesocket() says it sent RST', result.sent, 'RST');
      const last = await peer.send(pattern(16));
      context.expectEqual("the server's last send fails with ECONNRESET", last.code, 'ECONNRESET');
    },
  },
  {
    id: 'defect/reading-server',
    checks: 'The same defect seen by a server that reads: ECONNRESET where the end of the stream should be',
    contract: 'close, row 4',
    run: async (context) => {
      const { ours, peer } = await context.pair({ onTimeout: 'leavePending' });
      context.expectCode('the receive times out', await ours.recv({ timeoutMs: TIMEOUT_MS }), 'ETIMEDOUT');
      await ours.closesocket();
      await context.expectEnding(peer, 'RST');
    },
  },
  {
    id: 'repair/cancel-close',
    checks: "The repair: the timed-out receive is cancelled, close() sends FIN, and the server's last send succeeds",
    contract: 'close, row 5',
    run: async (context) => {
      const { ours, peer } = await context.pair({ onTimeout: 'cancel' });
      context.expectCode('the receive times out', await ours.recv({ timeoutMs: TIMEOUT_MS }), 'ETIMEDOUT');
      context.expectEqual('nothing is pending', ours.socket.pendingOperations, 0);
      const result = await ours.close();
      context.expectEqual('close() says it sent FIN', result.sent, 'FIN');
      await context.expectEnding(peer, 'FIN');
      const last = await peer.send(pattern(16), { thenClose: true });
      context.expectEqual("the server's last send succeeds", last.code, '');
    },
  },
  {
    id: 'repair/server-sends-later',
    checks: 'The client times out at 1 T and closes; the server, which sends at 3 T, succeeds',
    contract: 'close, row 5; CPython testOutsideTimeout',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      const last = peer.send(pattern(16), { afterMs: 3 * TIMEOUT_MS, thenClose: true });
      context.expectCode('the receive times out', await ours.recv({ timeoutMs: TIMEOUT_MS }), 'ETIMEDOUT');
      await ours.close();
      await context.expectEnding(peer, 'FIN');
      context.expectEqual("the server's send succeeds", (await last).code, '');
    },
  },
];
