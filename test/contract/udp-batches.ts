import assert from 'node:assert/strict';
import type { ReleasableBatch, UdpSocket } from '../../src/sockets/udp-socket.js';
import { describe, test } from '../support/contract-test.js';
import { failsWith, failure, failureCode, isAborted, isEndedByClose, timesOut } from '../support/failures.js';
import { streamBytes } from '../support/random.js';
import type { OnUdpStage } from '../support/udp-stage.js';
import { isPending, soon } from '../support/waiting.js';

/** Whole batches, in both directions. */
export function describeUdpBatches(stage: OnUdpStage): void {
  describe('batches', () => {
    describeReceives(stage);
    describeSends(stage);
    describeOtherSends(stage);
    describeLoops(stage);
    describeRefusals(stage);
    if (process.platform === 'linux') describeSegments(stage);
    if (process.platform === 'linux') describeGro(stage);
  });
}

function texts(batch: ReleasableBatch): string[] {
  return Array.from({ length: batch.count }, (_, i) => Buffer.from(batch.data(i)).toString());
}

/** Receives until the batches held `count` datagrams; `each` sees each batch. */
async function receiveAll(
  socket: UdpSocket,
  batch: ReleasableBatch,
  count: number,
  each: () => Promise<void> | void,
): Promise<void> {
  let received = 0;
  while (received < count) {
    const got = await soon(socket.recvBatch(batch), 'a recvBatch');
    assert.equal(got, batch.count);
    assert.ok(got >= 1);
    received += got;
    await each();
  }
  assert.equal(received, count);
}

function describeReceives(stage: OnUdpStage): void {
  test('recvBatch() takes what has come, in order and with its addresses', async () => {
    const { socket, peer } = await stage().pair();
    const other = await stage().peer();
    for (let i = 0; i < 20; i++) await (i % 2 === 0 ? peer : other).send(`${i}`, socket.port);
    const batch = socket.createBatch();
    const seen: string[] = [];
    await receiveAll(socket, batch, 20, () => {
      for (let i = 0; i < batch.count; i++) {
        const from = seen.length % 2 === 0 ? peer : other;
        assert.deepEqual({ ...batch.address(i) }, { family: 'IPv4', address: '127.0.0.1', port: from.port });
        assert.equal(batch.byteLength(i), String(seen.length).length);
        assert.equal(batch.truncated(i), false);
        seen.push(Buffer.from(batch.data(i)).toString());
      }
    });
    assert.deepEqual(
      seen,
      Array.from({ length: 20 }, (_, i) => String(i)),
    );
    batch.release();
  });

  test('recvBatch() waits for the first datagram, and times out without one', async () => {
    const { socket, peer } = await stage().pair();
    const batch = socket.createBatch({ capacity: 8 });
    await timesOut(socket.recvBatch(batch, { timeoutMs: 3 }));
    const receiving = socket.recvBatch(batch);
    assert.ok(await isPending(receiving));
    await peer.send('now', socket.port);
    assert.equal(await soon(receiving, 'a recvBatch'), 1);
    assert.deepEqual(texts(batch), ['now']);
    batch.release();
  });

  test('what a batch has no room for is received by the next', async () => {
    const { socket, peer } = await stage().pair();
    for (let i = 0; i < 10; i++) await peer.send(`${i}`, socket.port);
    const batch = socket.createBatch({ capacity: 3, datagramBytes: 16 });
    const seen: string[] = [];
    await receiveAll(socket, batch, 10, () => void seen.push(...texts(batch)));
    assert.equal(seen.join(''), '0123456789');
    batch.release();
  });

  test('a datagram that is too long is truncated, and says so', async () => {
    const { socket, peer } = await stage().pair();
    const batch = socket.createBatch({ capacity: 2, datagramBytes: 4 });
    await peer.send('abcdef', socket.port);
    await peer.send('abcd', socket.port);
    const seen: [string | undefined, boolean][] = [];
    await receiveAll(socket, batch, 2, () => {
      for (let i = 0; i < batch.count; i++) seen.push([texts(batch)[i], batch.truncated(i)]);
    });
    assert.deepEqual(seen, [
      ['abcd', true],
      ['abcd', false],
    ]);
    batch.release();
  });

  test('recvBatch() ends by its signal and by a close', async () => {
    const socket = await stage().bind();
    const batch = socket.createBatch({ capacity: 2 });
    const controller = new AbortController();
    const receiving = socket.recvBatch(batch, { signal: controller.signal });
    controller.abort();
    await isAborted(receiving);
    const pending = socket.recvBatch(batch);
    void socket.close();
    await isEndedByClose(pending);
    batch.release();
  });
}

function describeSends(stage: OnUdpStage): void {
  test('sendBatch() sends each datagram to its address', async () => {
    const { socket, peer } = await stage().pair();
    const other = await stage().peer();
    const batch = socket.createBatch({ capacity: 100 });
    for (let i = 0; i < 100; i++) {
      batch.add(Buffer.from(`${i}`), { family: 'IPv4', address: '127.0.0.1', port: (i % 2 === 0 ? peer : other).port });
    }
    assert.equal(await soon(socket.sendBatch(batch), 'a sendBatch'), 100);
    const even = Array.from({ length: 50 }, (_, i) => String(2 * i));
    assert.deepEqual(await peer.texts(50), even);
    assert.deepEqual(
      await other.texts(50),
      even.map((text) => String(Number(text) + 1)),
    );
    batch.clear();
    assert.equal(await socket.sendBatch(batch), 0);
    batch.release();
  });

  test('a batch that was received is sent as it is: an echo', async () => {
    const { socket, peer } = await stage().pair();
    const batch = socket.createBatch({ capacity: 16 });
    for (let round = 0; round < 5; round++) {
      const sent = Array.from({ length: 40 }, (_, i) => `${round} ${'x'.repeat(i * 7)}`);
      for (const text of sent) await peer.send(text, socket.port);
      await receiveAll(socket, batch, 40, async () => {
        assert.equal(await soon(socket.sendBatch(batch), 'a sendBatch'), batch.count);
      });
      assert.deepEqual(await peer.texts(40), sent);
    }
    batch.release();
  });
}

function describeOtherSends(stage: OnUdpStage): void {
  test('on a connected socket datagrams need no address', async () => {
    const { socket, peer } = await stage().pair();
    await soon(socket.connect({ host: '127.0.0.1', port: peer.port }), 'a connect');
    const batch = socket.createBatch({ capacity: 3 });
    for (const text of ['a', 'b', 'c']) batch.add(Buffer.from(text));
    assert.equal(await soon(socket.sendBatch(batch), 'a sendBatch'), 3);
    assert.deepEqual(await peer.texts(3), ['a', 'b', 'c']);
    batch.release();
  });

  test('after a batch was filled by hand it receives again', async () => {
    const { socket, peer } = await stage().pair();
    const batch = socket.createBatch({ capacity: 4 });
    batch.add(Buffer.from('q'), { family: 'IPv4', address: '127.0.0.1', port: peer.port });
    await soon(socket.sendBatch(batch), 'a sendBatch');
    await peer.receive();
    await peer.send('a longer answer', socket.port);
    assert.equal(await soon(socket.recvBatch(batch), 'a recvBatch'), 1);
    assert.deepEqual(texts(batch), ['a longer answer']);
    assert.equal(batch.address(0).port, peer.port);
    batch.release();
  });

  test('what the system refuses is left out, and stops nobody else', async () => {
    const { socket, peer } = await stage().pair();
    const batch = socket.createBatch({ capacity: 4 });
    const fine = { family: 'IPv4', address: '127.0.0.1', port: peer.port } as const;
    // Without the option `broadcast`.
    const refused = { ...fine, address: '255.255.255.255' };
    for (const to of [refused, fine, refused, fine]) batch.add(Buffer.from(to === fine ? 'fine' : 'refused'), to);
    assert.equal(await soon(socket.sendBatch(batch), 'a sendBatch'), 2);
    assert.deepEqual(await peer.texts(2), ['fine', 'fine']);
    batch.clear();
    batch.add(Buffer.from('refused'), refused);
    await failsWith(socket.sendBatch(batch), 'EACCES');
    batch.release();
  });
}

function describeLoops(stage: OnUdpStage): void {
  test('batches() gives batches until the socket is closed', async () => {
    const { socket, peer } = await stage().pair();
    const seen: string[] = [];
    const loop = (async () => {
      for await (const batch of socket.batches({ capacity: 4 })) {
        seen.push(...texts(batch));
        await socket.sendBatch(batch);
        if (seen.length === 9) void socket.close();
      }
    })();
    for (let i = 0; i < 9; i++) await peer.send(`${i}`, socket.port);
    await soon(loop, 'the loop to end');
    assert.equal(seen.join(''), '012345678');
    assert.deepEqual(await peer.texts(9), seen);
  });

  test('a loop that waits ends well when the socket is closed', async () => {
    const socket = await stage().bind();
    const waiting = socket.batches().next();
    assert.ok(await isPending(waiting));
    await soon(socket.close(), 'a close');
    assert.deepEqual(await soon(waiting, 'the loop'), { done: true, value: undefined });
  });

  test('a loop fails when it times out, and a new one goes on', async () => {
    const { socket, peer } = await stage().pair();
    await timesOut(socket.batches({ timeoutMs: 2 }).next());
    await peer.send('later', socket.port);
    for await (const batch of socket.batches({ timeoutMs: 5000 })) {
      assert.deepEqual(texts(batch), ['later']);
      break;
    }
  });
}

function describeRefusals(stage: OnUdpStage): void {
  test('createBatch() refuses sizes that cannot be', async () => {
    const socket = await stage().bind();
    for (const capacity of [0, -1, 1.5, 1025, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => socket.createBatch({ capacity }), RangeError);
    }
    for (const datagramBytes of [0, 65_537, Number.NaN]) {
      assert.throws(() => socket.createBatch({ datagramBytes }), RangeError);
    }
    assert.throws(() => socket.createBatch({ capacity: '4' as unknown as number }), TypeError);
  });

  test('a batch that is none is refused, and so is a released one', async () => {
    const socket = await stage().bind();
    for (const batch of [null, undefined, {}, 5, []]) {
      assert.ok((await failure(socket.recvBatch(batch as unknown as ReleasableBatch))) instanceof TypeError);
      assert.ok((await failure(socket.sendBatch(batch as unknown as ReleasableBatch))) instanceof TypeError);
    }
    const released = socket.createBatch({ capacity: 2 });
    released.release();
    released.release();
    assert.equal(await failureCode(socket.recvBatch(released)), 'ERR_BUFFER_RELEASED');
    assert.equal(await failureCode(socket.sendBatch(released)), 'ERR_BUFFER_RELEASED');
    assert.throws(() => released.add(Buffer.from('x')), { code: 'ERR_BUFFER_RELEASED' });
  });

  test("a batch takes no address of another family than the socket's", async () => {
    const socket = await stage().bind();
    const batch = socket.createBatch({ capacity: 2 });
    assert.throws(() => batch.add(Buffer.from('x'), { family: 'IPv6', address: '::1', port: 9 }), TypeError);
    assert.equal(batch.count, 0);
    batch.release();
  });
}

function describeSegments(stage: OnUdpStage): void {
  test('sendTo() with segmentBytes makes one datagram of each segment', async () => {
    const { socket, peer } = await stage().pair();
    const data = streamBytes(2, 0, 1000 * 20 + 17);
    const to = { host: '127.0.0.1', port: peer.port };
    assert.equal(await soon(socket.sendTo(data, to, { segmentBytes: 1000 }), 'a sendTo'), data.length);
    for (let i = 0; i < 20; i++) {
      const { data: segment } = await peer.receive();
      assert.ok(segment.equals(data.subarray(1000 * i, 1000 * (i + 1))), `segment ${i}`);
    }
    assert.equal((await peer.receive()).data.length, 17);
  });

  test('a segmented send of more than one message, on a connected socket', async () => {
    const { socket, peer } = await stage().pair({ sendBufferBytes: 1 << 18 });
    await soon(socket.connect({ host: '127.0.0.1', port: peer.port }), 'a connect');
    const data = streamBytes(3, 0, 100 * 150);
    assert.equal(await soon(socket.send(data, { segmentBytes: 100 }), 'a send'), data.length);
    for (let i = 0; i < 150; i++) {
      assert.ok((await peer.receive()).data.equals(data.subarray(100 * i, 100 * (i + 1))), `segment ${i}`);
    }
    assert.equal(await soon(socket.send(new Uint8Array(0), { segmentBytes: 100 }), 'a send of nothing'), 0);
    assert.equal((await peer.receive()).data.length, 0);
  });
}

function describeGro(stage: OnUdpStage): void {
  test('with udpGro a large buffer is several datagrams, and its echo too', async () => {
    const { socket, peer } = await stage().pair();
    const sender = await stage().bind();
    socket.setOption('udpGro', true);
    const batch = socket.createBatch();
    assert.ok(batch.segmented);
    const data = streamBytes(4, 0, 500 * 30 + 3);
    await soon(sender.sendTo(data, { host: '127.0.0.1', port: socket.port }, { segmentBytes: 500 }), 'a sendTo');
    await peer.send('alone', socket.port);
    const seen: Buffer[] = [];
    let largest = 0;
    await receiveAll(socket, batch, 32, async () => {
      largest = Math.max(largest, batch.count);
      for (let i = 0; i < batch.count; i++) {
        seen.push(Buffer.from(batch.data(i)));
        assert.equal(batch.address(i).port, seen.length === 32 ? peer.port : sender.port);
        assert.equal(batch.byteLength(i), (seen[seen.length - 1] as Buffer).length);
      }
      assert.equal(await soon(socket.sendBatch(batch), 'a sendBatch'), batch.count);
    });
    assert.ok(largest >= 31, `${largest} datagrams in one batch`);
    assert.equal(seen.pop()?.toString(), 'alone');
    assert.ok(Buffer.concat(seen).equals(data));
    const echoes: Uint8Array[] = [];
    while (echoes.length < 31) echoes.push((await soon(sender.recvFrom(), 'an echo')).data);
    assert.deepEqual(
      echoes.map(({ length }) => length),
      seen.map(({ length }) => length),
    );
    assert.ok(Buffer.concat(echoes).equals(data));
    assert.equal((await peer.receive()).data.toString(), 'alone');
    batch.release();
  });

  test('with udpGro recvFrom() still gives one datagram at a time', async () => {
    const socket = await stage().bind();
    const sender = await stage().bind();
    socket.setOption('udpGro', true);
    const data = streamBytes(5, 0, 700 * 40);
    await soon(sender.sendTo(data, { host: '127.0.0.1', port: socket.port }, { segmentBytes: 700 }), 'a sendTo');
    for (let i = 0; i < 40; i++) {
      const { data: segment } = await soon(socket.recvFrom(), 'a recvFrom');
      assert.ok(data.subarray(700 * i, 700 * (i + 1)).equals(segment), `segment ${i}`);
    }
  });

  test('a plain batch is no batch for a socket with udpGro', async () => {
    const socket = await stage().bind();
    const plain = socket.createBatch({ capacity: 2 });
    socket.setOption('udpGro', true);
    assert.equal(await failureCode(socket.recvBatch(plain)), 'ERR_INVALID_STATE');
    plain.release();
    const segmented = socket.createBatch({ capacity: 2 });
    const receiving = socket.recvBatch(segmented, { timeoutMs: 10 });
    assert.throws(() => socket.setOption('udpGro', false), { code: 'ERR_INVALID_STATE' });
    await timesOut(receiving);
    segmented.release();
  });
}
