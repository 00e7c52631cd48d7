import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, test } from '../support/contract-test.js';
import { failsWith, failureCode, isAborted, isEndedByClose, timesOut } from '../support/failures.js';
import { bindsAnyAddress } from '../support/platform-limits.js';
import { newSeed, Random, streamBytes } from '../support/random.js';
import type { DriverUnderTest } from '../support/stage.js';
import { type OnUdpStage, useUdpStage } from '../support/udp-stage.js';
import { isPending, soon, turns } from '../support/waiting.js';
import { describeUdpBatches } from './udp-batches.js';
import { describeUdpErrors } from './udp-errors.js';
import { describeUdpOptions } from './udp-options.js';

/** SEMANTICS for datagrams, on any driver and any stack. */
export function describeUdpContract(driver: DriverUnderTest): void {
  describe(`UDP on the ${driver.name} driver`, { timeout: 120_000 }, () => {
    const stage = useUdpStage(driver);
    describeSingle(stage);
    describeSends(stage);
    describeTimeouts(stage);
    describeQueues(stage);
    describeLongQueues(stage);
    describeCancels(stage);
    describeClose(stage);
    describeUdpBatches(stage);
    describeUdpErrors(stage);
    describeUdpOptions(stage);
  });
}

function describeSingle(stage: OnUdpStage): void {
  test('recvFrom() resolves with the bytes and the address of a datagram that comes after it', async () => {
    const { socket, peer } = await stage().pair();
    const receiving = socket.recvFrom();
    assert.ok(await isPending(receiving));
    await peer.send('hello', socket.port);
    const { data, address, truncated } = await soon(receiving, 'a recvFrom');
    assert.equal(Buffer.from(data).toString(), 'hello');
    assert.deepEqual({ ...address }, { family: 'IPv4', address: '127.0.0.1', port: peer.port });
    assert.equal(truncated, false);
  });

  test('recvFrom() keeps datagrams apart and in order, those of 0 bytes too', async () => {
    const { socket, peer } = await stage().pair();
    for (const text of ['a', '', 'ccc']) await peer.send(text, socket.port);
    for (const text of ['a', '', 'ccc']) {
      assert.equal(Buffer.from((await soon(socket.recvFrom(), 'a recvFrom')).data).toString(), text);
    }
  });

  test("recvFrom()'s bytes are the caller's: later datagrams do not change them", async () => {
    const { socket, peer } = await stage().pair();
    await peer.send('first', socket.port);
    const first = await soon(socket.recvFrom(), 'a recvFrom');
    for (let i = 0; i < 64; i++) {
      await peer.send('other', socket.port);
      await soon(socket.recvFrom(), 'a recvFrom');
    }
    assert.equal(Buffer.from(first.data).toString(), 'first');
  });

  test('recvFrom(buffer) writes into the buffer, nothing outside it, and says what it truncated', async () => {
    const { socket, peer } = await stage().pair();
    await peer.send('abcdefgh', socket.port);
    await peer.send('xyz', socket.port);
    const whole = new Uint8Array(16).fill(0xaa);
    const first = await soon(socket.recvFrom(whole.subarray(4, 8)), 'a recvFrom');
    assert.equal(first.bytesTransferred, 4);
    assert.equal(first.truncated, true);
    assert.equal(first.address.port, peer.port);
    assert.equal(Buffer.from(whole).toString('latin1', 3, 9), '\xaaabcd\xaa');
    const second = await soon(socket.recvFrom({ buffer: whole }), 'a recvFrom');
    assert.equal(second.truncated, false);
    assert.equal(Buffer.from(second.data).toString(), 'xyz');
    assert.equal(second.data.buffer, whole.buffer);
  });
}

function describeSends(stage: OnUdpStage): void {
  test('sendTo() reaches the peer, and the data may change as soon as it returns', async () => {
    const { socket, peer } = await stage().pair();
    const data = Buffer.from('hello');
    const sending = socket.sendTo(data, { host: '127.0.0.1', port: peer.port });
    data.fill('!');
    assert.equal(await soon(sending, 'a sendTo'), 5);
    const message = await peer.receive();
    assert.equal(message.data.toString(), 'hello');
    assert.equal(message.from.port, socket.port);
  });

  test('sendTo() takes a name, and the address that a datagram came from', async () => {
    const { socket, peer } = await stage().pair();
    const data = Buffer.from('one');
    const sending = socket.sendTo(data, { host: 'localhost', port: peer.port });
    data.fill('!');
    assert.equal(await soon(sending, 'a sendTo'), 3);
    assert.equal((await peer.receive()).data.toString(), 'one');
    await peer.send('who?', socket.port);
    const { address } = await soon(socket.recvFrom(), 'a recvFrom');
    await soon(socket.sendTo(Buffer.from('you'), address), 'a sendTo');
    assert.equal((await peer.receive()).data.toString(), 'you');
  });

  test('a datagram of 65,507 bytes crosses in both directions', async () => {
    const { socket, peer } = await stage().pair({ sendBufferBytes: 1 << 18 });
    const large = streamBytes(1, 0, 65_507);
    assert.equal(await soon(socket.sendTo(large, { host: '127.0.0.1', port: peer.port }), 'a sendTo'), 65_507);
    assert.ok((await peer.receive()).data.equals(large));
    await peer.send(large, socket.port);
    assert.ok(large.equals((await soon(socket.recvFrom(), 'a recvFrom')).data));
  });

  test('a connected socket sends to its peer and hears nobody else', async () => {
    const { socket, peer } = await stage().pair();
    const stranger = await stage().peer();
    await soon(socket.connect({ host: '127.0.0.1', port: peer.port }), 'a connect');
    assert.equal(socket.remoteAddress?.port, peer.port);
    assert.equal(await soon(socket.send(Buffer.from('hi')), 'a send'), 2);
    assert.equal((await peer.receive()).data.toString(), 'hi');
    await stranger.send('psst', socket.port);
    await peer.send('yes', socket.port);
    assert.equal(Buffer.from((await soon(socket.recvFrom(), 'a recvFrom')).data).toString(), 'yes');
  });

  test('for await takes the datagrams one by one until the socket is closed', async () => {
    const { socket, peer } = await stage().pair();
    const seen: string[] = [];
    const loop = (async () => {
      for await (const { data } of socket) {
        seen.push(Buffer.from(data).toString());
        if (seen.length === 3) void socket.close();
      }
    })();
    for (const text of ['a', 'b', 'c']) await peer.send(text, socket.port);
    await soon(loop, 'the loop to end');
    assert.deepEqual(seen, ['a', 'b', 'c']);
  });
}

function describeTimeouts(stage: OnUdpStage): void {
  test('a receive with timeoutMs 0 takes what is there and fails when nothing is', async () => {
    const { socket, peer } = await stage().pair();
    await timesOut(socket.recvFrom({ timeoutMs: 0 }), 'recvBatch');
    // After a first receive the driver knows that there is nothing; after the datagram it must know better.
    for (const text of ['a', 'b', 'c']) {
      await peer.send(text, socket.port);
      assert.equal(Buffer.from((await soon(socket.recvFrom({ timeoutMs: 0 }), 'a recvFrom')).data).toString(), text);
      await timesOut(socket.recvFrom({ timeoutMs: 0 }));
    }
  });

  test('a receive with timeoutMs 0 takes what is there in a loop that never waits, too', async () => {
    const socket = await stage().bind();
    const to = { host: '127.0.0.1', port: socket.port };
    for (let i = 0; i < 500; i++) {
      await socket.sendTo(Buffer.from(String(i)), to);
      const { data } = await socket.recvFrom({ timeoutMs: 0 });
      assert.equal(Number(Buffer.from(data).toString()), i);
    }
  });

  test('a timeout is never early, and leaves the socket usable', async () => {
    const { socket, peer } = await stage().pair();
    for (const timeoutMs of [1, 7, 30]) {
      const start = performance.now();
      const error = await timesOut(socket.recvFrom({ timeoutMs }));
      assert.ok(performance.now() - start >= timeoutMs, `${performance.now() - start} of ${timeoutMs} ms`);
      assert.equal(error.bytesTransferred, 0);
    }
    await peer.send('late', socket.port);
    assert.equal(Buffer.from((await soon(socket.recvFrom(), 'a recvFrom')).data).toString(), 'late');
  });

  test('a datagram within the timeout is received', async () => {
    const { socket, peer } = await stage().pair({ recvTimeoutMs: 5000 });
    const receiving = socket.recvFrom();
    assert.ok(await isPending(receiving));
    await peer.send('in time', socket.port);
    assert.equal(Buffer.from((await soon(receiving, 'a recvFrom')).data).toString(), 'in time');
  });

  test('no datagram is lost to a timeout, whenever it comes', async (context) => {
    const { socket, peer } = await stage().pair();
    const seed = newSeed();
    context.diagnostic(`seed ${seed}`);
    const random = new Random(seed);
    const total = 400;
    const sending = (async () => {
      for (let i = 0; i < total; i++) {
        await peer.send(String(i), socket.port);
        if (random.below(3) === 0) await delay(random.below(3));
      }
    })();
    const seen: number[] = [];
    while (seen.length < total) {
      try {
        const { data } = await soon(socket.recvFrom({ timeoutMs: random.below(3) }), 'a recvFrom');
        seen.push(Number(Buffer.from(data).toString()));
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, 'ETIMEDOUT');
        await turns(1);
      }
    }
    await sending;
    assert.deepEqual(
      seen,
      Array.from({ length: total }, (_, i) => i),
    );
  });
}

function describeQueues(stage: OnUdpStage): void {
  test('receives queue up and get the datagrams in order', async () => {
    const { socket, peer } = await stage().pair();
    const receives = Array.from({ length: 40 }, () => socket.recvFrom());
    assert.equal(socket.pendingOperations, 40);
    for (let i = 0; i < 40; i++) await peer.send(String(i), socket.port);
    const received = await soon(Promise.all(receives), 'all receives');
    assert.deepEqual(
      received.map(({ data }) => Number(Buffer.from(data).toString())),
      Array.from({ length: 40 }, (_, i) => i),
    );
  });

  test('a receive in the queue is on the clock, and takes nothing when it times out there', async () => {
    const { socket, peer } = await stage().pair();
    const first = socket.recvFrom();
    await timesOut(socket.recvFrom({ timeoutMs: 5 }));
    await timesOut(socket.recvFrom({ timeoutMs: 0 }));
    const last = socket.recvFrom();
    await peer.send('a', socket.port);
    await peer.send('b', socket.port);
    assert.equal(Buffer.from((await soon(first, 'the first')).data).toString(), 'a');
    assert.equal(Buffer.from((await soon(last, 'the last')).data).toString(), 'b');
  });

  test('what recvFrom() read ahead is received next, by recvBatch() too', async () => {
    const { socket, peer } = await stage().pair();
    for (let i = 0; i < 24; i++) await peer.send(`datagram ${i}`, socket.port);
    const batch = socket.createBatch({ capacity: 4, datagramBytes: 10 });
    const seen: string[] = [];
    seen.push(Buffer.from((await soon(socket.recvFrom(), 'a recvFrom')).data).toString());
    while (seen.length < 24) {
      const count = await soon(socket.recvBatch(batch, { timeoutMs: 0 }), 'a recvBatch');
      assert.ok(count >= 1 && count <= 4);
      for (let i = 0; i < count; i++) {
        seen.push(Buffer.from(batch.data(i)).toString());
        assert.equal(batch.address(i).port, peer.port);
        assert.equal(batch.truncated(i), seen.length > 10);
      }
    }
    batch.release();
    assert.deepEqual(
      seen,
      Array.from({ length: 24 }, (_, i) => (i === 0 ? 'datagram 0' : `datagram ${i}`.slice(0, 10))),
    );
  });
}

function describeLongQueues(stage: OnUdpStage): void {
  test('what is left in the kernel is received after what was read ahead', async () => {
    const { socket, peer } = await stage().pair();
    await timesOut(socket.recvFrom({ timeoutMs: 0 }));
    for (let i = 0; i < 50; i++) await peer.send(`${i}`, socket.port);
    await turns();
    for (let i = 0; i < 50; i++) {
      assert.equal(Buffer.from((await soon(socket.recvFrom(), `receive ${i}`)).data).toString(), `${i}`);
    }
  });

  test('a loop of receives that never wait lets the event loop turn', async () => {
    const socket = await stage().bind();
    const to = { host: '127.0.0.1', port: socket.port };
    const batch = socket.createBatch({ capacity: 1 });
    for (let i = 0; i < 50; i++) await socket.sendTo(Buffer.from('ahead'), to);
    let turned = false;
    setImmediate(() => {
      turned = true;
    });
    let received = 0;
    for (; !turned && received < 20_000; received++) {
      await socket.sendTo(Buffer.from('me'), to);
      await socket.recvBatch(batch);
    }
    assert.ok(turned, `${received} receives without a turn of the event loop`);
    batch.release();
  });

  test('a long queue is received to its end, without another datagram that comes', async () => {
    for (const timeoutMs of [Number.POSITIVE_INFINITY, 0]) {
      const { socket, peer } = await stage().pair();
      const batch = socket.createBatch({ capacity: 1 });
      for (let i = 0; i < 150; i++) await peer.send(`${i}`, socket.port);
      for (let i = 0; i < 150; i++) {
        assert.equal(await soon(socket.recvBatch(batch, { timeoutMs }), `receive ${i}`), 1);
        assert.equal(Buffer.from(batch.data(0)).toString(), `${i}`);
      }
      batch.release();
    }
  });
}

function describeCancels(stage: OnUdpStage): void {
  test('cancelling one of several receives leaves the others', async () => {
    const { socket, peer } = await stage().pair();
    const controllers = Array.from({ length: 5 }, () => new AbortController());
    const receives = controllers.map(({ signal }) => socket.recvFrom({ signal }));
    const reason = new Error('enough');
    controllers[0]?.abort(reason);
    controllers[3]?.abort(reason);
    await isAborted(receives[0] as Promise<unknown>, reason);
    await isAborted(receives[3] as Promise<unknown>, reason);
    for (const text of ['a', 'b', 'c']) await peer.send(text, socket.port);
    const kept = [receives[1], receives[2], receives[4]];
    const received = await soon(Promise.all(kept), 'the other receives');
    assert.deepEqual(
      received.map((datagram) => Buffer.from(datagram?.data ?? []).toString()),
      ['a', 'b', 'c'],
    );
  });

  test('an aborted signal fails the call before it takes anything', async () => {
    const { socket, peer } = await stage().pair();
    await peer.send('kept', socket.port);
    await isAborted(socket.recvFrom({ signal: AbortSignal.abort() }));
    await isAborted(
      socket.sendTo(Buffer.from('x'), { host: '127.0.0.1', port: peer.port }, { signal: AbortSignal.abort() }),
    );
    assert.equal(Buffer.from((await soon(socket.recvFrom(), 'a recvFrom')).data).toString(), 'kept');
    await turns();
    assert.equal(peer.kept, 0);
  });

  test('after a receive was aborted the socket goes on', async () => {
    const { socket, peer } = await stage().pair();
    const controller = new AbortController();
    const receiving = socket.recvFrom({ signal: controller.signal, timeoutMs: 5000 });
    assert.ok(await isPending(receiving));
    controller.abort();
    await isAborted(receiving);
    await peer.send('next', socket.port);
    assert.equal(Buffer.from((await soon(socket.recvFrom(), 'a recvFrom')).data).toString(), 'next');
  });
}

function describeClose(stage: OnUdpStage): void {
  for (const call of ['close', 'abort', 'closesocket'] as const) {
    test(`${call}() ends pending receives, and the peer sees nothing`, async () => {
      const { socket, peer } = await stage().pair();
      const receives = [socket.recvFrom(), socket.recvFrom({ timeoutMs: 5000 })];
      const closing = socket[call]();
      for (const receive of receives) await isEndedByClose(receive, 'recvBatch');
      assert.equal((await soon(closing, `${call}()`)).sent, 'none');
      assert.equal(socket.phase, 'closed');
      assert.equal(socket.localAddress, null);
      assert.equal(peer.kept, 0);
    });
  }

  test('a closed socket refuses every call, and its port is free', async () => {
    const { socket, peer } = await stage().pair();
    const { port } = socket;
    const batch = socket.createBatch();
    batch.add(Buffer.from('x'), { family: 'IPv4', address: '127.0.0.1', port: peer.port });
    await socket.close();
    const calls = [
      socket.recvFrom(),
      socket.recvBatch(batch),
      socket.sendBatch(batch),
      socket.sendTo(Buffer.from('x'), { host: '127.0.0.1', port: peer.port }),
      socket.connect({ host: '127.0.0.1', port: peer.port }),
    ];
    for (const call of calls) assert.equal(await failureCode(call), 'ERR_SOCKET_CLOSED');
    assert.throws(() => socket.createBatch(), { code: 'ERR_SOCKET_CLOSED' });
    batch.release();
    await stage().peer('127.0.0.1', port);
  });

  test('a close with datagrams that nobody took ends well, and so does a second one', async () => {
    const { socket, peer } = await stage().pair();
    for (let i = 0; i < 20; i++) await peer.send('unread', socket.port);
    await soon(socket.recvFrom(), 'a recvFrom');
    const result = await soon(socket.close(), 'a close');
    assert.equal(result.sent, 'none');
    assert.deepEqual(await socket.close(), result);
  });

  test('a port that is taken is EADDRINUSE', async () => {
    const { peer } = await stage().pair();
    const error = await failsWith(stage().bind({ port: peer.port }), 'EADDRINUSE');
    assert.equal(error.port, peer.port);
  });

  test('an address that is not of this machine is EADDRNOTAVAIL', async (t) => {
    const platformLimit = await bindsAnyAddress();
    if (platformLimit) return t.skip(platformLimit);
    await failsWith(stage().bind({ host: '192.0.2.250' }), 'EADDRNOTAVAIL');
  });
}
