import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LinuxStack } from '../../src/bsd/linux/stack.js';
import { IoUringDriver, type IoUringOptions } from '../../src/drivers/io-uring/driver.js';
import type { LentBuffer, TcpSocket } from '../../src/index.js';
import { Proactor } from '../../src/port/proactor.js';
import { driversUnderTest } from '../support/drivers.js';
import { isAborted, timesOut } from '../support/failures.js';
import { firstDifference, streamBytes } from '../support/random.js';
import { type Connected, type OnStage, type Stage, useStage } from '../support/stage.js';
import { soon, turns } from '../support/waiting.js';

function withRing(options: IoUringOptions) {
  const makeProactor = () => new Proactor((events) => new IoUringDriver(events, new LinuxStack(), options));
  return { name: 'io_uring', makeProactor } as const;
}

async function connections(stage: Stage, count: number): Promise<Connected[]> {
  const server = await stage.server();
  const connected: Connected[] = [];
  for (let i = 0; i < count; i += 100) {
    const batch = Array.from({ length: Math.min(100, count - i) }, () => stage.connect({ port: server.port }));
    for (const socket of await Promise.all(batch)) connected.push({ socket, peer: stage.peer(await server.accept()) });
  }
  return connected;
}

/** Rings and buffers that are far too small: slower, and nothing is lost. */
const io_uring = driversUnderTest().some(({ name }) => name === 'io_uring');
describe('io_uring at its limits', { timeout: 120_000, skip: !io_uring }, () => {
  describe('a submission queue of 64', () => {
    const stage = useStage(withRing({ entries: 64 }));
    describeSubmissions(stage);
  });

  describe('a completion queue of 16', () => {
    const stage = useStage(withRing({ entries: 8, completionEntries: 16 }));
    describeCompletions(stage);
  });

  describe('4 provided buffers of 128 bytes', () => {
    const stage = useStage(withRing({ initialBuffers: 2, maxBuffers: 4, bufferBytes: 128 }));
    describeBuffers(stage);
  });
});

function describeSubmissions(stage: OnStage): void {
  // ziglang/zio issue 623: the cancels of 3,000 simultaneous timeouts did not fit into the queue.
  test('3,000 receives are cancelled at once by one signal, and each socket can go on', async () => {
    const ends = await connections(stage(), 3000);
    const controller = new AbortController();
    const { signal } = controller;
    const pending = ends.map(({ socket }) => isAborted(socket.recv(new Uint8Array(8), { signal })));
    await turns();
    controller.abort();
    await soon(Promise.all(pending), '3,000 aborts');
    for (const { peer } of ends) peer.socket.write('on');
    const received = ends.map(({ socket }) => socket.recv(new Uint8Array(8), { timeoutMs: 8000 }));
    assert.ok((await soon(Promise.all(received), '3,000 receives')).every((length) => length === 2));
  });

  test('3,000 receives and 3,000 stalled sends time out at once, and 3,000 aborts close them', async () => {
    const ends = await connections(stage(), 3000);
    for (const { peer } of ends) peer.socket.pause();
    const bytes = new Uint8Array(8 << 20);
    const pending = ends.flatMap(({ socket }, i) => [
      timesOut(socket.recv(new Uint8Array(8), { timeoutMs: 300 }), 'recv'),
      ...(i % 10 === 0 ? [timesOut(socket.send(bytes, { timeoutMs: 300 }), 'send')] : []),
    ]);
    await soon(Promise.all(pending), '3,300 timeouts', 30_000);
    const closed = await soon(Promise.all(ends.map(({ socket }) => socket.abort())), '3,000 aborts');
    assert.ok(closed.every(({ sent }) => sent === 'RST'));
  });
}

function describeCompletions(stage: OnStage): void {
  test('1,000 sockets that all receive at once overflow it, and no completion is lost', async () => {
    const ends = await connections(stage(), 1000);
    const pending = ends.map(async ({ socket }, stream) => {
      const buffer = new Uint8Array(64);
      for (let position = 0; position < 5 * 64; ) {
        const length = await socket.recv(buffer, { timeoutMs: 20_000 });
        assert.equal(firstDifference(stream, position, buffer, length), -1);
        position += length;
      }
    });
    for (let round = 0; round < 5; round++)
      for (const [stream, { peer }] of ends.entries()) peer.socket.write(streamBytes(stream, round * 64, 64));
    await soon(Promise.all(pending), '1,000 streams', 30_000);
  });

  test('1,000 timeouts and 1,000 closes at once overflow it, and each ends once', async () => {
    const ends = await connections(stage(), 1000);
    await Promise.all(ends.map(({ socket }) => timesOut(socket.recv(new Uint8Array(8), { timeoutMs: 20 }))));
    const closed = await soon(Promise.all(ends.map(({ socket }) => socket.close())), '1,000 closes');
    assert.ok(closed.every(({ sent }) => sent === 'FIN'));
  });
}

function describeBuffers(stage: OnStage): void {
  test('40 sockets share them, and every stream arrives whole', async () => {
    const ends = await connections(stage(), 40);
    const total = 50_000;
    const pending = ends.map(async ({ socket }, stream) => {
      const buffer = new Uint8Array(1000);
      for (let position = 0; position < total; ) {
        const length = await socket.recv(buffer, { timeoutMs: 20_000 });
        assert.ok(length > 0);
        assert.equal(firstDifference(stream, position, buffer, length), -1);
        position += length;
      }
      assert.equal(await socket.recv(buffer), 0);
    });
    for (const [stream, { peer }] of ends.entries()) peer.end(streamBytes(stream, 0, total));
    await soon(Promise.all(pending), '40 streams', 30_000);
  });

  test('while all of them are lent, receives go on in other memory, copied or lent', async () => {
    const ends = await connections(stage(), 12);
    const held: LentBuffer[] = [];
    for (const [stream, { socket, peer }] of ends.entries()) {
      await peer.send(streamBytes(stream, 0, 100));
      for (let position = 0; position < 100; ) {
        const lent = await soon(socket.recvLent({ timeoutMs: 5000 }), 'a recvLent');
        assert.ok(lent);
        assert.equal(firstDifference(stream, position, lent.bytes), -1);
        position += lent.length;
        held.push(lent);
      }
    }
    assert.ok(held.length >= 12);
    const [first] = ends as [Connected];
    const waiting = first.socket.recv(new Uint8Array(64), { timeoutMs: 5000 });
    await turns();
    await first.peer.send('copied');
    assert.equal(await soon(waiting, 'a recv'), 6);
    // A lent buffer outside the ring can be sent like any other.
    const last = held.at(-1) as LentBuffer;
    assert.equal(await first.socket.send(last), last.length);
    assert.equal(firstDifference(11, 100 - last.length, await first.peer.read(last.length)), -1);
    for (const lent of held) lent.release();
    await first.peer.send('and back again');
    assert.equal(await soon(first.socket.recv(new Uint8Array(64), { timeoutMs: 5000 }), 'a recv'), 14);
  });

  test('a timeout, an abort, an end and a reset are told while all of them are lent', async () => {
    const ends = await connections(stage(), 6);
    const hungry = [] as { socket: TcpSocket; lent: LentBuffer[] }[];
    for (const { socket, peer } of ends.slice(0, 2)) {
      await peer.send(streamBytes(1, 0, 256));
      const lent: LentBuffer[] = [];
      for (let got = 0; got < 256; ) {
        const chunk = await soon(socket.recvLent(), 'a recvLent');
        if (chunk === null) break;
        lent.push(chunk);
        got += chunk.length;
      }
      hungry.push({ socket, lent });
    }
    const [quiet, aborted, ended, reset] = ends.slice(2) as [Connected, Connected, Connected, Connected];
    await timesOut(quiet.socket.recv(new Uint8Array(8), { timeoutMs: 20 }));
    const controller = new AbortController();
    const pending = isAborted(aborted.socket.recv(new Uint8Array(8), { signal: controller.signal }));
    const end = ended.socket.recv(new Uint8Array(8));
    const broken = reset.socket.recv(new Uint8Array(8)).catch((error: NodeJS.ErrnoException) => error.code);
    await turns();
    controller.abort();
    ended.peer.end();
    reset.peer.reset();
    await pending;
    assert.equal(await soon(end, 'the end'), 0);
    assert.equal(await soon(broken, 'the reset'), 'ECONNRESET');
    for (const { lent } of hungry) for (const chunk of lent) chunk.release();
  });
}
