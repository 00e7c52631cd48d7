import assert from 'node:assert/strict';
import { describe, test } from '../support/contract-test.js';
import { timesOut } from '../support/failures.js';
import { type DriverUnderTest, type OnStage, useStage } from '../support/stage.js';
import { soon } from '../support/waiting.js';

/** Many of everything: what works once must work for all at the same moment. */
export function describeScale(driver: DriverUnderTest): void {
  describe('at scale', () => {
    const stage = useStage(driver);
    describeMany(stage);
  });
}

function describeMany(stage: OnStage): void {
  // Go's net/timeout_test.go changes deadlines every 2 µs during IO.
  test('timeouts that are armed and disarmed for each of 3,000 messages never fire and leave none armed', async () => {
    const { socket, peer } = await stage().connected();
    peer.socket.on('data', (chunk) => peer.socket.write(chunk));
    const buffer = new Uint8Array(1);
    for (let i = 0; i < 3000; i++) {
      await socket.send(Uint8Array.of(i & 255), { timeoutMs: 3000 + (i % 7) });
      assert.equal(await socket.recv(buffer, { timeoutMs: 2000 + (i % 11) * 100 }), 1);
      assert.equal(buffer[0], i & 255);
    }
    assert.equal(stage().proactor.armedDeadlines, 0);
  });

  test('100,000 timeouts fire in one tick, none early and none lost', async () => {
    const server = await stage().server();
    const sockets = [];
    for (let i = 0; i < 100; i++) {
      sockets.push(await stage().connect({ port: server.port }));
      stage().peer(await server.accept());
    }
    const timeoutMs = 200;
    const started = performance.now();
    let earliest = Number.POSITIVE_INFINITY;
    let timeouts = 0;
    const buffer = new Uint8Array(1);
    const failed = (error: NodeJS.ErrnoException) => {
      earliest = Math.min(earliest, performance.now());
      if (error.code === 'ETIMEDOUT') timeouts++;
    };
    const receiving = sockets.flatMap((socket) =>
      Array.from({ length: 1000 }, () => socket.recv(buffer, { timeoutMs }).catch(failed)),
    );
    assert.equal(stage().proactor.outstanding, 100_000);
    assert.equal(stage().proactor.armedDeadlines, 100_000);
    await soon(Promise.all(receiving), '100,000 timeouts', 30_000);
    assert.equal(timeouts, 100_000);
    assert.ok(earliest - started >= timeoutMs, `${earliest - started} ms is before the timeout`);
    assert.equal(stage().proactor.armedDeadlines, 0);
    assert.equal(stage().proactor.outstanding, 0);
  });

  // ziglang/zio issue 623: 3,000 simultaneous timeouts filled the submission queue, and cancels were lost.
  test('1,000 sockets time out at the same moment, and each can go on', async () => {
    const server = await stage().server();
    const ends = [];
    for (let i = 0; i < 1000; i++) {
      const socket = await stage().connect({ port: server.port });
      ends.push({ socket, peer: stage().peer(await server.accept()) });
    }
    const timed = ends.map(({ socket }) => timesOut(socket.recv(new Uint8Array(4), { timeoutMs: 20 }), 'recv'));
    await soon(Promise.all(timed), '1,000 timeouts');
    await Promise.all(
      ends.map(async ({ socket, peer }) => {
        peer.socket.write('on');
        assert.equal(await socket.recv(new Uint8Array(4), { timeoutMs: 5000 }), 2);
      }),
    );
  });
}
