import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { nowMs } from '../../src/regress/clock.js';
import { SkipScenario, settled } from '../../src/regress/expectations.js';
import { pattern } from '../../src/regress/pattern.js';
import { Peer } from '../../src/regress/peer.js';
import { openStackPeer } from '../../src/regress/stack-peer/transport.js';
import {
  LINUX,
  openKoffiLibrary,
  openStack,
  type StackLibrary,
  type StackProfile,
  type WaitKind,
} from '../../src/stack.js';
import { connectPeer, PeerServer } from '../support/peer.js';
import { soon, until } from '../support/waiting.js';

// The peer of the scenarios that lives on a stack, on Linux's: node:net at the other end says what it really did.

const onLinux = { skip: process.platform === 'linux' ? false : 'it is for Linux' };

async function withPeer(
  use: (peer: Peer) => Promise<void>,
  changes: Partial<StackProfile> = {},
  library?: StackLibrary,
): Promise<void> {
  const stack = openStack({ ...LINUX, ...changes }, library);
  const peer = new Peer(openStackPeer(stack));
  try {
    await use(peer);
  } finally {
    await peer.terminate();
    stack.close();
  }
}

/** node:net's end of a connection to the peer's listener, and the peer's. */
async function accepted(peer: Peer, options: { reading?: boolean } = {}) {
  const server = await peer.listen(options);
  const node = await connectPeer({ port: server.port });
  return { node, mine: await server.connectionFrom(node.socket.localPort ?? 0) };
}

for (const wait of ['epoll', 'poll', 'select'] satisfies WaitKind[]) {
  describe(`a peer on a stack that is waited for by ${wait}`, onLinux, () => {
    const run = (use: (peer: Peer) => Promise<void>) => withPeer(use, { waits: [wait] });

    test('sees an end as FIN and a reset as RST, whoever has connected', () =>
      run(async (peer) => {
        const ended = await accepted(peer);
        ended.node.socket.end();
        assert.equal(await ended.mine.ending(), 'FIN');
        const reset = await accepted(peer);
        reset.node.socket.resetAndDestroy();
        assert.equal(await reset.mine.ending(), 'RST');

        const server = await PeerServer.listen({});
        const mine = await peer.connect(server.port);
        const node = await server.accept();
        node.socket.resetAndDestroy();
        assert.equal(await mine.ending(), 'RST');
        await server.close();
      }));

    test('sends what it is told to: an end, and a reset', () =>
      run(async (peer) => {
        const ended = await accepted(peer);
        await ended.mine.end();
        assert.equal(await ended.node.ending(), 'FIN');
        ended.node.socket.end();
        await ended.mine.closed();
        const reset = await accepted(peer);
        await reset.mine.reset();
        assert.equal(await reset.node.ending(), 'RST');
      }));

    test('sends every byte, and says that they are sent when the stack has them all', () =>
      run(async (peer) => {
        const { node, mine } = await accepted(peer);
        node.socket.pause();
        const data = pattern(8 * 2 ** 20);
        const sending = mine.send(data);
        const small = Array.from({ length: 99 }, (_, i) => mine.send(pattern(3, i)));
        const last = mine.send(pattern(5), { thenClose: true });
        await delay(30);
        const isSent = () => mine.events.some(({ kind }) => kind === 'sent');
        assert.equal(isSent(), false);
        node.resume();
        const sent = await soon(Promise.all([sending, ...small, last]), 'the sends');
        assert.ok(sent.every(({ code }) => code === ''));
        assert.equal(isSent(), true);
        const parts = [data, ...small.map((_, i) => pattern(3, i)), pattern(5)];
        assert.deepEqual(await node.readAll(), Buffer.concat(parts));
        assert.equal(await node.ending(), 'FIN');
      }));

    test('reads when it is to, and leaves the bytes in the stack when it is not', () =>
      run(async (peer) => {
        const { node, mine } = await accepted(peer, { reading: false });
        await node.send('first');
        await delay(20);
        assert.equal(mine.bytesSeen, 0);
        await mine.resume();
        await mine.seesBytes(5);
        await mine.pause();
        await node.send('second');
        await delay(20);
        assert.equal(mine.bytesSeen, 5);
        await mine.resume();
        await mine.seesBytes(11);
        assert.equal(Buffer.from(await mine.received()).toString(), 'firstsecond');
      }));

    test('echoes, and ends when the other end has', () =>
      run(async (peer) => {
        const { node, mine } = await accepted(peer);
        await mine.echo();
        const data = Buffer.from(pattern(300_000));
        node.socket.end(data);
        assert.deepEqual(await node.readAll(), data);
        assert.equal(await node.ending(), 'FIN');
        await mine.closed();
      }));

    test('a send to a connection that was reset fails, and is the first to say so where nobody reads', () =>
      run(async (peer) => {
        const { node, mine } = await accepted(peer, { reading: false });
        node.socket.resetAndDestroy();
        await until(() => node.seen.includes('closed'), 'the reset');
        await delay(10);
        assert.deepEqual(await mine.send(pattern(4)), { code: 'ECONNRESET' });
        assert.equal(await mine.ending(), 'RST');
      }));

    test('exchanges datagrams', () =>
      run(async (peer) => {
        const mine = await peer.bind();
        const node = createSocket('udp4');
        node.bind(0, '127.0.0.1');
        await once(node, 'listening');
        const { port } = node.address() as AddressInfo;
        const heard = once(node, 'message');
        assert.deepEqual(await mine.sendTo(pattern(40), port), { code: '' });
        const [data, from] = (await heard) as [Buffer, AddressInfo];
        assert.deepEqual([data, from.port], [Buffer.from(pattern(40)), mine.port]);
        for (const text of ['one', '', 'three']) node.send(text, mine.port, '127.0.0.1');
        await mine.sees(3);
        assert.deepEqual(
          mine.datagrams.map(({ bytes, remotePort }) => [bytes, remotePort]),
          [
            [3, port],
            [0, port],
            [5, port],
          ],
        );
        node.close();
      }));
  });
}

describe('a peer on a stack', onLinux, () => {
  test('fails as the stack does: a connect that nobody listens to, an address that is taken', () =>
    withPeer(async (peer) => {
      const server = await peer.listen();
      await server.close();
      assert.equal((await settled(peer.connect(server.port))).code, 'ECONNREFUSED');
      const { port } = await peer.bind();
      assert.equal((await settled(peer.bind('127.0.0.1', port))).code, 'EADDRINUSE');
      assert.equal((await settled(peer.listen({ path: '/tmp/no-such-thing' }))).code, 'EAFNOSUPPORT');
    }));

  test('goes on while this thread keeps its event loop waiting, if it is let', () =>
    withPeer(async (peer) => {
      const { mine } = await accepted(peer);
      const sending = mine.send(pattern(4), { afterMs: 5 });
      const isSent = () => mine.events.some(({ kind }) => kind === 'sent');
      for (const untilMs = nowMs() + 1000; nowMs() < untilMs && !isSent(); ) peer.goOn();
      assert.equal(isSent(), true);
      await sending;
    }));

  test('has nothing left of a scenario that is over: no connection, no delayed send, no event', () =>
    withPeer(async (peer) => {
      const { node, mine } = await accepted(peer);
      void mine.send(pattern(4), { afterMs: 20 });
      await peer.clear();
      await node.ending();
      await delay(40);
      assert.deepEqual(peer.events, []);
      await assert.rejects(async () => mine.end(), /no connection/);
    }));

  test('says that it cannot reset where the stack cannot: the scenario is skipped', () =>
    withPeer(
      async (peer) => {
        const { mine } = await accepted(peer);
        await assert.rejects(
          mine.reset(),
          (error) => error instanceof SkipScenario && /lingerZeroNoRst/.test(error.message),
        );
      },
      { quirks: { lingerZeroNoRst: true } },
    ));

  test('keeps no loop busy while nothing happens', async () => {
    const host = openKoffiLibrary(null);
    let called = 0;
    const counted: StackLibrary = {
      ...host,
      find: (symbol, type) => {
        const call = host.find(symbol, type);
        if (call === null) return call;
        return (...values) => {
          called++;
          return call(...values);
        };
      },
    };
    await withPeer(
      async (peer) => {
        // All have been ready once, and have heard since that there is no more.
        const [busy, paused, datagrams] = [
          await accepted(peer),
          await accepted(peer, { reading: false }),
          await peer.bind(),
        ];
        for (const { node, mine } of [busy, paused]) {
          await node.send('x');
          await mine.send(pattern(1));
        }
        await busy.mine.seesBytes(1);
        await datagrams.sendTo(pattern(1), datagrams.port);
        await datagrams.sees(1);
        await delay(20);
        called = 0;
        await delay(200);
        // A timer's watch looks once a millisecond at the most while something is wanted.
        assert.ok(called > 0 && called <= 250, `${called} calls in 200 ms`);
      },
      { waits: ['poll'] },
      counted,
    );
  });
});
