import { pattern } from '../pattern.js';
import type { Scenario } from '../scenario.js';

const MIB = 2 ** 20;

export const closeScenarios: readonly Scenario[] = [
  {
    id: 'close/fin',
    checks: 'close() with nothing pending sends FIN and says so',
    contract: 'close, row 1',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      const result = await ours.close();
      await context.expectEnding(peer, 'FIN');
      context.expectEqual('the close says it sent FIN', result.sent, 'FIN');
      context.expectEqual('the close says nothing was unread', result.unreadBytes, 0);
    },
  },
  {
    id: 'close/reaps-pending-recv',
    checks: 'close() with a receive pending: the receive is aborted, the peer sees FIN and its last send succeeds',
    contract: 'close, row 1',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      const receiving = ours.recv();
      await context.wait(20);
      const result = await ours.close();
      context.expectCode('the pending receive fails with ECANCELED', await receiving, 'ECANCELED');
      await context.expectEnding(peer, 'FIN');
      context.expectEqual('the close says it sent FIN', result.sent, 'FIN');
      const last = await peer.send(pattern(16), { thenClose: true });
      context.expectEqual("the peer's last send succeeds", last.code, '');
    },
  },
  {
    id: 'close/drains-sends',
    checks: 'close() lets pending sends drain: the peer gets every byte, then FIN',
    contract: 'close, row 1',
    run: async (context) => {
      const { ours, peer } = await context.pair({ reading: false });
      const data = pattern(12 * MIB);
      const sending = ours.send(data);
      await context.wait(20);
      context.expectEqual('the send is pending while the peer does not read', ours.socket.pendingOperations, 1);
      const closing = ours.close();
      await context.wait(20);
      await peer.resume();
      context.success('the pending send ends well', await sending);
      context.expectEqual('the close says it sent FIN', (await closing).sent, 'FIN');
      await context.expectEnding(peer, 'FIN');
      context.expectBytes('the peer has every byte', await peer.received(), data);
    },
  },
  {
    id: 'close/drain-is-bounded',
    checks:
      'close({timeoutMs}) does not wait for ever for a peer that does not read: the connection is reset, not called whole',
    contract: 'close, row 1',
    run: async (context) => {
      const { ours, peer } = await context.pair({ reading: false });
      const sending = ours.send(pattern(12 * MIB));
      await context.wait(20);
      const result = await ours.close({ timeoutMs: 100 });
      context.expectCode('the pending send fails with ECANCELED', await sending, 'ECANCELED');
      context.expectEqual('the close says it sent RST', result.sent, 'RST');
      await peer.resume();
      await context.expectEnding(peer, 'RST');
    },
  },
  {
    id: 'close/no-new-operations',
    checks: "After close() no operation can be started, and a second close gives the first one's result",
    contract: 'close, row 1',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      const closing = ours.close();
      context.expectCode('a receive after close() is refused', await ours.recv(), 'ERR_SOCKET_CLOSED');
      context.expectCode('a send after close() is refused', await ours.send(pattern(1)), 'ERR_SOCKET_CLOSED');
      context.expectEqual('both closes say the same', (await ours.close()).sent, (await closing).sent);
      context.expectEqual('the socket is closed', ours.socket.phase, 'closed');
      await context.expectEnding(peer, 'FIN');
    },
  },
  {
    id: 'close/unread-data-resets',
    checks: 'Received data that nobody read makes close() a RST, on every stack, and its result says so',
    contract: 'close, unread data; RFC 2525 section 2.17',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      await peer.send(pattern(100));
      await context.wait(20);
      const result = await ours.close();
      context.expectEqual('the close says it sent RST', result.sent, 'RST');
      context.expectEqual('the close says how many bytes were unread', result.unreadBytes, 100);
      await context.expectEnding(peer, 'RST');
    },
  },
  {
    id: 'close/unread-in-library',
    checks: 'Bytes that the library has taken from the kernel, and nobody from the library, are unread data too',
    contract: 'close, unread data',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      await peer.send(pattern(100));
      const first = context.success('a receive succeeds', await ours.recv({ size: 40, timeoutMs: 2000 }));
      context.expectEqual('with the first 40 bytes', first.length, 40);
      const result = await ours.close();
      context.expectEqual('the close says it sent RST', result.sent, 'RST');
      context.expectEqual('the close says how many bytes were unread', result.unreadBytes, 60);
      await context.expectEnding(peer, 'RST');
    },
  },
  {
    id: 'close/fin-after-timeout',
    checks: 'A receive that timed out leaves nothing behind: close() sends FIN',
    contract: 'close, row 5; libuv tcp_close_after_read_timeout',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      context.expectCode('the receive times out', await ours.recv({ timeoutMs: 50 }), 'ETIMEDOUT');
      const result = await ours.close();
      await context.expectEnding(peer, 'FIN');
      context.expectEqual('the close says it sent FIN', result.sent, 'FIN');
    },
  },
];
