import assert from 'node:assert/strict';
import net from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import * as c from '../../native-bindings/windows/constants.js';
import { kernel32 } from '../../native-bindings/windows/kernel32.js';
import { ws2_32 } from '../../native-bindings/windows/ws2_32.js';
import { IocpDriver, type IocpOptions } from '../../src/drivers/iocp/driver.js';
import { openProactor, TcpListener } from '../../src/index.js';
import type { DriverSocket } from '../../src/port/driver.js';
import type { Operation } from '../../src/port/operation.js';
import { DriverHarness, LOOPBACK } from '../support/driver-harness.js';
import { watchCalls } from '../support/native-calls.js';

function optionOf(socket: number, level: number, name: number): number {
  const value = new Int32Array(1);
  const length = new Int32Array([4]);
  const { getsockopt } = ws2_32();
  assert.equal(getsockopt(socket, level, name, new Uint8Array(value.buffer), new Uint8Array(length.buffer)), 0);
  return value[0] as number;
}

// What the driver asks of Winsock where Wine would do without: the calls themselves are looked at.
if (process.platform === 'win32') {
  describe("the iocp driver's calls", { timeout: 60_000 }, () => {
    let harness: DriverHarness;
    let peers: net.Socket[];
    let unwatch: () => void;

    const make = (options: IocpOptions = {}) => new DriverHarness((events) => new IocpDriver(events, options));
    const connectPeer = (port: number) => {
      const peer = net.connect(port, '127.0.0.1');
      peer.on('error', () => undefined);
      peers.push(peer);
      return peer;
    };

    beforeEach(() => {
      harness = make();
      peers = [];
      unwatch = () => undefined;
    });

    afterEach(() => {
      unwatch();
      for (const peer of peers) peer.destroy();
      harness.finish();
    });

    test('a listener keeps its port to itself (SO_EXCLUSIVEADDRUSE), and a socket that connects does not', async () => {
      const proactor = openProactor({ driver: 'iocp' });
      const listener = await TcpListener.listen({ host: '127.0.0.1', proactor });
      assert.equal(optionOf(listener.descriptor, c.SOL_SOCKET, c.SO_EXCLUSIVEADDRUSE), 1);
      const thief = harness.open();
      assert.equal(harness.driver.setOption(thief, 'reuseAddress', true), 0);
      const stolen = harness.driver.bind(thief, { ...LOOPBACK, port: listener.port });
      assert.ok(['EADDRINUSE', 'EACCES'].includes(harness.driver.errors.name(stolen)));
      const other = harness.open();
      assert.equal(harness.driver.bind(other, LOOPBACK), 0);
      assert.equal(optionOf(other.descriptor, c.SOL_SOCKET, c.SO_EXCLUSIVEADDRUSE), 0);
      for (const socket of [thief, other]) await harness.close(socket);
      await listener.close();
      proactor.destroy();
    });

    test('accepted and connected sockets are told so: SO_UPDATE_ACCEPT_CONTEXT, SO_UPDATE_CONNECT_CONTEXT', async () => {
      const told: [socket: number, option: number][] = [];
      unwatch = watchCalls(ws2_32(), 'setsockopt', (socket, level, name) => {
        if (level === c.SOL_SOCKET) told.push([socket, name]);
      });
      const { listener, port } = harness.listen();
      const connecting = harness.open();
      const accepting = harness.run('accept', listener);
      const connected = await harness.run('connect', connecting, { address: { ...LOOPBACK, port } });
      assert.equal(connected.outcome, 'done');
      const { accepted } = await accepting;
      assert.ok(accepted);
      const has = (socket: DriverSocket, option: number) =>
        told.some(([handle, name]) => handle === socket.descriptor && name === option);
      assert.ok(has(accepted, c.SO_UPDATE_ACCEPT_CONTEXT));
      assert.ok(has(connecting, c.SO_UPDATE_CONNECT_CONTEXT));
      for (const socket of [accepted, connecting, listener]) await harness.close(socket);
    });

    test('a datagram socket hears of unreachable peers only while it is connected: SIO_UDP_CONNRESET', async () => {
      const told: [socket: number, on: number][] = [];
      unwatch = watchCalls(ws2_32(), 'WSAIoctl', (socket, code, input) => {
        if (code === c.SIO_UDP_CONNRESET) told.push([socket, input[0] as number]);
      });
      const socket = harness.driver.open('IPv4', 'datagram');
      assert.ok(typeof socket !== 'number');
      assert.deepEqual(told, [[socket.descriptor, 0]]);
      assert.equal(harness.driver.bind(socket, LOOPBACK), 0);
      const peer = harness.driver.localAddress(socket);
      assert.equal((await harness.run('connect', socket, { address: peer })).outcome, 'done');
      assert.deepEqual(told.slice(1), [[socket.descriptor, 1]]);
      await harness.close(socket);
    });

    test('completions are dequeued many at a time', async () => {
      const count = 200;
      const { listener, port } = harness.listen(count);
      const sockets: DriverSocket[] = [];
      for (let i = 0; i < count; i++) {
        connectPeer(port);
        const { accepted } = await harness.run('accept', listener);
        assert.ok(accepted);
        sockets.push(accepted);
      }
      const receives = sockets.map((socket) => harness.operation('recv', socket, { buffer: Buffer.alloc(8) }));
      for (const receive of receives) assert.equal(harness.startNow(receive), false);
      const ends = Promise.all(receives.map((receive) => harness.end(receive)));
      harness.driver.flush();
      let calls = 0;
      unwatch = watchCalls(kernel32(), 'GetQueuedCompletionStatusEx', () => calls++);
      for (const peer of peers) peer.write('x');
      // All of them arrive while this thread has no time for any.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
      await ends;
      assert.ok(calls < count / 10, `${calls} calls for ${count} completions`);
      for (const socket of [...sockets, listener]) await harness.close(socket);
    });

    test('requests without end are refused with ENOBUFS, and the sockets live on', async () => {
      harness.finish();
      harness = make({ maxRequests: 6 });
      const { listener, port } = harness.listen();
      connectPeer(port);
      connectPeer(port);
      const sockets: DriverSocket[] = [];
      for (let i = 0; i < 2; i++) {
        const { accepted } = await harness.run('accept', listener);
        assert.ok(accepted);
        sockets.push(accepted);
      }
      await harness.close(listener);
      const busy: Operation[] = [];
      for (let i = 0; i < 6; i++) {
        const socket = harness.driver.open('IPv4', 'datagram');
        assert.ok(typeof socket !== 'number');
        assert.equal(harness.driver.bind(socket, LOOPBACK), 0);
        const batch = harness.driver.createBatch(1, 64);
        const receive = harness.operation('recvBatch', socket, { batch });
        assert.equal(harness.startNow(receive), false);
        busy.push(receive);
      }
      assert.equal(harness.driver.statistics().pendingRequests, 6);
      const [first] = sockets as [DriverSocket];
      const refused = await harness.run('recv', first, { buffer: Buffer.alloc(8) });
      assert.equal(harness.errorName(refused), 'ENOBUFS');
      for (const receive of busy) {
        const ended = harness.end(receive);
        harness.cancel(receive);
        assert.equal((await ended).outcome, 'cancelled');
        assert.ok(receive.socket);
        await harness.close(receive.socket);
      }
      peers[0]?.write('now');
      assert.equal((await harness.receive(first, 3)).toString(), 'now');
      for (const socket of sockets) await harness.close(socket);
    });
  });
}
