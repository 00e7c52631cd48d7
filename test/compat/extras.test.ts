import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { mkdtempSync, readSync, rmSync } from 'node:fs';
import nodeNet from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { inherits } from 'node:util';
import { TcpListener } from '../../src/index.js';
import { chooseCarrier } from '../../src/net/carrier.js';
import net, { type NetTimeoutError, type Server, type ServerOptions, Socket } from '../../src/net/index.js';
import { Child } from '../support/child.js';
import { driversUnderTest } from '../support/drivers.js';
import { soon } from '../support/waiting.js';
import { closed, event } from './scenario.js';

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as nodeNet.AddressInfo).port;
}

/** A connection of ours, and its peer of node:net's, which may not know yet that it is connected. */
async function pair(t: TestContext, options: ServerOptions = {}) {
  const server = net.createServer(options);
  const peer = nodeNet.connect(await listen(server), '127.0.0.1');
  peer.on('error', () => undefined);
  const connected = event(peer, 'connect');
  const [socket] = (await event(server, 'connection')) as [Socket];
  socket.on('error', () => undefined);
  t.after(async () => {
    socket.destroy();
    peer.destroy();
    await closed(server);
  });
  return { server, socket, peer, connected };
}

const filling = Buffer.alloc(32 << 20);
/** More than a path holds (net.core.wmem_default), and less than twice as much. */
const somewhatTooMuch = Buffer.alloc(250_000);
const onLinux = { skip: process.platform === 'win32' };

/** Takes what waits at a descriptor that does not block; gives the number of bytes. */
function readAll(descriptor: number): number {
  const buffer = Buffer.alloc(65_536);
  for (let bytes = 0; ; ) {
    try {
      bytes += readSync(descriptor, buffer);
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN');
      return bytes;
    }
  }
}

/** What node:net has not. */
for (const { name, makeProactor } of driversUnderTest()) {
  describe(`beyond node:net, on ${name}`, { timeout: 60_000 }, () => {
    chooseCarrierBefore(makeProactor);

    test('recvTimeoutMs: the event tells of it, and the stream goes on', async (t) => {
      const began = performance.now();
      const { socket, peer } = await pair(t, { recvTimeoutMs: 40 });
      const [error] = (await event(socket, 'operationTimeout')) as [NetTimeoutError];
      assert.ok(performance.now() - began >= 39);
      assert.deepEqual([error.code, error.direction, error.bytesTransferred], ['ETIMEDOUT', 'recv', 0]);
      socket.on('operationTimeout', () => undefined);
      peer.write('late');
      assert.equal(String((await event(socket, 'data'))[0]), 'late');
    });

    test('recvTimeoutMs: where nobody listens the socket is destroyed with the error', async (t) => {
      const { socket } = await pair(t, { recvTimeoutMs: 40 });
      const [error] = (await event(socket, 'error')) as [NetTimeoutError];
      assert.equal(error.direction, 'recv');
      assert.ok(socket.destroyed);
    });

    test('sendTimeoutMs: the error says how many bytes went, and the rest follows or the write fails', async (t) => {
      const { socket, peer } = await pair(t, { sendTimeoutMs: 60 });
      peer.pause();
      // The write goes on as soon as the event has been told of: the new timeout must be set by a listener.
      socket.once('operationTimeout', () => socket.setTimeouts({ sendTimeoutMs: Number.POSITIVE_INFINITY }));
      const written = new Promise((resolve) => socket.write(filling, resolve));
      const [error] = (await event(socket, 'operationTimeout')) as [NetTimeoutError];
      assert.equal(error.direction, 'send');
      assert.ok(error.bytesTransferred > 0 && error.bytesTransferred < filling.length, `${error.bytesTransferred}`);
      let received = 0;
      peer.on('data', (chunk: Buffer) => {
        received += chunk.length;
      });
      peer.resume();
      const ended = (await soon(written, 'the write')) as NodeJS.ErrnoException | null;
      // A send that Winsock has cancelled cannot be taken up again: how much of it went is not certain (SEMANTICS 6).
      assert.equal(ended?.code, name === 'iocp' ? 'EPIPE' : undefined);
      if (ended === null) {
        socket.end();
        await event(peer, 'end');
        assert.equal(received, filling.length);
      }
    });

    test('a write that goes on after its timeout is told of where its rest fits at once', onLinux, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'overlapped-extras-'));
      const server = net.createServer({ sendTimeoutMs: 40 }).listen(join(folder, 's'));
      // It reads nothing by itself, from the start.
      const peer = nodeNet.connect(join(folder, 's')).pause();
      const [socket] = (await event(server, 'connection')) as [Socket];
      let received = 0;
      let told = 0;
      // The peer has taken all that waits when the listener returns: what is left fits, within the call that goes on.
      socket.on('operationTimeout', (error: NetTimeoutError) => {
        told++;
        assert.ok(error.bytesTransferred > 0 && error.bytesTransferred < somewhatTooMuch.length);
        received += readAll((peer as unknown as { _handle: { fd: number } })._handle.fd);
        assert.equal(received, error.bytesTransferred);
      });
      try {
        const ended = await soon(new Promise((resolve) => socket.write(somewhatTooMuch, resolve)), 'the callback');
        assert.deepEqual([ended ?? null, told], [null, 1]);
      } finally {
        socket.destroy();
        peer.destroy();
        await closed(server);
        rmSync(folder, { recursive: true });
      }
    });

    test('connectTimeoutMs ends a connect that nobody answers', { skip: process.platform === 'win32' }, async () => {
      // A backlog that is full, and nobody accepts: the kernel leaves further requests unanswered.
      const listener = await TcpListener.listen({ host: '127.0.0.1', port: 0, backlog: 1 });
      const fillers = Array.from({ length: 2 }, () => nodeNet.connect(listener.port, '127.0.0.1'));
      await Promise.all(fillers.map((filler) => event(filler, 'connect')));
      const socket = new Socket({ connectTimeoutMs: 60 });
      socket.connect(listener.port, '127.0.0.1', () => assert.fail('must not connect'));
      const [error] = (await event(socket, 'error')) as [NetTimeoutError];
      assert.deepEqual([error.code, error.direction], ['ETIMEDOUT', 'connect']);
      for (const filler of fillers) filler.on('error', () => undefined).destroy();
      await listener.close();
    });

    test('acceptTimeoutMs tells of the wait, and the server goes on', async () => {
      const server = net.createServer({ acceptTimeoutMs: 30 });
      const port = await listen(server);
      const [error] = (await event(server, 'operationTimeout')) as [NetTimeoutError];
      assert.equal(error.direction, 'accept');
      const peer = nodeNet.connect(port, '127.0.0.1');
      const [socket] = (await event(server, 'connection')) as [Socket];
      socket.destroy();
      peer.destroy();
      await closed(server);
    });

    test('recv() and send() by call, with their timeouts and signals', async (t) => {
      const { socket, peer } = await pair(t);
      await assert.rejects(socket.recv({ timeoutMs: 20 }), { code: 'ETIMEDOUT', direction: 'recv' });
      await assert.rejects(socket.recv({ timeoutMs: 0 }), { code: 'ETIMEDOUT' });
      const controller = new AbortController();
      const aborted = assert.rejects(socket.recv({ signal: controller.signal }), { code: 'ABORT_ERR' });
      controller.abort();
      await aborted;
      peer.write('kept');
      assert.equal(String(await soon(socket.recv({ timeoutMs: 5000 }), 'a recv')), 'kept');
      socket.write('first,');
      assert.equal(await socket.send('second', { timeoutMs: 5000 }), 6);
      let seen = '';
      while (seen.length < 12) seen += String((await event(peer, 'data'))[0]);
      assert.equal(seen, 'first,second');
      peer.end();
      assert.equal(await soon(socket.recv(), 'the end'), null);
      await assert.rejects(socket.recv({ timeoutMs: -1 }), { code: 'ERR_OUT_OF_RANGE' });
      await assert.rejects(socket.send(1 as never), { code: 'ERR_INVALID_ARG_TYPE' });
    });

    test('send() that times out says exactly how many bytes went', async (t) => {
      const { socket, peer } = await pair(t);
      peer.pause();
      const failed = await socket.send(filling, { timeoutMs: 60 }).catch((error: NetTimeoutError) => error);
      assert.ok(typeof failed === 'object');
      assert.equal(failed.code, 'ETIMEDOUT');
      let received = 0;
      peer.on('data', (chunk: Buffer) => {
        received += chunk.length;
      });
      peer.resume();
      socket.end();
      await event(peer, 'end');
      assert.equal(received, failed.bytesTransferred);
    });

    test('abort() resets, and closeResult tells a FIN from a RST', async (t) => {
      const first = await pair(t);
      // Under Wine, node:net takes a reset that finds it still connecting for an end, and has no error to tell.
      await first.connected;
      const reset = event(first.peer, 'error');
      assert.deepEqual(await soon(first.socket.abort(), 'an abort'), { sent: 'RST', unreadBytes: 0 });
      assert.equal(((await reset)[0] as NodeJS.ErrnoException).code, 'ECONNRESET');
      const second = await pair(t);
      second.socket.end();
      second.peer.end();
      await event(second.socket.resume(), 'close');
      assert.deepEqual(second.socket.closeResult, { sent: 'FIN', unreadBytes: 0 });
    });

    test('slowPeers resets a peer that does not read, and leaves one that does', async (t) => {
      const slowPeers = { minSendBytesPerSecond: 1000, windowMs: 50 };
      const slow = await pair(t, { slowPeers });
      const good = await pair(t, { slowPeers });
      slow.peer.pause();
      good.peer.resume();
      const failed = event(slow.socket, 'error');
      slow.socket.write(filling);
      good.socket.write(filling);
      assert.equal(((await failed)[0] as NodeJS.ErrnoException).code, 'ERR_SLOW_READER');
      await event(slow.socket, 'close');
      assert.equal(slow.socket.closeResult?.sent, 'RST');
      assert.ok(!good.socket.destroyed);
    });

    test('slowPeers resets a peer that trickles', async (t) => {
      const { socket, peer } = await pair(t, { slowPeers: { minReceiveBytesPerSecond: 100_000, windowMs: 50 } });
      socket.resume();
      const failed = event(socket, 'error');
      peer.write('x');
      assert.equal(((await failed)[0] as NodeJS.ErrnoException).code, 'ERR_SLOW_SENDER');
    });

    test('blockList closes connections at once', async () => {
      const blockList = new net.BlockList();
      blockList.addAddress('127.0.0.1');
      const server = net.createServer({ blockList }, () => assert.fail('must not connect'));
      const peer = nodeNet.connect(await listen(server), '127.0.0.1');
      peer.on('error', () => undefined).resume();
      await event(peer, 'close');
      await closed(server);
    });

    test('a server that is out of descriptors goes on, without an error', {
      skip: process.platform === 'win32',
    }, async () => {
      const env = { OVERLAPPED_DRIVER: name };
      const child = new Child(import.meta.url, './programs/few-descriptors.js', [], { descriptors: 60, env });
      const port = Number(await soon(child.says('port'), 'the port'));
      const peers = Array.from({ length: 150 }, () => nodeNet.connect(port, '127.0.0.1').on('error', () => undefined));
      const { status, output, errors } = await soon(child.exited, 'the server');
      for (const peer of peers) peer.destroy();
      assert.equal(status, 0, errors);
      assert.match(output, /accepted 100/);
      assert.doesNotMatch(output, /error/);
    });

    test('reusePort lets two servers share a port', { skip: process.platform === 'win32' }, async () => {
      const first = net.createServer().listen({ port: 0, host: '127.0.0.1', reusePort: true } as nodeNet.ListenOptions);
      await event(first, 'listening');
      const { port } = first.address() as nodeNet.AddressInfo;
      const second = net.createServer().listen({ port, host: '127.0.0.1', reusePort: true } as nodeNet.ListenOptions);
      await event(second, 'listening');
      await closed(first);
      await closed(second);
    });
  });
}

function chooseCarrierBefore(makeProactor: () => Parameters<typeof chooseCarrier>[0]['proactor']): void {
  test('a proactor of its own', () => chooseCarrier({ proactor: makeProactor() }));
}

describe('the classes', () => {
  test('are called without new, inherited the old way, and are node:net’s to instanceof', () => {
    const old = function (this: object): void {
      (Socket as unknown as { call(self: object): void }).call(this);
    };
    inherits(old as never, Socket as never);
    const socket = new (old as unknown as new () => Socket)();
    assert.ok(socket instanceof Socket && socket instanceof nodeNet.Socket);
    assert.equal(socket.connecting, false);
    assert.ok((Socket as unknown as () => Socket)() instanceof Socket);
    assert.ok((net.Server as unknown as () => Server)() instanceof nodeNet.Server);
    assert.equal(new Socket().constructor.name, 'Socket');
    assert.deepEqual(
      Object.keys(nodeNet).filter((key) => !(key in net)),
      [],
    );
  });

  test('are not passed to another process, and the error says what to do instead', async () => {
    const child = fork(new URL('./programs/idle-child.js', import.meta.url), { execArgv: [] });
    const server = net.createServer();
    const peer = nodeNet.connect(await listen(server), '127.0.0.1').on('error', () => undefined);
    const [socket] = (await event(server, 'connection')) as [Socket];
    for (const handle of [server, socket]) {
      const send = () => child.send('take this', handle as unknown as nodeNet.Socket);
      assert.throws(send, { code: 'ERR_INVALID_HANDLE_TYPE', message: /reusePort/ });
    }
    const native = nodeNet.createServer();
    await new Promise<void>((resolve) => native.listen(0, '127.0.0.1', resolve));
    await new Promise<void>((resolve, reject) =>
      child.send('take that', native, (error) => (error ? reject(error) : resolve())),
    );
    child.kill();
    socket.destroy();
    peer.destroy();
    native.close();
    await closed(server);
  });

  test('wrong options of our own are refused', () => {
    for (const recvTimeoutMs of [-1, Number.NaN]) assert.throws(() => new Socket({ recvTimeoutMs }), RangeError);
    assert.throws(() => new Socket({ sendTimeoutMs: '1' as never }), TypeError);
    assert.throws(() => net.createServer({ acceptTimeoutMs: -1 }), RangeError);
    assert.throws(() => net.createServer({ slowPeers: { windowMs: 0 } }), RangeError);
    assert.throws(() => net.createServer({ slowPeers: 1 as never }), TypeError);
    assert.throws(() => net.createServer({ blockList: {} as never }), TypeError);
  });
});
