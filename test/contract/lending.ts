import assert from 'node:assert/strict';
import { describe, test } from '../support/contract-test.js';
import { failsWith, isEndedByClose, timesOut } from '../support/failures.js';
import { firstDifference, streamBytes } from '../support/random.js';
import { type DriverUnderTest, type OnStage, useStage } from '../support/stage.js';
import { isPending, soon, turns } from '../support/waiting.js';

/** Receiving without a copy: memory that is lent, and taken back. */
export function describeLending(driver: DriverUnderTest): void {
  describe('lent buffers', () => {
    const stage = useStage(driver);
    describeLent(stage);
    describeLoop(stage);
    describeSending(stage);
  });
}

const RELEASED = { code: 'ERR_BUFFER_RELEASED' };

function describeLent(stage: OnStage): void {
  const lentBuffers = () => stage().proactor.driver.statistics().lentBuffers;

  test('recvLent() lends the bytes until release(), and counts what it has lent', async () => {
    const { socket, peer } = await stage().connected();
    const receiving = socket.recvLent();
    await peer.send('lent');
    const lent = await soon(receiving, 'a recvLent');
    assert.ok(lent);
    assert.equal(lent.length, 4);
    assert.equal(Buffer.from(lent.bytes).toString(), 'lent');
    assert.equal(lent.toString(), 'lent');
    assert.equal(lent.toString('hex'), '6c656e74');
    assert.equal(lentBuffers(), 1);
    const kept = lent.copy();
    lent.release();
    assert.equal(lentBuffers(), 0);
    assert.equal(kept.toString(), 'lent');
  });

  test('a view of lent bytes may be cloned, whole buffer and all', async () => {
    const { socket, peer } = await stage().connected();
    const receiving = socket.recvLent();
    await peer.send('lent');
    const lent = await soon(receiving, 'a recvLent');
    assert.ok(lent);
    // A clone of a view takes the buffer under it along: a page that is not there would end the process.
    assert.equal(Buffer.from(structuredClone(lent.bytes)).toString(), 'lent');
    lent.release();
  });

  test('a released buffer is empty and throws ERR_BUFFER_RELEASED; a second release() does nothing', async () => {
    const { socket, peer } = await stage().connected();
    const receiving = [socket.recvLent(), socket.recvLent()];
    await peer.send('first');
    const first = await soon(receiving[0] as Promise<never>, 'a recvLent');
    await peer.send('second');
    const second = (await soon(receiving[1] as Promise<never>, 'another')) as { release(): void; toString(): string };
    const lent = first as NonNullable<Awaited<ReturnType<typeof socket.recvLent>>>;
    assert.equal(lent.released, false);
    lent.release();
    lent.release();
    assert.equal(lent.released, true);
    assert.equal(lent.length, 0);
    assert.throws(() => lent.bytes, RELEASED);
    assert.throws(() => lent.copy(), RELEASED);
    assert.throws(() => lent.toString(), RELEASED);
    await failsWithReleased(socket.send(lent));
    assert.equal(lentBuffers(), 1, 'the second release() took nobody else’s');
    assert.equal(second.toString(), 'second');
    second.release();
  });

  test('recvLent() resolves with null at the end of the stream', async () => {
    const { socket, peer } = await stage().connected();
    peer.end('last');
    const lent = await soon(socket.recvLent(), 'a recvLent');
    assert.equal(lent?.toString(), 'last');
    lent?.release();
    assert.equal(await soon(socket.recvLent(), 'the end'), null);
    assert.equal(await soon(socket.recvLent(), 'the end again'), null);
  });

  test('recv() and recvLent() take turns on one stream without losing a byte', async () => {
    const { socket, peer } = await stage().connected();
    const total = 200_000;
    peer.end(streamBytes(20, 0, total));
    const buffer = new Uint8Array(777);
    for (let position = 0, i = 0; position < total; i++) {
      if (i % 2 === 0) {
        const length = await soon(socket.recv(buffer), 'a recv');
        assert.equal(firstDifference(20, position, buffer, length), -1);
        position += length;
      } else {
        const lent = await soon(socket.recvLent(), 'a recvLent');
        assert.ok(lent);
        assert.equal(firstDifference(20, position, lent.bytes), -1);
        position += lent.length;
        lent.release();
      }
    }
    assert.equal(await socket.recv(buffer), 0);
  });

  test('bytes that are lent stay as they are while others arrive', async () => {
    const { socket, peer } = await stage().connected();
    const held = [];
    for (let i = 0; i < 20; i++) {
      await peer.send(streamBytes(i, 0, 1000));
      const lent = await soon(socket.recvLent(), 'a recvLent');
      assert.ok(lent);
      held.push({ lent, stream: i });
      if (lent.length < 1000)
        await soon(
          socket.recvLent().then((rest) => rest?.release()),
          'the rest',
        );
    }
    for (const { lent, stream } of held) assert.equal(firstDifference(stream, 0, lent.bytes), -1);
    for (const { lent } of held) lent.release();
    assert.equal(lentBuffers(), 0);
  });

  test('a lent buffer outlives its socket', async () => {
    const { socket, peer } = await stage().connected();
    await peer.send('outlives');
    const lent = await soon(socket.recvLent(), 'a recvLent');
    await socket.close();
    assert.equal(lent?.toString(), 'outlives');
    lent?.release();
  });
}

async function failsWithReleased(promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, RELEASED);
}

function describeLoop(stage: OnStage): void {
  const lentBuffers = () => stage().proactor.driver.statistics().lentBuffers;

  test('for await gives the bytes in order, ends with the stream, and gives everything back', async () => {
    const { socket, peer } = await stage().connected();
    const total = 1 << 20;
    peer.end(streamBytes(21, 0, total));
    let position = 0;
    for await (const chunk of socket) {
      assert.ok(chunk.length > 0);
      assert.equal(firstDifference(21, position, chunk.bytes), -1);
      position += chunk.length;
    }
    assert.equal(position, total);
    assert.equal(lentBuffers(), 0);
  });

  test('leaving the loop gives its chunk back, and a new loop goes on behind it', async () => {
    const { socket, peer } = await stage().connected();
    await peer.send('one');
    for await (const chunk of socket.receive()) {
      assert.equal(chunk.toString(), 'one');
      break;
    }
    assert.equal(lentBuffers(), 0);
    await peer.send('two');
    for await (const chunk of socket.receive()) {
      assert.equal(chunk.toString(), 'two');
      break;
    }
  });

  test('a loop that timed out loses no byte: a new one goes on where it stopped', async () => {
    const { socket, peer } = await stage().connected();
    await peer.send('before');
    const seen: string[] = [];
    const looping = (async () => {
      for await (const chunk of socket.receive({ timeoutMs: 20 })) seen.push(chunk.toString());
    })();
    await timesOut(looping, 'recv');
    assert.deepEqual(seen, ['before']);
    peer.end('after');
    for await (const chunk of socket.receive({ timeoutMs: 5000 })) seen.push(chunk.toString());
    assert.deepEqual(seen, ['before', 'after']);
  });

  test('a loop fails with the reset of its peer, and with the close of its socket', async () => {
    const { socket, peer } = await stage().connected();
    const looping = failsWith(socket.receive().next(), 'ECONNRESET');
    await turns();
    peer.reset();
    await looping;
    const { socket: other } = await stage().connected();
    const closed = isEndedByClose(other.receive().next());
    await turns();
    await other.close();
    await closed;
  });

  test('an iterator that has ended stays ended', async () => {
    const { socket, peer } = await stage().connected();
    peer.end('x');
    const iterator = socket.receive();
    assert.equal((await soon(iterator.next(), 'a chunk')).done, false);
    assert.deepEqual(await soon(iterator.next(), 'the end'), { done: true, value: undefined });
    assert.deepEqual(await iterator.next(), { done: true, value: undefined });
    assert.deepEqual(await iterator.return?.(), { done: true, value: undefined });
  });
}

function describeSending(stage: OnStage): void {
  const lentBuffers = () => stage().proactor.driver.statistics().lentBuffers;

  test('a lent buffer can be sent as it is', async () => {
    const { socket, peer } = await stage().connected();
    await peer.send('round trip');
    const lent = await soon(socket.recvLent(), 'a recvLent');
    assert.ok(lent);
    assert.equal(await soon(socket.send(lent), 'a send'), 10);
    assert.equal((await peer.read(10)).toString(), 'round trip');
    lent.release();
  });

  test('a lent buffer that is released while it is being sent is still sent whole', async () => {
    const { socket, peer } = await stage().connected();
    const { socket: slow, peer: slowPeer } = await stage().connected({}, true);
    const filling = slow.send(new Uint8Array(16 << 20));
    await peer.send('whole');
    const lent = await soon(socket.recvLent(), 'a recvLent');
    assert.ok(lent);
    const sending = slow.send(lent.bytes.slice());
    const echo = socket.send(lent);
    lent.release();
    await peer.send('overwrite');
    assert.equal(await soon(echo, 'the echo'), 5);
    assert.equal((await peer.read(5)).toString(), 'whole');
    slowPeer.resume();
    await soon(Promise.all([filling, sending]), 'the slow sends');
    await soon(socket.recv(new Uint8Array(16)), 'a recv');
  });

  test('a lent buffer that waits in the queue of sends, and is released there, is sent whole', async () => {
    const { socket, peer } = await stage().connected({}, true);
    const filling = socket.send(new Uint8Array(16 << 20));
    await peer.send('precious');
    const lent = await soon(socket.recvLent(), 'a recvLent');
    assert.ok(lent);
    const sending = socket.send(lent);
    lent.release();
    // Whoever receives next may be given the memory that was released.
    const { socket: other, peer: otherPeer } = await stage().connected();
    for (let i = 0; i < 300; i++) {
      await otherPeer.send('OVERWRIT');
      const next = await soon(other.recvLent(), 'a recvLent');
      next?.release();
    }
    peer.resume();
    await soon(Promise.all([filling, sending]), 'both sends');
    await peer.read(16 << 20);
    assert.equal((await peer.read(8)).toString(), 'precious');
  });

  test('an echo of lent chunks is exact, and keeps none', async () => {
    const { socket, peer } = await stage().connected();
    const total = 2 << 20;
    const serving = (async () => {
      for await (const chunk of socket.receive({ timeoutMs: 10_000 })) await socket.send(chunk);
      await socket.shutdown();
    })();
    const echoed = peer.readAll();
    peer.end(streamBytes(22, 0, total));
    await soon(serving, 'the echo', 30_000);
    const bytes = await echoed;
    assert.equal(bytes.length, total);
    assert.equal(firstDifference(22, 0, bytes), -1);
    assert.equal(lentBuffers(), 0);
  });

  test('a lent buffer can be sent on a socket of another proactor: its bytes are copied', async () => {
    const { socket, peer } = await stage().connected();
    await peer.send('over there');
    const lent = await soon(socket.recvLent(), 'a recvLent');
    assert.ok(lent);
    const second = stage().another();
    const server = await stage().server();
    const other = await second.connect({ port: server.port });
    const otherPeer = stage().peer(await server.accept());
    assert.equal(await soon(other.send(lent), 'a send'), 10);
    assert.equal((await otherPeer.read(10)).toString(), 'over there');
    lent.release();
  });

  test('bytes that nobody takes wait at the peer: read-ahead has a limit', async () => {
    const { socket, peer } = await stage().connected();
    const first = socket.recv(new Uint8Array(1));
    const sending = peer.send(new Uint8Array(64 << 20));
    assert.equal(await soon(first, 'a recv'), 1);
    await turns(200);
    assert.ok(await isPending(sending), 'the peer is held back by TCP');
    assert.ok(lentBuffers() <= 512, `${lentBuffers()} buffers are held`);
    await socket.abort();
    await sending.catch(() => undefined);
  });
}
