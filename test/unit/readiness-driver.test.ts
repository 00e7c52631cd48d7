import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { libc } from '../../native-bindings/posix/libc.js';
import { EpollNotifier } from '../../src/bsd/linux/epoll-notifier.js';
import { LinuxStack } from '../../src/bsd/linux/stack.js';
import type { Notifier } from '../../src/bsd/notifier.js';
import { ReadinessDriver, type ReadinessOptions } from '../../src/drivers/readiness/driver.js';
import type { DriverSocket } from '../../src/port/driver.js';
import { LateCancelDriver } from '../../src/port/late-cancel.js';
import type { Operation } from '../../src/port/operation.js';
import { DriverHarness, LOOPBACK, PollingNotifier, readAll } from '../support/driver-harness.js';

const MSG_OOB = 1;

/** A stack whose accept and recv can be made to answer otherwise. */
class ScriptedStack extends LinuxStack {
  readonly acceptAnswers: number[] = [];
  endless = false;

  override accept(descriptor: number): number {
    return this.acceptAnswers.shift() ?? super.accept(descriptor);
  }

  override recv(descriptor: number, target: Uint8Array, length: number): number {
    return this.endless ? length : super.recv(descriptor, target, length);
  }
}

const NOTIFIERS: readonly (readonly [string, () => Notifier])[] = [
  ['epoll', () => new EpollNotifier()],
  ['a polling notifier', () => new PollingNotifier()],
];

for (const [notifierName, makeNotifier] of NOTIFIERS) {
  describe(`readiness over ${notifierName}`, () => {
    let stack: ScriptedStack;
    let harness: DriverHarness;
    let peers: net.Socket[];

    const make = (options: ReadinessOptions = {}) => {
      stack = new ScriptedStack();
      return new DriverHarness((events) => new ReadinessDriver(events, stack, makeNotifier(), options));
    };
    const pair = async () => {
      const made = await harness.pair();
      peers.push(made.peer);
      return made;
    };
    const recv = (socket: DriverSocket, length = 64) => harness.run('recv', socket, { buffer: Buffer.alloc(length) });
    const pendingRecv = (socket: DriverSocket, fields: Partial<Operation> = {}) => {
      const operation = harness.operation('recv', socket, { buffer: Buffer.alloc(64), ...fields });
      assert.equal(harness.startNow(operation), false);
      return operation;
    };

    beforeEach(() => {
      harness = make();
      peers = [];
    });
    afterEach(() => {
      for (const peer of peers) peer.destroy();
      harness.finish();
    });

    test('recv() ends at once with bytes that have arrived', async () => {
      const { socket, peer, stack: raw } = await harness.rawPair();
      raw.send(peer, Buffer.from('early'), 5);
      const operation = harness.operation('recv', socket, { buffer: Buffer.alloc(64) });
      assert.equal(harness.startNow(operation), true);
      assert.equal(operation.buffer?.subarray(0, operation.bytesTransferred).toString(), 'early');
      raw.close(peer);
      await harness.close(socket);
    });

    test('recv() waits for bytes, again and again', async () => {
      const { socket, peer } = await pair();
      for (let i = 0; i < 200; i++) {
        const operation = pendingRecv(socket);
        peer.write(`message ${i}`);
        const { buffer, bytesTransferred } = await harness.end(operation);
        assert.equal(buffer?.subarray(0, bytesTransferred).toString(), `message ${i}`);
      }
      await harness.close(socket);
    });

    test('recv() takes what is there in pieces as small as its buffer', async () => {
      const { socket, peer } = await pair();
      peer.write('0123456789');
      let text = '';
      while (text.length < 10) text += (await recv(socket, 3)).buffer?.toString().replaceAll('\0', '');
      assert.equal(text, '0123456789');
      await harness.close(socket);
    });

    test('recv() with no buffer lends the bytes until the last reference is released', async () => {
      const { socket, peer } = await pair();
      peer.write('lent');
      const { lentBuffer, lentOffset, lentLength } = await harness.run('recv', socket);
      assert.equal(Buffer.from(harness.driver.lentBytes(lentBuffer, lentOffset, lentLength)).toString(), 'lent');
      harness.driver.retainLent(lentBuffer);
      harness.driver.releaseLent(lentBuffer);
      assert.equal(harness.driver.statistics().lentBuffers, 1);
      const sent = await harness.run('send', socket, { lentBuffer, lentOffset: 1, lentLength: 3 });
      assert.equal(sent.bytesTransferred, 3);
      harness.driver.releaseLent(lentBuffer);
      assert.throws(() => harness.driver.releaseLent(lentBuffer), RangeError);
      const [echoed] = (await once(peer, 'data')) as [Buffer];
      assert.equal(echoed.toString(), 'ent');
      await harness.close(socket);
    });

    test('recv() lends from the heap once the pool is used up', async () => {
      harness.finish();
      harness = make({ maxBuffers: 2, bufferBytes: 4 });
      const { socket, peer } = await pair();
      peer.write('abcdefghijklmnop');
      const lent: Operation[] = [];
      for (let i = 0; i < 4; i++) lent.push(await harness.run('recv', socket));
      const bytes = lent.map((o) => Buffer.from(harness.driver.lentBytes(o.lentBuffer, o.lentOffset, o.lentLength)));
      assert.equal(Buffer.concat(bytes).toString(), 'abcdefghijklmnop');
      assert.equal(harness.driver.statistics().lentBuffers, 4);
      const { lentBuffer } = lent[3] as Operation;
      assert.equal((await harness.run('send', socket, { lentBuffer, lentLength: 4 })).bytesTransferred, 4);
      assert.equal(((await once(peer, 'data')) as [Buffer])[0].toString(), 'mnop');
      for (const operation of lent) harness.driver.releaseLent(operation.lentBuffer);
      await harness.close(socket);
    });

    test('a waitOnly recv() ends with the first byte and takes none', async () => {
      const { socket, peer } = await pair();
      const operation = pendingRecv(socket, { waitOnly: true });
      peer.write('x');
      assert.equal((await harness.end(operation)).bytesTransferred, 0);
      assert.equal((await recv(socket)).bytesTransferred, 1);
      const again = pendingRecv(socket, { waitOnly: true });
      peer.end();
      assert.equal((await harness.end(again)).outcome, 'done');
      assert.equal((await recv(socket)).bytesTransferred, 0);
      await harness.close(socket);
    });

    test('recv() resolves with the last bytes and then, each time, with 0 when the peer writes and ends', async () => {
      for (let i = 0; i < 50; i++) {
        const { socket, peer } = await pair();
        peer.end('last words');
        assert.equal((await harness.receive(socket, 100)).toString(), 'last words');
        assert.equal((await recv(socket)).bytesTransferred, 0);
        await harness.close(socket);
      }
    });

    test('recv() of a buffer that was detached meanwhile fails with EFAULT and leaves the bytes', async () => {
      const { socket, peer } = await pair();
      const buffer = new Uint8Array(128);
      const operation = pendingRecv(socket, { buffer });
      structuredClone(buffer.buffer, { transfer: [buffer.buffer] });
      peer.write('still here');
      assert.equal(harness.errorName(await harness.end(operation)), 'EFAULT');
      assert.equal((await harness.receive(socket, 10)).toString(), 'still here');
      await harness.close(socket);
    });

    test('recv() goes on behind urgent data that arrived in the midst of the stream', async () => {
      const { socket, peer, stack: raw } = await harness.rawPair();
      raw.send(peer, Buffer.from('before'), 6);
      libc().send(peer, Buffer.from('!'), 1, MSG_OOB);
      raw.send(peer, Buffer.from('after'), 5);
      assert.equal((await harness.receive(socket, 11)).toString(), 'beforeafter');
      raw.close(peer);
      await harness.close(socket);
    });

    test('a reset is ECONNRESET to the sender too when the receiver heard of it first', async () => {
      const { socket, peer } = await pair();
      const operation = pendingRecv(socket);
      peer.resetAndDestroy();
      assert.equal(harness.errorName(await harness.end(operation)), 'ECONNRESET');
      assert.equal(harness.errorName(await harness.run('send', socket, { buffer: Buffer.from('x') })), 'ECONNRESET');
      assert.equal(harness.errorName(await recv(socket)), 'ECONNRESET');
      await harness.close(socket);
    });

    test('a reset is ECONNRESET to the receiver too when the sender heard of it first', async () => {
      const { socket, peer, stack: raw } = await harness.rawPair();
      raw.lingerZero(peer);
      raw.close(peer);
      assert.equal(harness.errorName(await harness.run('send', socket, { buffer: Buffer.from('x') })), 'ECONNRESET');
      assert.equal(harness.errorName(await recv(socket)), 'ECONNRESET');
      await harness.close(socket);
    });

    test('send() of more than fits waits for room and sends all of it', async () => {
      const { socket, peer } = await pair();
      const bytes = Buffer.alloc(8 << 20, 'overlapped ');
      peer.pause();
      const operation = harness.operation('send', socket, { buffer: bytes });
      assert.equal(harness.startNow(operation), false);
      const reading = readAll(peer);
      assert.equal((await harness.end(operation)).bytesTransferred, bytes.length);
      await harness.close(socket);
      assert.ok((await reading).bytes.equals(bytes));
    });

    test('send() gathers buffers in order', async () => {
      const { socket, peer } = await pair();
      const buffers = Array.from({ length: 300 }, (_, i) => Buffer.alloc(i * 7, String.fromCharCode(65 + (i % 26))));
      const expected = Buffer.concat(buffers);
      const reading = readAll(peer);
      assert.equal((await harness.run('send', socket, { buffers })).bytesTransferred, expected.length);
      await harness.close(socket);
      assert.ok((await reading).bytes.equals(expected));
    });

    test('a cancelled send() says exactly how many bytes went', async () => {
      const { socket, peer } = await pair();
      const bytes = Buffer.alloc(16 << 20, 'abcdefg');
      peer.pause();
      const operation = harness.operation('send', socket, { buffer: bytes });
      assert.equal(harness.startNow(operation), false);
      harness.cancel(operation);
      assert.equal(harness.ended.includes(operation), false, 'cancel() itself ends nothing');
      const { outcome, bytesTransferred } = await harness.end(operation);
      assert.equal(outcome, 'cancelled');
      assert.ok(bytesTransferred > 0 && bytesTransferred < bytes.length);
      const reading = readAll(peer);
      await harness.run('send', socket, { buffer: Buffer.from('!') });
      await harness.close(socket);
      const received = (await reading).bytes;
      assert.equal(received.length, bytesTransferred + 1);
      assert.ok(received.subarray(0, -1).equals(bytes.subarray(0, bytesTransferred)));
    });

    test('send() of a buffer that is detached while it waits fails with EFAULT and says how many bytes went', async () => {
      for (const gathered of [false, true]) {
        const { socket, peer } = await pair();
        const bytes = new Uint8Array(16 << 20).fill(7);
        peer.pause();
        const operation = harness.operation('send', socket, gathered ? { buffers: [bytes] } : { buffer: bytes });
        assert.equal(harness.startNow(operation), false);
        structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
        const reading = readAll(peer);
        const { bytesTransferred } = await harness.end(operation);
        assert.equal(harness.errorName(operation), 'EFAULT');
        assert.ok(bytesTransferred > 0);
        await harness.close(socket);
        assert.equal((await reading).bytes.length, bytesTransferred);
      }
    });

    test('a cancelled recv() takes no bytes and leaves the socket usable', async () => {
      const { socket, peer } = await pair();
      const operation = pendingRecv(socket);
      harness.cancel(operation);
      assert.deepEqual(harness.ended.includes(operation), false);
      assert.equal((await harness.end(operation)).outcome, 'cancelled');
      peer.write('afterwards');
      assert.equal((await harness.receive(socket, 10)).toString(), 'afterwards');
      await harness.close(socket);
    });

    test('a recv() whose bytes have arrived by its cancel succeeds', async () => {
      const { socket, peer, stack: raw } = await harness.rawPair();
      const operation = pendingRecv(socket);
      raw.send(peer, Buffer.from('just in time'), 12);
      harness.cancel(operation);
      assert.equal((await harness.end(operation)).bytesTransferred, 12);
      raw.close(peer);
      await harness.close(socket);
    });

    test('a cancel that takes effect late still ends its operation once', async () => {
      const { socket, peer, stack: raw } = await harness.rawPair();
      const late = new LateCancelDriver(harness.driver, harness, 3);
      const first = pendingRecv(socket);
      first.state = 'cancelling';
      late.cancel(first);
      late.flush();
      assert.equal(late.lateCancels, 1);
      raw.send(peer, Buffer.from('x'), 1);
      assert.equal((await harness.end(first)).outcome, 'done');
      late.flush();
      assert.equal(late.lateCancels, 0);
      const second = pendingRecv(socket);
      second.state = 'cancelling';
      late.cancel(second);
      const ended = harness.end(second);
      for (let i = 0; i < 4; i++) late.flush();
      assert.equal((await ended).outcome, 'cancelled');
      raw.close(peer);
      await harness.close(socket);
    });

    test('accept() fails alone with EMFILE, and the next one gets the connection', async () => {
      const { listener, port } = harness.listen();
      const accepting = harness.run('accept', listener);
      stack.acceptAnswers.push(-(stack.errors.code('EMFILE') ?? 0));
      peers.push(net.connect(port, '127.0.0.1'));
      assert.equal(harness.errorName(await accepting), 'EMFILE');
      const { accepted } = await harness.run('accept', listener);
      assert.ok(accepted);
      await harness.close(accepted);
      await harness.close(listener);
    });

    test('accept() passes over connections that died in the backlog', async () => {
      const { listener, port } = harness.listen();
      const accepting = harness.run('accept', listener);
      for (const name of ['ECONNABORTED', 'EINTR', 'EPROTO']) {
        stack.acceptAnswers.push(-(stack.errors.code(name) ?? 0));
      }
      peers.push(net.connect(port, '127.0.0.1'));
      const { accepted } = await accepting;
      assert.ok(accepted);
      await harness.close(accepted);
      await harness.close(listener);
    });

    test('connect() connects, and says who refused it', async () => {
      const server = net.createServer((connection) => connection.pipe(connection));
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const address = { ...LOOPBACK, port: (server.address() as net.AddressInfo).port };
      const socket = harness.open();
      assert.equal((await harness.run('connect', socket, { address })).outcome, 'done');
      await harness.run('send', socket, { buffer: Buffer.from('hello') });
      assert.equal((await harness.receive(socket, 5)).toString(), 'hello');
      await harness.close(socket);
      server.close();
      await once(server, 'close');
      const refused = harness.open();
      assert.equal(harness.errorName(await harness.run('connect', refused, { address })), 'ECONNREFUSED');
      await harness.close(refused);
    });

    test('a cancelled connect() ends, and its socket closes', async () => {
      const { listener, port } = harness.listen(0);
      const address = { ...LOOPBACK, port };
      const sockets = [harness.open(), harness.open(), harness.open()];
      const operations = sockets.map((socket) => harness.operation('connect', socket, { address }));
      // The backlog takes one connection more than it says, and the SYN of the third is dropped.
      for (const operation of operations) assert.equal(harness.startNow(operation), false);
      const ends = operations.map((operation) => harness.end(operation));
      await Promise.all(ends.slice(0, 1));
      for (const operation of operations) if (operation.state === 'started') harness.cancel(operation);
      const outcomes = (await Promise.all(ends)).map(({ outcome }) => outcome);
      assert.equal(outcomes[0], 'done');
      assert.equal(outcomes[2], 'cancelled');
      for (const socket of [...sockets, listener]) await harness.close(socket);
    });

    test('connect() and accept() over a UNIX-domain name', async () => {
      const address = { family: 'unix', address: `\0readiness-${process.pid}-${notifierName}`, port: 0 } as const;
      const listener = harness.driver.open('unix', 'stream');
      const client = harness.driver.open('unix', 'stream');
      assert.ok(typeof listener !== 'number' && typeof client !== 'number');
      assert.equal(harness.driver.bind(listener, address), 0);
      assert.equal(harness.driver.listen(listener, 1), 0);
      const [{ accepted }, connected] = await Promise.all([
        harness.run('accept', listener),
        harness.run('connect', client, { address }),
      ]);
      assert.equal(connected.outcome, 'done');
      assert.ok(accepted);
      const waiting = pendingRecv(accepted, { waitOnly: true });
      await harness.run('send', client, { buffer: Buffer.from('path') });
      await harness.end(waiting);
      assert.equal((await harness.receive(accepted, 4)).toString(), 'path');
      const aborted = harness.end(pendingRecv(accepted, { waitOnly: true }));
      for (const socket of [accepted, client, listener]) await harness.close(socket);
      assert.equal((await aborted).outcome, 'cancelled');
    });

    test('close() sends a FIN, a reset where it is wanted, and a reset for bytes nobody took', async () => {
      for (const [reset, unread, error] of [
        [false, '', ''],
        [true, '', 'ECONNRESET'],
        [false, 'unread', 'ECONNRESET'],
      ] as const) {
        const { socket, peer } = await pair();
        if (unread) {
          peer.write(unread);
          await harness.run('recv', socket, { waitOnly: true });
        }
        const reading = readAll(peer);
        assert.equal(await harness.close(socket, reset), unread.length);
        assert.equal((await reading).error, error);
        assert.equal(socket.descriptor, -1);
      }
    });

    test('a peer that never runs dry does not keep the event loop from turning', async () => {
      const { socket } = await pair();
      stack.endless = true;
      let turned = false;
      setImmediate(() => {
        turned = true;
      });
      let received = 0;
      for (; !turned; received++) await recv(socket, 1);
      assert.ok(received > 1000);
      stack.endless = false;
      await harness.close(socket);
    });
  });
}
