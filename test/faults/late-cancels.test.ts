import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EpollNotifier } from '../../src/bsd/linux/epoll-notifier.js';
import { LinuxStack } from '../../src/bsd/linux/stack.js';
import { IoUringDriver } from '../../src/drivers/io-uring/driver.js';
import { IocpDriver } from '../../src/drivers/iocp/driver.js';
import { ReadinessDriver } from '../../src/drivers/readiness/driver.js';
import type { DriverName } from '../../src/index.js';
import type { Driver, DriverEvents } from '../../src/port/driver.js';
import { LateCancelDriver } from '../../src/port/late-cancel.js';
import { Proactor } from '../../src/port/proactor.js';
import { assertFlat } from '../stress/footprint.js';
import { runRace } from '../stress/race.js';
import { driversUnderTest } from '../support/drivers.js';
import { isAborted, timesOut } from '../support/failures.js';
import { newSeed } from '../support/random.js';
import { Stage } from '../support/stage.js';
import { soon } from '../support/waiting.js';

const RECEIVES = 10_000;

const MAKERS: Readonly<Record<DriverName, (events: DriverEvents) => Driver>> = {
  io_uring: (events) => new IoUringDriver(events, new LinuxStack()),
  readiness: (events) => new ReadinessDriver(events, new LinuxStack(), new EpollNotifier()),
  iocp: (events) => new IocpDriver(events),
};

/** Cancels that take effect late: whatever completes meanwhile is a success, and its bytes are kept. */
for (const { name } of driversUnderTest()) {
  const make = MAKERS[name];
  const late = (flushes: number) => () => new Proactor((events) => new LateCancelDriver(make(events), events, flushes));

  describe(`${name}: cancels that take effect late`, { timeout: 120_000 }, () => {
    // SEMANTICS 2: bytes moved means success, even when the deadline passed in the meantime.
    test('bytes that come between the timeout and its cancel are received, and not lost', async () => {
      const stage = new Stage({ name, makeProactor: late(Number.POSITIVE_INFINITY) });
      const { socket, peer } = await stage.connected();
      const receiving = socket.recv(new Uint8Array(8), { timeoutMs: 5 });
      await new Promise((resolve) => setTimeout(resolve, 20));
      await peer.send('in time');
      assert.equal(await soon(receiving, 'the recv'), 7);
      const controller = new AbortController();
      const aborted = socket.recv(new Uint8Array(8), { signal: controller.signal });
      controller.abort();
      await peer.send('again');
      assert.equal(await soon(aborted, 'the aborted recv'), 5);
      await stage.clear();
    });

    test('an operation that is told to end, and has nothing to receive, ends in the end', async () => {
      const stage = new Stage({ name, makeProactor: late(20) });
      const { socket } = await stage.connected();
      await timesOut(socket.recv(new Uint8Array(8), { timeoutMs: 5 }));
      const controller = new AbortController();
      const aborted = isAborted(socket.recv(new Uint8Array(8), { signal: controller.signal }));
      controller.abort();
      await aborted;
      await stage.clear();
    });

    for (const flushes of [1, 4]) {
      test(`${RECEIVES} receives with timeouts, aborts and closes, ${flushes} flushes late, lose no byte`, async () => {
        const seed = newSeed();
        console.log(`seed ${seed}`);
        const options = { driver: name, makeProactor: late(flushes), seed, receives: RECEIVES };
        const report = await runRace({ ...options, sockets: 100, closeRate: 0.01 });
        assert.ok(report.timedOut > RECEIVES / 50 && report.received > RECEIVES / 50, JSON.stringify(report));
        assertFlat(report.before, report.after);
      });
    }
  });
}
