import assert from 'node:assert/strict';
import type net from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { IocpDriver, type IocpOptions } from '../../src/drivers/iocp/driver.js';
import { probeIocp } from '../../src/drivers/iocp/probe.js';
import type { DriverSocket } from '../../src/port/driver.js';
import type { Operation } from '../../src/port/operation.js';
import { DriverHarness, readAll } from '../support/driver-harness.js';
import { turn, turns, until } from '../support/waiting.js';

test('the probe says whether the driver can be used, and why not', () => {
  const report = probeIocp();
  assert.equal(report.usable, process.platform === 'win32');
  assert.equal(report.reason === '', report.usable);
});

// Windows, or Wine: scripts/wine.sh.
if (process.platform === 'win32') {
  describe('the iocp driver', { timeout: 90_000 }, () => {
    let harness: DriverHarness;
    let peers: net.Socket[];

    const make = (options: IocpOptions = {}) => new DriverHarness((events) => new IocpDriver(events, options));
    const pair = async () => {
      const made = await harness.pair();
      peers.push(made.peer);
      return made;
    };
    const startRecv = (socket: DriverSocket, fields: Partial<Operation> = {}) => {
      const operation = harness.operation('recv', socket, { buffer: Buffer.alloc(64), ...fields });
      assert.equal(harness.startNow(operation), false);
      return operation;
    };
    const pending = () => harness.driver.statistics().pendingRequests;

    beforeEach(() => {
      harness = make();
      peers = [];
    });

    afterEach(() => {
      for (const peer of peers) peer.destroy();
      harness.finish();
    });

    test('a cancelled receive leaves its request in the kernel, and the bytes are for the next one', async () => {
      const { socket, peer } = await pair();
      const first = startRecv(socket);
      const ended = harness.end(first);
      harness.cancel(first);
      assert.equal((await ended).outcome, 'cancelled');
      assert.equal(pending(), 1);
      const second = startRecv(socket);
      assert.equal(pending(), 1);
      peer.write('late');
      assert.equal((await harness.end(second)).bytesTransferred, 4);
      await harness.close(socket);
    });

    test('a close reaps the request before it gives the handle back', async () => {
      const { socket, peer } = await pair();
      const first = startRecv(socket);
      const ended = harness.end(first);
      harness.cancel(first);
      await ended;
      assert.equal(pending(), 1);
      const over = readAll(peer);
      const handle = socket.descriptor;
      const closed = harness.close(socket);
      assert.deepEqual([pending(), socket.descriptor], [1, handle], 'a cancel is a wish: the kernel has the request');
      assert.equal(await closed, 0);
      assert.equal(pending(), 0);
      assert.equal(socket.descriptor, -1);
      assert.deepEqual(await over, { bytes: Buffer.alloc(0), error: '' });
    });

    test('a send that is cancelled before the kernel has it is exact, and the sending side lives', async () => {
      const { socket, peer } = await pair();
      peer.pause();
      const bytes = Buffer.alloc(64 << 20, 7);
      const sending = harness.operation('send', socket, { buffer: bytes });
      assert.equal(harness.startNow(sending), false);
      const ended = harness.end(sending);
      harness.cancel(sending);
      const { outcome, bytesTransferred } = await ended;
      assert.equal(outcome, 'cancelled');
      const over = readAll(peer);
      assert.equal((await harness.run('send', socket, { buffer: Buffer.from('!') })).outcome, 'done');
      harness.driver.shutdown(socket, 'send');
      assert.equal((await over).bytes.length, bytesTransferred + 1);
      await harness.close(socket);
    });

    test('a send that is cancelled in the kernel fails the sending side for good, and leaves receives alone', async () => {
      const { socket, peer } = await pair();
      peer.pause();
      const sending = harness.operation('send', socket, { buffer: Buffer.alloc(64 << 20, 7) });
      assert.equal(harness.startNow(sending), false);
      const ended = harness.end(sending);
      await until(() => pending() === 1, 'the kernel to have the send');
      harness.cancel(sending);
      assert.equal(pending(), 1, 'a cancel is a wish: the kernel has the request');
      assert.equal((await ended).outcome, 'cancelled');
      const next = harness.operation('send', socket, { buffer: Buffer.from('!') });
      assert.ok(harness.startNow(next), 'a send after it fails at once');
      assert.equal(harness.errorName(next), 'EPIPE');
      peer.write('fine');
      assert.equal((await harness.receive(socket, 4)).toString(), 'fine');
      await harness.close(socket, true);
    });

    test('requests are used again: 2,000 messages leave none behind', async () => {
      const { socket, peer } = await pair();
      peer.on('data', (chunk) => peer.write(chunk));
      for (let i = 0; i < 2000; i++) {
        await harness.run('send', socket, { buffer: Buffer.from([i & 255]) });
        const buffer = Buffer.alloc(8);
        const { bytesTransferred } = await harness.run('recv', socket, { buffer });
        assert.equal(bytesTransferred, 1);
        assert.equal(buffer[0], i & 255);
      }
      assert.ok(pending() <= 1);
      await harness.close(socket);
    });

    test('what is there already is received at once, and leaves no packet on the port', async () => {
      const { socket, peer } = await pair();
      for (let i = 0; i < 50; i++) {
        peer.write('there');
        await until(() => harness.driver.unreadBytes(socket) === 5, 'the bytes to be there');
        // Enough room, so that nothing is expected behind them and the next receive asks the kernel again.
        assert.ok(harness.startNow(harness.operation('recv', socket, { buffer: Buffer.alloc(64) })));
      }
      await turns(50);
      await harness.close(socket);
    });

    test('where the pool of lent buffers is used up, further ones come from the heap', async () => {
      harness.finish();
      harness = make({ bufferBytes: 16, maxBuffers: 2 });
      const { socket, peer } = await pair();
      peer.write(Buffer.from(Array.from({ length: 64 }, (_, i) => i)));
      const lent: Operation[] = [];
      for (let total = 0; total < 64; ) {
        const operation = await harness.run('recv', socket);
        total += operation.bytesTransferred;
        lent.push(operation);
      }
      let next = 0;
      for (const { lentBuffer, lentOffset, lentLength } of lent) {
        for (const byte of harness.driver.lentBytes(lentBuffer, lentOffset, lentLength)) assert.equal(byte, next++);
        harness.driver.releaseLent(lentBuffer);
      }
      assert.ok(lent.length >= 4);
      assert.equal(harness.driver.statistics().lentBuffers, 0);
      await harness.close(socket);
    });

    test("a listener's requests stay over a cancelled accept, and a close resets what nobody accepted", async () => {
      const { listener, port } = harness.listen();
      const accepting = harness.operation('accept', listener);
      assert.equal(harness.startNow(accepting), false);
      assert.ok(pending() > 1, 'several AcceptEx are in the kernel');
      const ended = harness.end(accepting);
      harness.cancel(accepting);
      assert.equal((await ended).outcome, 'cancelled');
      const { connect } = await import('node:net');
      const peer = connect(port, '127.0.0.1');
      peers.push(peer);
      const over = readAll(peer);
      await new Promise((resolve) => peer.once('connect', resolve));
      for (let i = 0; i < 50; i++) await turn();
      await harness.close(listener);
      assert.equal((await over).error, 'ECONNRESET');
    });

    test('UNIX-domain sockets are refused, by name', () => {
      const refused = harness.driver.open('unix', 'stream');
      assert.ok(typeof refused === 'number');
      assert.equal(harness.driver.errors.name(refused), 'EAFNOSUPPORT');
    });
  });
}
