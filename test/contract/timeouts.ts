import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, test } from '../support/contract-test.js';
import { isEndedByClose, timesOut } from '../support/failures.js';
import { Random, streamByte, streamBytes } from '../support/random.js';
import { arrived, type DriverUnderTest, type OnStage, useStage } from '../support/stage.js';
import { isPending, soon, turn, turns } from '../support/waiting.js';

/** What a timeout does: it asks for a cancel, never early, and takes no byte with it. */
export function describeTimeouts(driver: DriverUnderTest): void {
  describe('timeouts', () => {
    const stage = useStage(driver);
    describeClock(stage);
    describeRange(stage);
    describeBytes(stage);
    describeQueued(stage);
    describeDefaults(stage);
  });
}

/** Asserts that the operation times out, and not before its time. */
async function timesOutAfter(timeoutMs: number, start: () => Promise<unknown>, syscall: string): Promise<number> {
  const started = performance.now();
  await timesOut(start(), syscall);
  const elapsed = performance.now() - started;
  assert.ok(elapsed >= timeoutMs, `${elapsed} ms is before the timeout of ${timeoutMs} ms`);
  return elapsed;
}

function describeClock(stage: OnStage): void {
  // Go's net/timeout_test.go tries 1 ns to 1 s.
  for (const timeoutMs of [0.001, 0.5, 1, 5, 20.5, 100]) {
    test(`a recv() with ${timeoutMs} ms fails with ETIMEDOUT, and never early`, async () => {
      const { socket } = await stage().connected();
      const elapsed = await timesOutAfter(timeoutMs, () => socket.recv(new Uint8Array(8), { timeoutMs }), 'recv');
      assert.ok(elapsed < timeoutMs + 4000, `${elapsed} ms is late`);
    });
  }

  test('of 500 timeouts up to 60 ms, each with its own length, none is early', async () => {
    const { socket } = await stage().connected();
    const random = new Random(17);
    const timeouts = Array.from({ length: 500 }, () => 0.1 + random.next() * 60);
    await Promise.all(
      timeouts.map((timeoutMs) =>
        timesOutAfter(timeoutMs, () => socket.recv(new Uint8Array(8), { timeoutMs }), 'recv'),
      ),
    );
  });

  test('readable(), recvLent() and receive() time out as recv() does', async () => {
    const { socket } = await stage().connected();
    await timesOutAfter(10, () => socket.readable({ timeoutMs: 10 }), 'recv');
    await timesOutAfter(10, () => socket.recvLent({ timeoutMs: 10 }), 'recv');
    await timesOutAfter(10, () => socket.receive({ timeoutMs: 10 }).next(), 'recv');
  });

  test('an accept() times out, never early, and the listener goes on', async () => {
    const listener = await stage().listen();
    await timesOutAfter(15, () => listener.accept({ timeoutMs: 15 }), 'accept');
    const accepting = listener.accept({ timeoutMs: 5000 });
    await stage().peerTo({ port: listener.port });
    stage().track(await soon(accepting, 'an accept'));
  });

  test('a send() that the peer does not take times out, never early', async () => {
    const { socket } = await stage().connected({}, true);
    await timesOutAfter(20, () => socket.send(new Uint8Array(32 << 20), { timeoutMs: 20 }), 'send');
  });

  test('a recv timeout leaves a waiting send() alone, and the other way round', async () => {
    const { socket, peer } = await stage().connected({}, true);
    const sending = socket.send(new Uint8Array(32 << 20), { timeoutMs: 60_000 });
    await timesOut(socket.recv(new Uint8Array(8), { timeoutMs: 10 }), 'recv');
    assert.ok(await isPending(sending));
    peer.resume();
    assert.equal(await soon(sending, 'the send'), 32 << 20);

    const { socket: other, peer: otherPeer } = await stage().connected({}, true);
    const receiving = other.recv(new Uint8Array(8));
    await timesOut(other.send(new Uint8Array(32 << 20), { timeoutMs: 10 }), 'send');
    assert.ok(await isPending(receiving));
    await otherPeer.send('still here');
    assert.equal(await soon(receiving, 'the recv'), 8);
  });
}

function describeRange(stage: OnStage): void {
  test('without a timeout, and with Infinity, recv() waits', async () => {
    const { socket, peer } = await stage().connected();
    const first = socket.recv(new Uint8Array(1));
    const second = socket.recv(new Uint8Array(1), { timeoutMs: Number.POSITIVE_INFINITY });
    assert.equal(stage().proactor.armedDeadlines, 0);
    await delay(30);
    assert.ok(await isPending(first));
    await peer.send('ab');
    assert.deepEqual(await soon(Promise.all([first, second]), 'both receives'), [1, 1]);
  });

  // setTimeout takes what is beyond its range for 1 ms.
  for (const timeoutMs of [2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 32 + 5, 1e12, Number.MAX_SAFE_INTEGER, 1e300]) {
    test(`a timeout of ${timeoutMs} ms is clamped and does not wrap`, async () => {
      const { socket, peer } = await stage().connected();
      const receiving = socket.recv(new Uint8Array(1), { timeoutMs });
      await delay(15);
      assert.ok(await isPending(receiving));
      await peer.send('a');
      assert.equal(await soon(receiving, 'the recv'), 1);
    });
  }

  // CPython's NetworkConnectionBehaviourTest.testTimeoutZero.
  test('a recv() with 0 takes what has arrived, and waits for nothing', async () => {
    const { socket, peer } = await stage().connected();
    const buffer = new Uint8Array(8);
    await timesOut(socket.recv(buffer, { timeoutMs: 0 }), 'recv');
    await peer.send('ready');
    await arrived(socket, 5);
    assert.equal(await socket.recv(buffer, { timeoutMs: 0 }), 5);
    await timesOut(socket.recv(buffer, { timeoutMs: 0 }), 'recv');
    peer.end();
    await turns();
    assert.equal(await socket.recv(buffer, { timeoutMs: 0 }), 0);
  });

  test('a recv() with 0 takes what arrived in the very same callback', async () => {
    const { socket, peer } = await stage().connected();
    const buffer = new Uint8Array(8);
    await timesOut(socket.recv(buffer, { timeoutMs: 5 }), 'recv');
    for (let i = 0; i < 20; i++) {
      // On the loopback a write has arrived when it returns.
      peer.socket.write('now');
      assert.equal(await socket.recv(buffer, { timeoutMs: 0 }), 3);
      await timesOut(socket.recv(buffer, { timeoutMs: 0 }), 'recv');
    }
  });

  // The library may not have asked the kernel for anything yet.
  test('the first recv() of a socket with 0 takes what has arrived before it', async () => {
    const { socket, peer } = await stage().accepted();
    await peer.send('early');
    await arrived(socket, 5);
    assert.equal(await socket.recv(new Uint8Array(8), { timeoutMs: 0 }), 5);
  });

  test('a recv() with 0 behind one that waits fails and takes nothing', async () => {
    const { socket, peer } = await stage().connected();
    const waiting = socket.recv(new Uint8Array(8));
    await timesOut(socket.recv(new Uint8Array(8), { timeoutMs: 0 }), 'recv');
    await peer.send('for you');
    assert.equal(await soon(waiting, 'the recv that waits'), 7);
  });

  test('an accept() with 0 takes a connection that is there, and waits for none', async () => {
    const listener = await stage().listen();
    await timesOut(listener.accept({ timeoutMs: 0 }), 'accept');
    await stage().peerTo({ port: listener.port });
    await turns();
    stage().track(await listener.accept({ timeoutMs: 0 }));
    await timesOut(listener.accept({ timeoutMs: 0 }), 'accept');
  });

  test('a send() with 0 sends what there is room for, and says how much that was', async () => {
    const { socket, peer } = await stage().connected({}, true);
    assert.equal(await socket.send(Buffer.from('fits'), { timeoutMs: 0 }), 4);
    const bytes = streamBytes(5, 0, 32 << 20);
    const error = await timesOut(socket.send(bytes, { timeoutMs: 0 }), 'send');
    assert.ok(error.bytesTransferred < bytes.length);
    peer.resume();
    assert.equal((await peer.read(4)).toString(), 'fits');
    const sent = await peer.read(error.bytesTransferred);
    assert.ok(sent.equals(bytes.subarray(0, error.bytesTransferred)));
  });
}

function describeBytes(stage: OnStage): void {
  // CPython's NetworkConnectionBehaviourTest.testInsideTimeout.
  test('bytes that come late, but within the timeout, are received', async () => {
    const { socket, peer } = await stage().connected();
    const receiving = socket.recv(new Uint8Array(16), { timeoutMs: 5000 });
    await delay(30);
    await peer.send('late');
    assert.equal(await soon(receiving, 'the recv'), 4);
  });

  test('a timed-out recv() loses no byte: the next one gets what came late', async () => {
    const { socket, peer } = await stage().connected();
    const lost = new Uint8Array(16);
    await timesOut(socket.recv(lost, { timeoutMs: 10 }), 'recv');
    await peer.send('late');
    await turns();
    const buffer = new Uint8Array(16);
    assert.equal(await soon(socket.recv(buffer, { timeoutMs: 1000 }), 'the next recv'), 4);
    assert.equal(Buffer.from(buffer).toString('latin1', 0, 4), 'late');
    assert.ok(
      lost.every((byte) => byte === 0),
      'the buffer of the timed-out recv() was not touched',
    );
  });

  test('a socket is as good as new after 50 timeouts in a row', async () => {
    const { socket, peer } = await stage().connected();
    for (let i = 0; i < 50; i++) await timesOut(socket.recv(new Uint8Array(4), { timeoutMs: 1 }), 'recv');
    await socket.send(Buffer.from('ping'));
    assert.equal((await peer.read(4)).toString(), 'ping');
    await peer.send('pong');
    assert.equal(await soon(socket.recv(new Uint8Array(4)), 'a recv'), 4);
  });

  test('a peer that half-closed after a timeout reads as an end, and a reset as a reset', async () => {
    const { socket, peer } = await stage().connected();
    await timesOut(socket.recv(new Uint8Array(4), { timeoutMs: 1 }), 'recv');
    peer.end();
    assert.equal(await soon(socket.recv(new Uint8Array(4)), 'the end'), 0);
  });

  // The cancel and the bytes meet: whatever each recv() says, nothing is lost and nothing comes twice.
  test('receives whose timeouts fall into a stream lose no byte of it', async () => {
    const { socket, peer } = await stage().connected();
    const random = new Random(7);
    const total = 3000;
    const sending = (async () => {
      for (let sent = 0; sent < total; sent++) {
        await peer.send(streamBytes(3, sent, 1));
        if (random.chance(0.2)) await turn();
      }
    })();
    const buffer = new Uint8Array(4);
    for (let received = 0; received < total; ) {
      const timeoutMs = random.chance(0.3) ? 0 : random.next() * 1.5;
      const length = await soon(
        socket.recv(buffer, { timeoutMs }).catch((error: NodeJS.ErrnoException) => {
          assert.equal(error.code, 'ETIMEDOUT');
          return 0;
        }),
        'a recv',
      );
      for (let i = 0; i < length; i++) assert.equal(buffer[i], streamByte(3, received + i));
      received += length;
      if (length === 0) await turn();
    }
    await sending;
  });

  test('a send() that timed out says how many bytes went, and the stream goes on after them', async () => {
    const { socket, peer } = await stage().connected({}, true);
    const bytes = streamBytes(4, 0, 32 << 20);
    const error = await timesOut(socket.send(bytes, { timeoutMs: 30 }), 'send');
    const sent = error.bytesTransferred;
    assert.ok(sent > 0 && sent < bytes.length, `${sent} bytes went`);
    peer.resume();
    // Where the platform cannot know how many went (a cancelled WSASend), the write side has failed for good.
    const further = await socket.send(Buffer.from('|next'), { timeoutMs: 5000 }).catch((failed: Error) => failed);
    if (stage().name === 'iocp' && further instanceof Error) return;
    assert.equal(further, 5);
    assert.ok((await peer.read(sent)).equals(bytes.subarray(0, sent)));
    assert.equal((await peer.read(5)).toString(), '|next');
  });

  test('a timed-out accept() loses no connection: the next one gets it', async () => {
    const listener = await stage().listen();
    await timesOut(listener.accept({ timeoutMs: 5 }), 'accept');
    const peer = await stage().peerTo({ port: listener.port });
    await turns();
    const socket = stage().track(await soon(listener.accept({ timeoutMs: 1000 }), 'the next accept'));
    await peer.send('hello');
    assert.equal(await soon(socket.recv(new Uint8Array(8)), 'a recv'), 5);
  });
}

function describeQueued(stage: OnStage): void {
  test('a recv() that waits behind another is on the clock, and takes no bytes when it times out', async () => {
    const { socket, peer } = await stage().connected();
    const first = socket.recv(new Uint8Array(8));
    await timesOutAfter(20, () => socket.recv(new Uint8Array(8), { timeoutMs: 20 }), 'recv');
    assert.equal(socket.pendingOperations, 1);
    await peer.send('all of it');
    assert.equal(await soon(first, 'the first recv'), 8);
  });

  test('the first times out, and the one behind it gets the bytes', async () => {
    const { socket, peer } = await stage().connected();
    const first = timesOut(socket.recv(new Uint8Array(8), { timeoutMs: 10 }), 'recv');
    const second = socket.recv(new Uint8Array(8));
    await first;
    await peer.send('yours');
    assert.equal(await soon(second, 'the second recv'), 5);
  });

  test('timeouts in the middle of the queue leave the order of the others', async () => {
    const { socket, peer } = await stage().connected();
    const buffers = Array.from({ length: 9 }, () => new Uint8Array(1));
    const receiving = buffers.map((buffer, i) =>
      socket.recv(buffer, i % 3 === 1 ? { timeoutMs: 5 + i } : {}).then(
        () => String.fromCharCode(buffer[0] ?? 0),
        (error: NodeJS.ErrnoException) => error.code,
      ),
    );
    await timesOut(socket.recv(new Uint8Array(1), { timeoutMs: 30 }), 'recv');
    await peer.send('abcdef');
    const outcome = await soon(Promise.all(receiving), 'nine receives');
    assert.deepEqual(outcome, ['a', 'ETIMEDOUT', 'b', 'c', 'ETIMEDOUT', 'd', 'e', 'ETIMEDOUT', 'f']);
  });

  test('a send() that waits behind another is on the clock, and nothing of it is sent', async () => {
    const { socket, peer } = await stage().connected({}, true);
    const first = socket.send(new Uint8Array(32 << 20));
    const error = await timesOut(socket.send(Buffer.from('never'), { timeoutMs: 10 }), 'send');
    assert.equal(error.bytesTransferred, 0);
    peer.resume();
    assert.equal(await soon(first, 'the first send'), 32 << 20);
    await socket.shutdown();
    await peer.ending();
    assert.equal(peer.receivedBytes, 32 << 20);
  });

  test('a queued accept() is on the clock as well', async () => {
    const listener = await stage().listen();
    const first = listener.accept();
    await timesOutAfter(10, () => listener.accept({ timeoutMs: 10 }), 'accept');
    await stage().peerTo({ port: listener.port });
    stage().track(await soon(first, 'the first accept'));
  });
}

function describeDefaults(stage: OnStage): void {
  test("recvTimeoutMs is every receive's default, and a timeout of its own replaces it", async () => {
    const { socket, peer } = await stage().connected({ recvTimeoutMs: 10 });
    assert.equal(socket.recvTimeoutMs, 10);
    await timesOutAfter(10, () => socket.recv(new Uint8Array(8)), 'recv');
    const waiting = socket.recv(new Uint8Array(8), { timeoutMs: Number.POSITIVE_INFINITY });
    await delay(30);
    assert.ok(await isPending(waiting));
    await peer.send('x');
    assert.equal(await soon(waiting, 'the recv'), 1);
  });

  test("sendTimeoutMs is every send's default", async () => {
    const { socket } = await stage().connected({ sendTimeoutMs: 15 }, true);
    await timesOutAfter(15, () => socket.send(new Uint8Array(32 << 20)), 'send');
  });

  test("a listener's defaults are those of the sockets it accepts", async () => {
    const { socket } = await stage().accepted({ recvTimeoutMs: 12, sendTimeoutMs: 34, onTimeout: 'leavePending' });
    assert.equal(socket.recvTimeoutMs, 12);
    assert.equal(socket.sendTimeoutMs, 34);
    assert.equal(socket.onTimeout, 'leavePending');
  });

  test('acceptTimeoutMs is the default of accept()', async () => {
    const listener = await stage().listen({ acceptTimeoutMs: 10 });
    await timesOutAfter(10, () => listener.accept(), 'accept');
  });

  // Go lets a deadline be moved while IO is pending; here each operation keeps the one it was started with.
  test('a changed default is for the operations that follow, and a pending one keeps its own', async () => {
    const { socket, peer } = await stage().connected();
    const waiting = socket.recv(new Uint8Array(8));
    socket.recvTimeoutMs = 5;
    await delay(20);
    assert.ok(await isPending(waiting));
    await timesOut(socket.recv(new Uint8Array(8)), 'recv');
    await peer.send('x');
    assert.equal(await soon(waiting, 'the recv'), 1);
    socket.recvTimeoutMs = Number.POSITIVE_INFINITY;
    const next = socket.recv(new Uint8Array(8));
    await delay(15);
    assert.ok(await isPending(next));
    await isEndedByClose(Promise.all([next, socket.abort()]));
  });
}
