import assert from 'node:assert/strict';
import { describe, test } from '../support/contract-test.js';
import { failsWith } from '../support/failures.js';
import { firstDifference, Random, streamBytes } from '../support/random.js';
import { type DriverUnderTest, type OnStage, useStage } from '../support/stage.js';
import { isPending, soon, turns } from '../support/waiting.js';

/** Sending: all of it, in order, however it is cut up, and no faster than the peer takes it. */
export function describeSend(driver: DriverUnderTest): void {
  describe('send', () => {
    const stage = useStage(driver);
    describeData(stage);
    describeOrder(stage);
    describeBackpressure(stage);
    describeBrokenPeers(stage);
  });
}

function describeData(stage: OnStage): void {
  // Around the sizes at which drivers take another path: a slab, a page, a stretch of a stream.
  for (const size of [1, 255, 256, 257, 4095, 4096, 4097, 65535, 65536, 65537, 200_000, 1 << 20]) {
    test(`send() of ${size} bytes resolves with ${size}, and all of them arrive`, async () => {
      const { socket, peer } = await stage().connected();
      assert.equal(await soon(socket.send(streamBytes(size, 0, size)), 'a send'), size);
      assert.equal(firstDifference(size, 0, await peer.read(size)), -1);
    });
  }

  test('send() of nothing resolves with 0 and sends nothing', async () => {
    const { socket, peer } = await stage().connected();
    assert.equal(await socket.send(new Uint8Array(0)), 0);
    assert.equal(await socket.send([]), 0);
    assert.equal(await socket.send([new Uint8Array(0), new Uint8Array(0)]), 0);
    assert.equal(stage().proactor.outstanding, 0);
    await socket.close();
    await peer.ending();
    assert.equal(peer.receivedBytes, 0);
  });

  test('send() gathers several buffers in order, empty ones included', async () => {
    const { socket, peer } = await stage().connected();
    const parts = ['', 'one', '', 'two', 'three', ''].map((text) => Buffer.from(text));
    assert.equal(await soon(socket.send(parts), 'a send'), 11);
    assert.equal((await peer.read(11)).toString(), 'onetwothree');
  });

  test('send() gathers up to 1,024 buffers of any size', async () => {
    const { socket, peer } = await stage().connected();
    const random = new Random(11);
    const parts: Buffer[] = [];
    let total = 0;
    for (let i = 0; i < 1024; i++) {
      const length = random.below(600);
      parts.push(streamBytes(12, total, length));
      total += length;
    }
    assert.equal(await soon(socket.send(parts), 'a send'), total);
    assert.equal(firstDifference(12, 0, await peer.read(total)), -1);
  });

  test('send() takes any view: of a part of a buffer, of a pooled one, of a very small one', async () => {
    const { socket, peer } = await stage().connected();
    const whole = Buffer.from('0123456789');
    await socket.send(whole.subarray(3, 6));
    await socket.send(new Uint8Array(whole.buffer, whole.byteOffset + 6, 2));
    await socket.send(Uint8Array.of(56));
    assert.equal((await peer.read(6)).toString(), '345678');
  });
}

function describeOrder(stage: OnStage): void {
  test('sends that are not awaited leave in the order of their calls', async () => {
    const { socket, peer } = await stage().connected();
    const sends: Promise<number>[] = [];
    let total = 0;
    const random = new Random(13);
    for (let i = 0; i < 500; i++) {
      const length = 1 + random.below(3000);
      sends.push(socket.send(streamBytes(14, total, length)));
      total += length;
    }
    const lengths = await soon(Promise.all(sends), '500 sends');
    assert.equal(
      lengths.reduce((sum, length) => sum + length, 0),
      total,
    );
    assert.equal(firstDifference(14, 0, await peer.read(total)), -1);
  });

  test('1,024 sends may wait on a socket; the next one fails with ENOBUFS and nothing of it is sent', async () => {
    const { socket, peer } = await stage().connected({}, true);
    const first = socket.send(new Uint8Array(16 << 20));
    const sends = Array.from({ length: 1023 }, (_, i) => socket.send(Uint8Array.of(i & 255)));
    await failsWith(socket.send(Buffer.from('too many')), 'ENOBUFS');
    peer.resume();
    await soon(Promise.all([first, ...sends]), '1,024 sends');
    await socket.shutdown();
    const all = await peer.readAll();
    assert.equal(all.length, (16 << 20) + 1023);
    for (let i = 0; i < 1023; i++) assert.equal(all[(16 << 20) + i], i & 255);
  });

  test('a send() is not a recv(): what is sent is not received by the sender', async () => {
    const { socket } = await stage().connected();
    const receiving = socket.recv(new Uint8Array(8)).catch(() => undefined);
    await socket.send(Buffer.from('echo?'));
    assert.ok(await isPending(receiving));
    await socket.abort();
    await receiving;
  });
}

function describeBackpressure(stage: OnStage): void {
  test('send() waits while the peer does not read, and goes on when it does', async () => {
    const { socket, peer } = await stage().connected({}, true);
    const bytes = streamBytes(15, 0, 16 << 20);
    const sending = socket.send(bytes);
    await turns(50);
    assert.ok(await isPending(sending));
    peer.resume();
    assert.equal(await soon(sending, 'a send'), bytes.length);
    assert.ok((await peer.read(bytes.length)).equals(bytes));
  });

  // The memory that is on its way must not be the garbage collector's to move or to free.
  test('bytes that wait to be sent survive garbage collections', async () => {
    const { socket, peer } = await stage().connected({}, true);
    const sends: Promise<number>[] = [];
    for (let i = 0; i < 64; i++) sends.push(socket.send(streamBytes(16, i * 131_072, 131_072)));
    for (let i = 0; i < 3; i++) {
      globalThis.gc?.();
      Array.from({ length: 50 }, () => Buffer.alloc(100_000, 0xee));
      await turns(2);
    }
    peer.resume();
    await soon(Promise.all(sends), '64 sends');
    assert.equal(firstDifference(16, 0, await peer.read(64 * 131_072)), -1);
  });

  test('50 sockets with stalled sends each get their own bytes through in the end', async () => {
    const server = await stage().server({}, true);
    const ends = [];
    for (let i = 0; i < 50; i++) {
      const socket = await stage().connect({ port: server.port });
      ends.push({ socket, peer: stage().peer(await server.accept()), stream: 100 + i });
    }
    const length = 6 << 20;
    const sends = ends.map(({ socket, stream }) => socket.send(streamBytes(stream, 0, length)));
    await turns(50);
    for (const { peer } of ends) peer.resume();
    await soon(Promise.all(sends), '50 sends', 30_000);
    for (const { peer, stream } of ends) assert.equal(firstDifference(stream, 0, await peer.read(length)), -1);
  });
}

function describeBrokenPeers(stage: OnStage): void {
  test('a send() that waits when the peer resets fails with ECONNRESET', async () => {
    const { socket, peer } = await stage().connected({}, true);
    const sending = failsWith(socket.send(new Uint8Array(32 << 20)), 'ECONNRESET');
    const queued = failsWith(socket.send(new Uint8Array(8)), 'ECONNRESET', 'EPIPE');
    await turns();
    peer.reset();
    const error = await sending;
    assert.equal(error.syscall, 'send');
    assert.ok(error.bytesTransferred < 32 << 20);
    await queued;
  });

  // The kernel tells of a reset once, and a send that had sent a part keeps it to itself: the other side must not read
  // the silence as an end.
  test('a recv() and a send() that both wait when the peer resets fail with ECONNRESET, and neither ends', async () => {
    for (let i = 0; i < 10; i++) {
      const { socket, peer } = await stage().connected({}, true);
      const waiting = [() => socket.recv(new Uint8Array(8)), () => socket.send(new Uint8Array(32 << 20))];
      if (i % 2 === 0) waiting.reverse();
      const failed = waiting.map((start) => failsWith(start(), 'ECONNRESET'));
      await turns();
      peer.reset();
      await Promise.all(failed);
      await socket.close();
    }
  });

  test('both directions hear of a reset as a reset, whoever is told first', async () => {
    const { socket, peer } = await stage().connected();
    const receiving = failsWith(socket.recv(new Uint8Array(8)), 'ECONNRESET');
    await turns();
    peer.reset();
    await receiving;
    await failsWith(socket.send(Buffer.from('x')), 'ECONNRESET');

    const { socket: other, peer: otherPeer } = await stage().connected();
    otherPeer.reset();
    await turns();
    await failsWith(other.send(Buffer.from('x')), 'ECONNRESET');
    await failsWith(other.recv(new Uint8Array(8)), 'ECONNRESET');
  });
}
