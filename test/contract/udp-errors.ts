import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { UdpError, UdpSocket } from '../../src/sockets/udp-socket.js';
import { describe, test } from '../support/contract-test.js';
import { failsWith, failure, timesOut } from '../support/failures.js';
import { deafAfterRefusal } from '../support/platform-limits.js';
import type { OnUdpStage, UdpStage } from '../support/udp-stage.js';
import { isPending, soon, turn, turns } from '../support/waiting.js';

/** ICMP errors, which must not end a socket, and the caller's mistakes. */
export function describeUdpErrors(stage: OnUdpStage): void {
  describe('errors', () => {
    describeConnected(stage);
    describeUnconnected(stage);
    if (process.platform === 'linux') describeErrorQueue(stage);
    if (process.platform === 'linux') describeReports(stage);
    describeMistakes(stage);
    describeOtherMistakes(stage);
  });
}

const X = Buffer.from('x');

function describeConnected(stage: OnUdpStage): void {
  test('a connected socket whose peer is gone fails one receive', async () => {
    const { socket } = await connectedToNobody(stage());
    const receiving = socket.recvFrom();
    assert.ok(await isPending(receiving));
    assert.equal(await soon(socket.send(X), 'a send'), 1);
    await failsWith(receiving, 'ECONNREFUSED');
    await timesOut(socket.recvFrom({ timeoutMs: 2 }));
  });

  test('a connected socket hears its peer when it is back', async (t) => {
    const platformLimit = await deafAfterRefusal();
    if (platformLimit) return t.skip(platformLimit);
    const { socket, port } = await connectedToNobody(stage());
    const receiving = socket.recvFrom();
    await soon(socket.send(X), 'a send');
    await failsWith(receiving, 'ECONNREFUSED');
    const peer = await stage().peer('127.0.0.1', port);
    assert.equal(await soon(socket.send(Buffer.from('again')), 'a send'), 5);
    assert.equal((await peer.receive()).data.toString(), 'again');
    await peer.send('here', socket.port);
    assert.equal(Buffer.from((await soon(socket.recvFrom(), 'a recvFrom')).data).toString(), 'here');
  });

  test('an error that comes while nothing is pending fails the next send, once', async () => {
    const { socket } = await connectedToNobody(stage());
    await soon(socket.send(X), 'a send');
    await delay(ERROR_ARRIVES_MS);
    await failsWith(socket.send(X), 'ECONNREFUSED');
    await soon(socket.send(X), 'a send');
  });

  test('an error that comes while nothing is pending fails the next receive, once', async () => {
    const { socket } = await connectedToNobody(stage());
    await soon(socket.send(X), 'a send');
    await delay(ERROR_ARRIVES_MS);
    await failsWith(socket.recvFrom(), 'ECONNREFUSED');
    await timesOut(socket.recvFrom({ timeoutMs: 2 }));
  });
}

/** Nothing tells when the error has come: whoever asked would have it. A port's other thread hears of it first. */
const ERROR_ARRIVES_MS = 50;

async function connectedToNobody(stage: UdpStage): Promise<{ socket: UdpSocket; port: number }> {
  const port = await stage.deadPort();
  const socket = await stage.bind();
  await soon(socket.connect({ host: '127.0.0.1', port }), 'a connect');
  return { socket, port };
}

function describeUnconnected(stage: OnUdpStage): void {
  test('an unconnected socket does not go deaf when a destination is gone', async () => {
    const { socket, peer } = await stage().pair();
    const port = await stage().deadPort();
    const receiving = socket.recvFrom();
    for (let i = 0; i < 5; i++) {
      assert.equal(await soon(socket.sendTo(X, { host: '127.0.0.1', port }), 'a sendTo'), 1);
      await turn();
    }
    assert.ok(await isPending(receiving));
    await peer.send('alive', socket.port);
    assert.equal(Buffer.from((await soon(receiving, 'a recvFrom')).data).toString(), 'alive');
    assert.deepEqual(await socket.takeErrors(), []);
  });

  test('a batch reaches the others when one destination is gone', async () => {
    const { socket, peer } = await stage().pair();
    const dead = await stage().deadPort();
    const batch = socket.createBatch({ capacity: 9 });
    for (let i = 0; i < 9; i++) {
      batch.add(Buffer.from(`${i}`), { family: 'IPv4', address: '127.0.0.1', port: i % 3 === 1 ? dead : peer.port });
    }
    for (let round = 0; round < 3; round++) {
      assert.equal(await soon(socket.sendBatch(batch), 'a sendBatch'), 9);
      assert.equal((await peer.texts(6)).join(''), '023568');
    }
    batch.release();
  });
}

/** Errors until there are `count` of them. */
async function errorsOf(socket: UdpSocket, count: number): Promise<UdpError[]> {
  const errors: UdpError[] = [];
  while (errors.length < count) {
    errors.push(...(await soon(socket.takeErrors(), 'takeErrors()')));
    await turn();
  }
  return errors;
}

function describeErrorQueue(stage: OnUdpStage): void {
  for (const pending of [true, false]) {
    const when = pending ? 'while a receive waits' : 'while nothing waits';
    test(`with receiveErrors an unconnected socket learns which destination is gone, ${when}`, async () => {
      const { socket, peer } = await stage().pair();
      socket.setOption('receiveErrors', true);
      const ports = [await stage().deadPort(), await stage().deadPort(), await stage().deadPort()];
      const waiting = pending ? socket.recvFrom() : null;
      for (const port of ports) {
        // The pending error of the one before must not be taken for this one's.
        assert.equal(await soon(socket.sendTo(X, { host: '127.0.0.1', port }), 'a sendTo'), 1);
        await turns(2);
      }
      const errors = await errorsOf(socket, 3);
      assert.deepEqual(
        errors.map(({ code, address }) => [code, address?.address, address?.port]),
        ports.map((port) => ['ECONNREFUSED', '127.0.0.1', port]),
      );
      assert.deepEqual(await socket.takeErrors(), []);
      await peer.send('alive', socket.port);
      const { data } = await soon(waiting ?? socket.recvFrom(), 'a recvFrom');
      assert.equal(Buffer.from(data).toString(), 'alive');
    });
  }
}

function describeReports(stage: OnUdpStage): void {
  test('with receiveErrors a batch to many reports each destination that is gone', async () => {
    const { socket, peer } = await stage().pair();
    socket.setOption('receiveErrors', true);
    const dead = await stage().deadPort();
    const batch = socket.createBatch({ capacity: 30 });
    for (let i = 0; i < 30; i++) {
      batch.add(X, { family: 'IPv4', address: '127.0.0.1', port: i % 2 === 0 ? dead : peer.port });
    }
    assert.equal(await soon(socket.sendBatch(batch), 'a sendBatch'), 30);
    await peer.texts(15);
    const errors = await errorsOf(socket, 1);
    assert.ok(errors.every(({ code, address }) => code === 'ECONNREFUSED' && address?.port === dead));
    batch.release();
  });

  test('with receiveErrors a connected socket still fails once for each error', async () => {
    const socket = await stage().bind();
    socket.setOption('receiveErrors', true);
    const port = await stage().deadPort();
    await soon(socket.connect({ host: '127.0.0.1', port }), 'a connect');
    await soon(socket.send(X), 'a send');
    await failsWith(socket.recvFrom(), 'ECONNREFUSED');
    assert.deepEqual(
      (await socket.takeErrors()).map(({ code, address }) => [code, address?.port]),
      [['ECONNREFUSED', port]],
    );
    await timesOut(socket.recvFrom({ timeoutMs: 2 }));
    await soon(socket.send(X), 'a send');
    await turns();
    await failsWith(socket.send(X), 'ECONNREFUSED');
  });

  test('an error that nobody takes keeps no loop busy', async () => {
    for (const pending of [true, false]) {
      const socket = await stage().bind();
      socket.setOption('receiveErrors', true);
      const receiving = pending ? failure(socket.recvFrom()) : null;
      await soon(socket.sendTo(X, { host: '127.0.0.1', port: await stage().deadPort() }), 'a sendTo');
      await turns();
      const before = process.cpuUsage();
      await delay(150);
      const { user, system } = process.cpuUsage(before);
      assert.ok(user + system < 75_000, `${user + system} µs of CPU in 150 ms of nothing`);
      await soon(socket.close(), 'a close');
      if (receiving !== null) assert.equal(((await receiving) as NodeJS.ErrnoException).code, 'ECANCELED');
    }
  });
}

function describeMistakes(stage: OnUdpStage): void {
  test('wrong arguments of a send are refused before anything is sent', async () => {
    const { socket, peer } = await stage().pair();
    const to = { host: '127.0.0.1', port: peer.port };
    for (const data of ['text', null, undefined, 5, new ArrayBuffer(4), [1]]) {
      assert.ok((await failure(socket.sendTo(data as never, to))) instanceof TypeError, String(data));
    }
    for (const port of [0, -1, 65_536, 1.5, Number.NaN]) {
      assert.ok((await failure(socket.sendTo(X, { ...to, port }))) instanceof RangeError, String(port));
    }
    for (const port of ['1', null, undefined, {}]) {
      assert.ok((await failure(socket.sendTo(X, { ...to, port } as never))) instanceof TypeError, String(port));
    }
    for (const host of [5, null, undefined, '', '::1']) {
      assert.ok((await failure(socket.sendTo(X, { ...to, host } as never))) instanceof TypeError, String(host));
    }
    for (const destination of [null, undefined, 'host', 5]) {
      assert.ok((await failure(socket.sendTo(X, destination as never))) instanceof TypeError);
    }
    for (const address of ['256.1.1.1', '1.2.3', '01.2.3.4', '1.2.3.4.5', '::1']) {
      const error = await failure(socket.sendTo(X, { family: 'IPv4', address, port: peer.port }));
      assert.ok(error instanceof TypeError, address);
    }
    await turns();
    assert.equal(peer.kept, 0);
    assert.equal(socket.pendingOperations, 0);
  });

  test('wrong timeouts and signals are refused', async () => {
    const { socket, peer } = await stage().pair();
    const to = { host: '127.0.0.1', port: peer.port };
    const batch = socket.createBatch({ capacity: 1 });
    const calls = (options: object) => [
      socket.recvFrom(options),
      socket.recvBatch(batch, options),
      socket.sendTo(X, to, options),
      socket.sendBatch(batch, options),
      socket.connect({ ...to, ...options }),
    ];
    for (const timeoutMs of [-1, Number.NaN, Number.NEGATIVE_INFINITY]) {
      for (const call of calls({ timeoutMs })) assert.ok((await failure(call)) instanceof RangeError);
    }
    for (const timeoutMs of ['5', null, {}]) {
      for (const call of calls({ timeoutMs })) assert.ok((await failure(call)) instanceof TypeError);
    }
    // A name whose look-up fails after the call has failed already.
    const nowhere = { host: 'nowhere.invalid', port: 9 };
    assert.ok((await failure(socket.sendTo(X, nowhere, { timeoutMs: -1 }))) instanceof RangeError);
    assert.equal(((await failure(socket.sendTo(X, nowhere))) as NodeJS.ErrnoException).syscall, 'getaddrinfo');
    for (const call of calls({ signal: {} })) assert.ok((await failure(call)) instanceof TypeError);
    batch.release();
  });
}

function describeOtherMistakes(stage: OnUdpStage): void {
  test('wrong buffers and bind options are refused', async () => {
    const socket = await stage().bind();
    assert.ok((await failure(socket.recvFrom(new Uint8Array(0)))) instanceof RangeError);
    for (const buffer of ['text', 5, null]) {
      assert.ok((await failure(socket.recvFrom({ buffer } as never))) instanceof TypeError, String(buffer));
    }
    for (const options of [
      { port: '5' },
      { host: 5 },
      { family: 5 },
      { broadcast: 1 },
      { family: 6, host: '127.0.0.1' },
    ]) {
      assert.ok((await failure(stage().bind(options as never))) instanceof TypeError, JSON.stringify(options));
    }
    for (const options of [{ port: -1 }, { port: 65_536 }, { recvTimeoutMs: -1 }, { receiveBufferBytes: 0 }]) {
      assert.ok((await failure(stage().bind(options))) instanceof RangeError, JSON.stringify(options));
    }
  });

  test('a datagram that is too large is EMSGSIZE', async () => {
    const { socket, peer } = await stage().pair();
    const to = { host: '127.0.0.1', port: peer.port };
    const error = await failsWith(socket.sendTo(new Uint8Array(70_000), to), 'EMSGSIZE');
    assert.equal(error.port, peer.port);
    await failsWith(socket.sendTo(new Uint8Array(65_508), to), 'EMSGSIZE');
    assert.equal(await soon(socket.sendTo(X, to), 'a sendTo'), 1);
  });

  test('send() on a socket that is not connected is refused', async () => {
    const socket = await stage().bind();
    assert.equal(((await failure(socket.send(X))) as NodeJS.ErrnoException).code, 'ERR_SOCKET_DGRAM_NOT_CONNECTED');
  });
}
