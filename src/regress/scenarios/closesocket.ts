import type { Settled } from '../expectations.js';
import { pattern } from '../pattern.js';
import type { Scenario } from '../scenario.js';
import type { TracedTcp } from '../traced-tcp.js';

interface PendingCase {
  readonly name: string;
  readonly what: string;
  readonly start: (ours: TracedTcp) => Promise<Settled<unknown>>[];
}

/** What may be pending when closesocket() is called. Each makes it a RST. */
const PENDING: readonly PendingCase[] = [
  { name: 'pending-recv', what: 'one receive', start: (ours) => [ours.recv()] },
  {
    name: 'pending-timed-recv',
    what: 'one receive with a deadline',
    start: (ours) => [ours.recv({ timeoutMs: 5000 })],
  },
  { name: 'pending-recvs', what: 'three receives in a row', start: (ours) => [ours.recv(), ours.recv(), ours.recv()] },
  {
    name: 'pending-send',
    what: 'a send that the peer does not read',
    start: (ours) => [ours.send(pattern(8 * 2 ** 20))],
  },
  {
    name: 'pending-both',
    what: 'a receive and a send',
    start: (ours) => [ours.recv(), ours.send(pattern(8 * 2 ** 20))],
  },
];

function withPending(pendingCase: PendingCase): Scenario {
  return {
    id: `closesocket/${pendingCase.name}`,
    checks: `closesocket() with ${pendingCase.what} pending: each fails with ECANCELED (WSA_OPERATION_ABORTED), and the peer sees RST`,
    contract: 'close, row 3',
    run: async (context) => {
      const { ours, peer } = await context.pair({ reading: false });
      const pending = pendingCase.start(ours);
      await context.wait(20);
      context.expectEqual('they are pending', ours.socket.pendingOperations, pending.length);
      const result = await ours.closesocket();
      for (const outcome of await Promise.all(pending))
        context.expectCode('a pending operation is aborted', outcome, 'ECANCELED');
      context.expectEqual('closesocket() says it sent RST', result.sent, 'RST');
      await peer.resume();
      await context.expectEnding(peer, 'RST');
    },
  };
}

export const closesocketScenarios: readonly Scenario[] = [
  {
    id: 'closesocket/idle',
    checks: "closesocket() with nothing pending is the platform's close: FIN",
    contract: 'close, row 3',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      context.success('a send succeeds', await ours.send(pattern(10)));
      const result = await ours.closesocket();
      context.expectEqual('closesocket() says it sent FIN', result.sent, 'FIN');
      await context.expectEnding(peer, 'FIN');
      context.expectBytes('the peer has what was sent before', await peer.received(), pattern(10));
    },
  },
  ...PENDING.map(withPending),
  {
    id: 'closesocket/after-cancel',
    checks: 'closesocket() after a receive was cancelled and reaped has nothing pending: FIN',
    contract: 'close, row 3',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      context.expectCode('the receive times out', await ours.recv({ timeoutMs: 30 }), 'ETIMEDOUT');
      const result = await ours.closesocket();
      context.expectEqual('closesocket() says it sent FIN', result.sent, 'FIN');
      await context.expectEnding(peer, 'FIN');
    },
  },
  {
    id: 'closesocket/unread-data',
    checks: 'closesocket() with unread data is a RST, and the result says how many bytes were unread',
    contract: 'close, row 3 and unread data',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      await peer.send(pattern(64));
      await context.wait(20);
      const result = await ours.closesocket();
      context.expectEqual('closesocket() says it sent RST', result.sent, 'RST');
      context.expectEqual('it says how many bytes were unread', result.unreadBytes, 64);
      await context.expectEnding(peer, 'RST');
    },
  },
];
