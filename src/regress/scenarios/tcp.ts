import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TcpSocket } from '../../sockets/tcp-socket.js';
import { settled } from '../expectations.js';
import { pattern } from '../pattern.js';
import type { Scenario } from '../scenario.js';

/** The life of a connection outside of the close table. */
export const tcpScenarios: readonly Scenario[] = [
  {
    id: 'tcp/peer-reset',
    checks: "A peer's RST is ECONNRESET for the pending receive, never an end of the stream",
    contract: 'operations, rule 1',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      const receiving = ours.recv({ timeoutMs: 4000 });
      await context.wait(10);
      await peer.reset();
      context.expectCode('the receive fails', await receiving, 'ECONNRESET');
    },
  },
  {
    id: 'tcp/peer-fin',
    checks: "A peer's FIN is 0 bytes, again and again, and our sends still arrive",
    contract: 'operations, rule 1',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      await peer.send(pattern(5));
      await peer.end();
      context.expectEqual(
        'the bytes before the FIN come',
        context.success('it succeeds', await ours.recvAll(5)).length,
        5,
      );
      for (let turn = 0; turn < 2; turn++) {
        const bytes = context.success('a receive succeeds', await ours.recv({ timeoutMs: 2000 }));
        context.expectEqual('with the end of the stream', bytes.length, 0);
      }
      context.success('a send succeeds', await ours.send(pattern(7)));
      await peer.seesBytes(7);
      const result = await ours.close();
      context.expectEqual('the close says it sent FIN', result.sent, 'FIN');
      await context.expectEnding(peer, 'FIN');
    },
  },
  {
    id: 'tcp/shutdown-close',
    checks: 'shutdown() sends FIN after what was sent, receives go on, and close() adds no RST',
    contract: 'close, row 1; libuv shutdown_close_tcp',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      const sending = ours.send(pattern(300_000));
      context.success('the shutdown succeeds', await ours.shutdown());
      context.success('the send before it succeeds', await sending);
      await context.expectEnding(peer, 'FIN');
      context.expectBytes('the peer has every byte', await peer.received(), pattern(300_000));
      await peer.send(pattern(11));
      const bytes = context.success('a receive still succeeds', await ours.recv({ timeoutMs: 2000 }));
      context.expectBytes('with the bytes', bytes, pattern(11));
      context.expectEqual('the close says it sent FIN', (await ours.close()).sent, 'FIN');
      await peer.end();
      await peer.closed();
      context.expect('the peer never sees RST', !peer.events.some((event) => event.kind === 'rst'), 'it saw RST');
    },
  },
  {
    id: 'tcp/shutdown-twice',
    checks: "A second shutdown() is harmless, and a send after it fails without reaching the kernel's SIGPIPE",
    contract: 'operations, rule 1; libuv shutdown_twice',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      context.success('the first shutdown succeeds', await ours.shutdown());
      const second = await ours.shutdown();
      context.expect(
        'the second one does too, or says why not',
        ['', 'ENOTCONN', 'ESHUTDOWN'].includes(second.code),
        second.code,
      );
      const sent = await ours.send(pattern(1));
      context.expect('a send fails', 'error' in sent, 'it succeeded');
      await context.expectEnding(peer, 'FIN');
    },
  },
  {
    id: 'tcp/pause-resume-echo',
    checks: 'A peer that pauses and resumes during an echo of 4 MiB loses no byte, in either direction',
    contract: 'operations, rule 2; bpo-33694',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      await peer.echo();
      const data = pattern(4 * 2 ** 20);
      const pausing = (async () => {
        for (let turn = 0; turn < 10; turn++) {
          await peer.pause();
          await context.wait(3);
          await peer.resume();
          await context.wait(2);
        }
      })();
      const sending = ours.send(data);
      const bytes = context.success('every byte comes back', await ours.recvAll(data.length, { timeoutMs: 8000 }));
      context.success('the send succeeds', await sending);
      context.expectBytes('in order', bytes, data);
      await pausing;
    },
  },
  {
    id: 'tcp/connect-refused',
    checks: 'A connect that nobody listens to fails with ECONNREFUSED and leaves no socket',
    contract: 'operations, rule 1',
    run: async (context) => {
      const listener = await context.listen();
      const { port } = listener;
      await listener.close();
      const connecting = TcpSocket.connect({ host: '127.0.0.1', port, proactor: context.proactor });
      context.expectCode('the connect fails', await settled(connecting), 'ECONNREFUSED');
    },
  },
  {
    id: 'tcp/cancel-connect',
    checks: 'A connect that is cancelled or times out under way ends as such and leaves no socket',
    contract: 'operations, rules 1 and 3; libuv tcp_close_while_connecting',
    run: async (context) => {
      const port = await context.fullListener();
      const timed = TcpSocket.connect({ host: '127.0.0.1', port, proactor: context.proactor, timeoutMs: 50 });
      context.expectCode(
        'one times out',
        await settled(context.trace.operation('A', 'connect', 'timeoutMs 50', () => timed)),
        'ETIMEDOUT',
      );
      const controller = new AbortController();
      const { signal } = controller;
      const connecting = settled(TcpSocket.connect({ host: '127.0.0.1', port, proactor: context.proactor, signal }));
      await context.wait(20);
      controller.abort();
      context.expectCode('one is cancelled by its signal', await connecting, 'ABORT_ERR');
    },
  },
  {
    id: 'tcp/ipv6',
    checks: 'The repaired close over IPv6: timeout, FIN',
    contract: 'close, row 5',
    run: async (context) => {
      const listening = await settled(context.peer.listen({ host: '::1' }));
      if ('error' in listening) context.notApplicable('this machine has no IPv6 loopback address');
      const connected = await settled(context.pair({ host: '::1' }));
      if (connected.code === 'EAFNOSUPPORT') context.notApplicable('this stack has no IPv6');
      const { ours, peer } = context.success('a socket of ours connects', connected);
      context.expectCode('the receive times out', await ours.recv({ timeoutMs: 20 }), 'ETIMEDOUT');
      context.expectEqual('the close says it sent FIN', (await ours.close()).sent, 'FIN');
      await context.expectEnding(peer, 'FIN');
    },
  },
  {
    id: 'tcp/receive-loop',
    checks:
      'A loop over received data that times out goes on where it stopped, and gives back every buffer it was lent',
    contract: 'operations, rules 5 and 7',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      const data = pattern(40_000);
      const chunks: Uint8Array[] = [];
      const loop = async () => {
        for await (const chunk of ours.socket.receive({ timeoutMs: 40 })) chunks.push(chunk.copy());
      };
      await peer.send(data.subarray(0, 15_000));
      const first = context.trace.operation('A', 'receive loop', 'timeoutMs 40', loop);
      context.expectCode('the loop times out', await settled(first), 'ETIMEDOUT');
      await peer.send(data.subarray(15_000));
      await peer.end();
      const second = context.trace.operation('A', 'receive loop', 'timeoutMs 40', loop);
      context.success('a new loop runs to the end of the stream', await settled(second));
      context.expectBytes('every byte came once', Buffer.concat(chunks), data);
    },
  },
  {
    id: 'tcp/unix-path',
    checks: 'The repaired close over a UNIX-domain path: timeout, then the end of the stream',
    contract: 'close, row 5',
    run: async (context) => {
      const path = join(tmpdir(), `overlapped-regress-${process.pid}-${context.driver}`);
      const connect = async () => {
        const server = await context.peer.listen({ path });
        const socket = context.keep(await TcpSocket.connect({ path, proactor: context.proactor }));
        return { socket, peer: await server.connectionFrom(0) };
      };
      const connected = await settled(connect());
      if ('error' in connected) return context.notApplicable(`this platform has no such sockets: ${connected.code}`);
      const { socket, peer } = connected.value;
      const ours = context.traced(socket, peer);
      context.expectCode('the receive times out', await ours.recv({ timeoutMs: 30 }), 'ETIMEDOUT');
      context.expectEqual('the close says it sent FIN', (await ours.close()).sent, 'FIN');
      await context.expectEnding(peer, 'FIN');
    },
  },
];
