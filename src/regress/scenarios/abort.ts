import { pattern } from '../pattern.js';
import type { Scenario } from '../scenario.js';

const MANY = 8 * 2 ** 20;

export const abortScenarios: readonly Scenario[] = [
  {
    id: 'abort/rst',
    checks: 'abort() with nothing pending resets the connection and says so',
    contract: 'close, row 2; libuv tcp_close_reset_client',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      const result = await ours.abort();
      context.expectEqual('the abort says it sent RST', result.sent, 'RST');
      await context.expectEnding(peer, 'RST');
    },
  },
  {
    id: 'abort/settles-everything',
    checks: 'abort() ends every pending receive and send with ECANCELED, and the peer sees RST',
    contract: 'close, row 2; .NET TcpReceiveSendGetsCanceledByDispose',
    run: async (context) => {
      const { ours, peer } = await context.pair({ reading: false });
      const receives = [ours.recv(), ours.recv(), ours.recv({ timeoutMs: 10_000 })];
      const sends = [ours.send(pattern(MANY)), ours.send(pattern(10))];
      await context.wait(20);
      context.expectEqual('five operations are pending', ours.socket.pendingOperations, 5);
      await ours.abort();
      for (const outcome of await Promise.all(receives))
        context.expectCode('a receive is aborted', outcome, 'ECANCELED');
      for (const outcome of await Promise.all(sends)) context.expectCode('a send is aborted', outcome, 'ECANCELED');
      context.expectEqual('nothing is pending', ours.socket.pendingOperations, 0);
      await peer.resume();
      await context.expectEnding(peer, 'RST');
    },
  },
  {
    id: 'abort/during-close',
    checks: 'abort() while close() waits for a send to drain does not wait any longer: RST',
    contract: 'close, rows 1 and 2; libuv tcp_close_reset_client_after_shutdown',
    run: async (context) => {
      const { ours, peer } = await context.pair({ reading: false });
      const sending = ours.send(pattern(MANY));
      const closing = ours.close();
      await context.wait(20);
      context.expectEqual('the close is waiting for the send', ours.socket.phase, 'draining');
      const result = await ours.abort();
      context.expectCode('the send is aborted', await sending, 'ECANCELED');
      context.expectEqual('the abort says it sent RST', result.sent, 'RST');
      context.expectEqual('the close says the same', (await closing).sent, 'RST');
      await peer.resume();
      await context.expectEnding(peer, 'RST');
    },
  },
  {
    id: 'abort/after-shutdown',
    checks: 'abort() after shutdown(): the peer has read the end of the stream, and its next send fails',
    contract: 'close, row 2; libuv tcp_close_reset_client_after_shutdown',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      context.success('the shutdown succeeds', await ours.shutdown());
      await context.expectEnding(peer, 'FIN');
      const result = await ours.abort();
      context.expectEqual('the abort says it sent RST', result.sent, 'RST');
      // A reset after the end of the stream is told to whoever sends next.
      const sent = await peer.send(pattern(1));
      const failed = ['EPIPE', 'ECONNRESET', 'ECONNABORTED'].includes(sent.code);
      context.expect("the peer's next send fails", failed, `it gave '${sent.code}'`);
    },
  },
  {
    id: 'abort/accepted-connection',
    checks: "A server's abort() of an accepted connection resets it and leaves the listener alone",
    contract: 'close, row 2; libuv tcp_close_reset_accepted',
    run: async (context) => {
      const listener = await context.listen();
      const first = await context.acceptedPair(listener);
      await first.ours.abort();
      await context.expectEnding(first.peer, 'RST');
      const second = await context.acceptedPair(listener);
      await second.ours.close();
      await context.expectEnding(second.peer, 'FIN');
    },
  },
];
