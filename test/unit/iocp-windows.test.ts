import assert from 'node:assert/strict';
import net from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, beforeEach, describe, test } from 'node:test';
import * as c from '../../native-bindings/windows/constants.js';
import { kernel32 } from '../../native-bindings/windows/kernel32.js';
import { ipv6_mreq, WSAPROTOCOL_INFOW } from '../../native-bindings/windows/structs.js';
import * as win from '../../native-bindings/windows/winerror.js';
import { ws2_32 } from '../../native-bindings/windows/ws2_32.js';
import { IocpDriver } from '../../src/drivers/iocp/driver.js';
import { isBuild, Winsock } from '../../src/drivers/iocp/winsock.js';
import type { DriverSocket } from '../../src/port/driver.js';
import { DriverHarness, LOOPBACK, readAll } from '../support/driver-harness.js';
import { replaceCall, watchCalls } from '../support/native-calls.js';
import { until } from '../support/waiting.js';

const SIO_UDP_NETRESET = 0x9800000f;
const SO_REUSE_UNICASTPORT = 0x3007;

test('a release of Windows is compared as numbers are', () => {
  const builds = ['6.3.9600', '10.0.14393', '10.0.16298', '10.0.16299', '10.0.26100', '10.1.0', '11.0.1'];
  assert.deepEqual(
    builds.map((build) => isBuild(build, 16299)),
    [false, false, false, true, true, true, true],
  );
});

// What real Windows does and Wine does not: its answers are put in the place of Wine's, or the calls are looked at.
if (process.platform === 'win32') {
  describe('the iocp driver on a system that is not Wine', { timeout: 60_000 }, () => {
    let harness: DriverHarness;
    let peers: net.Socket[];
    let undo: (() => void)[];

    beforeEach(() => {
      harness = new DriverHarness((events) => new IocpDriver(events));
      peers = [];
      undo = [];
    });

    afterEach(() => {
      for (const back of undo.splice(0).reverse()) back();
      for (const peer of peers) peer.destroy();
      harness.finish();
    });

    const pair = async () => {
      const made = await harness.pair();
      peers.push(made.peer);
      return made;
    };

    const datagramSocket = (): DriverSocket & { port: number } => {
      const socket = harness.driver.open('IPv4', 'datagram');
      assert.ok(typeof socket !== 'number');
      assert.equal(harness.driver.bind(socket, LOOPBACK), 0);
      return Object.assign(socket, { port: harness.driver.localAddress(socket)?.port ?? 0 });
    };

    const sendTo = async (socket: DriverSocket, port: number, text: string) => {
      const batch = harness.driver.createBatch(1, 64);
      batch.add(Buffer.from(text), { ...LOOPBACK, port });
      const sent = await harness.run('sendBatch', socket, { batch });
      return sent;
    };

    /** Fails the next calls of a function, with an error each; others are Wine's own. */
    const failCalls = (
      name: 'send' | 'recv' | 'sendto' | 'recvfrom' | 'WSARecv' | 'setsockopt',
      errors: number[],
      which: (...args: unknown[]) => boolean = () => true,
    ) => {
      let failure = 0;
      const put = (real: (...args: never[]) => number) =>
        ((...args: never[]) => {
          const error = which(...args) ? errors.shift() : undefined;
          if (error === undefined) return real(...args);
          failure = error;
          return -1;
        }) as never;
      undo.push(
        replaceCall(ws2_32(), name, put),
        replaceCall(ws2_32(), 'WSAGetLastError', (real) => () => {
          const error = failure;
          failure = 0;
          return error === 0 ? real() : error;
        }),
      );
    };

    /** Plays a layered provider whose handles are not the kernel's. */
    const playLayeredProvider = () => {
      const hideKernelHandles = (real: ReturnType<typeof ws2_32>['getsockopt']): typeof real => {
        return (socket, level, name, value, length) => {
          const failed = real(socket, level, name, value, length);
          if (name !== c.SO_PROTOCOL_INFOW) return failed;
          const view = new DataView(value.buffer, value.byteOffset);
          const at = WSAPROTOCOL_INFOW.offset.dwServiceFlags1;
          view.setUint32(at, view.getUint32(at, true) & ~c.XP1_IFS_HANDLES, true);
          return failed;
        };
      };
      undo.push(replaceCall(ws2_32(), 'getsockopt', hideKernelHandles));
    };

    test('datagram sockets never skip the port, and connections do', async () => {
      const told: [socket: number, modes: number][] = [];
      undo.push(watchCalls(kernel32(), 'SetFileCompletionNotificationModes', (...call) => told.push(call)));
      const { socket } = await pair();
      const skips = (handle: number) =>
        told.some(([of, modes]) => of === handle && (modes & c.FILE_SKIP_COMPLETION_PORT_ON_SUCCESS) !== 0);
      assert.ok(skips(socket.descriptor));
      told.length = 0;
      const datagrams = datagramSocket();
      assert.ok(!skips(datagrams.descriptor));
      for (const each of [socket, datagrams]) await harness.close(each);
    });

    test('a packet of a peeking receive that had failed at once ends no request that came after it', async () => {
      const socket = datagramSocket();
      const batch = harness.driver.createBatch(4, 64);
      await sendTo(socket, socket.port, 'already there');
      // "Message too long": the receive is over, and Wine queues a packet all the same.
      const first = harness.operation('recvBatch', socket, { batch });
      assert.equal(harness.startNow(first), true);
      assert.equal(first.outcome, 'done');
      let begun = 0;
      undo.push(watchCalls(ws2_32(), 'WSARecv', () => begun++));
      const second = harness.operation('recvBatch', socket, { batch });
      assert.equal(harness.startNow(second), false);
      const ended = harness.end(second);
      // Completions come in their order: once this one has come, the packet has, too.
      const other = datagramSocket();
      const receiving = harness.run('recvBatch', other, { batch: harness.driver.createBatch(1, 64) });
      await sendTo(other, other.port, 'in order');
      await receiving;
      assert.equal(begun, 2, 'a request for each socket');
      await sendTo(socket, socket.port, 'later');
      assert.equal((await ended).outcome, 'done');
      assert.equal(Buffer.from(batch.data(0)).toString(), 'later');
      assert.equal(begun, 2, 'the request was pending until it ended');
      for (const each of [socket, other]) await harness.close(each);
    });

    test('a failure whose error number was lost is a failure still, and no end of the stream', () => {
      const winsock = new Winsock();
      undo.push(replaceCall(ws2_32(), 'WSAGetLastError', () => () => 0));
      assert.ok(winsock.recv(0xfffffff0, new Uint8Array(8), 8) < 0);
    });

    test('a backlog above 200 is a hint (SOMAXCONN_HINT), and at most 65535', async () => {
      const asked: number[] = [];
      undo.push(watchCalls(ws2_32(), 'listen', (_, backlog) => asked.push(backlog)));
      const { listener, port } = harness.listen(511);
      peers.push(net.connect(port, '127.0.0.1'));
      const { accepted } = await harness.run('accept', listener);
      assert.ok(accepted);
      const others = [harness.listen(200).listener, harness.listen(1_000_000).listener];
      assert.deepEqual(asked, [-511, 200, -65535]);
      for (const socket of [accepted, listener, ...others]) await harness.close(socket);
    });

    test('a connection that is lost before it is accepted is passed over, however it was lost', async () => {
      const { listener, port } = harness.listen();
      const lost = [win.WSAETIMEDOUT, win.WSAEHOSTUNREACH, win.WSAENETUNREACH, win.WSAENOTCONN];
      const losses = [...lost];
      failCalls('setsockopt', losses, (_socket, _level, name) => name === c.SO_UPDATE_ACCEPT_CONTEXT);
      const accepting = harness.operation('accept', listener);
      for (const _ of [...lost, 'alive']) {
        const peer = net.connect(port, '127.0.0.1');
        peer.on('error', () => undefined);
        peers.push(peer);
      }
      await until(() => peers.every((peer) => !peer.connecting), 'the peers to be connected');
      const accepted = harness.startNow(accepting) ? accepting : await harness.end(accepting);
      assert.equal(accepted.outcome, 'done');
      assert.equal(losses.length, 0);
      assert.ok(accepted.accepted);
      for (const socket of [accepted.accepted, listener]) await harness.close(socket);
    });

    test('ConnectEx chooses the port where nobody else has, as connect does: SO_REUSE_UNICASTPORT', async () => {
      const told: number[] = [];
      undo.push(
        watchCalls(ws2_32(), 'setsockopt', (socket, level, name) => {
          if (level === c.SOL_SOCKET && name === SO_REUSE_UNICASTPORT) told.push(socket);
        }),
      );
      const { listener, port } = harness.listen();
      const free = harness.open();
      const bound = harness.open();
      assert.equal(harness.driver.bind(bound, LOOPBACK), 0);
      for (const socket of [free, bound]) {
        assert.equal((await harness.run('connect', socket, { address: { ...LOOPBACK, port } })).outcome, 'done');
      }
      assert.deepEqual(told, [free.descriptor]);
      for (const socket of [free, bound, listener]) await harness.close(socket);
    });

    test('every text of an address of this machine is connected to as such', async () => {
      const told: number[] = [];
      undo.push(
        watchCalls(ws2_32(), 'WSAIoctl', (socket, code) => {
          if (code === c.SIO_TCP_INITIAL_RTO) told.push(socket);
        }),
      );
      const texts = ['::1', '0:0:0:0:0:0:0:1', '::', '0:0:0:0:0:0:0:0', '::ffff:7f00:1', '::ffff:0.0.0.0'];
      for (const text of texts) {
        const socket = harness.driver.open('IPv6', 'stream');
        assert.ok(typeof socket !== 'number');
        const address = { family: 'IPv6', address: text, port: 1 } as const;
        assert.equal(harness.errorName(await harness.run('connect', socket, { address })), 'ECONNREFUSED', text);
        assert.equal(told.pop(), socket.descriptor, text);
        await harness.close(socket);
      }
    });

    test('a group of IPv6 is joined on the very interface that has the address, whatever scope is listed for it', async () => {
      const joined: number[] = [];
      undo.push(
        watchCalls(ws2_32(), 'setsockopt', (_socket, level, name, value) => {
          if (level !== c.IPPROTO_IPV6 || name !== c.IPV6_JOIN_GROUP || value === null) return;
          joined.push(new DataView(value.buffer).getUint32(ipv6_mreq.offset.ipv6mr_interface, true));
        }),
      );
      const socket = harness.driver.open('IPv6', 'datagram');
      assert.ok(typeof socket !== 'number');
      const expected: number[] = [];
      for (const entries of Object.values(networkInterfaces())) {
        const addresses = (entries ?? []).filter((entry) => entry.family === 'IPv6');
        // The loopback interface is the first of all, and has no link-local address.
        const index = addresses.find(({ scopeid }) => scopeid !== 0)?.scopeid ?? (addresses[0]?.internal ? 1 : 0);
        if (index === 0) continue;
        for (const { address } of addresses) {
          harness.driver.membership(socket, { family: 'IPv6', address: 'ff02::1234', port: 0 }, address, true);
          expected.push(index);
        }
      }
      assert.ok(expected.length > 0);
      assert.deepEqual(joined, expected);
      await harness.close(socket);
    });

    test('no datagram socket hears of ways that were too long: SIO_UDP_NETRESET', async () => {
      const told: [socket: number, on: number][] = [];
      undo.push(
        watchCalls(ws2_32(), 'WSAIoctl', (socket, code, input) => {
          if (code === SIO_UDP_NETRESET) told.push([socket, input[0] as number]);
        }),
      );
      const socket = datagramSocket();
      assert.deepEqual(told, [[socket.descriptor, 0]]);
      await harness.close(socket);
    });

    test('a datagram that is refused without end fails its send, and does not try for ever', async () => {
      const socket = datagramSocket();
      let calls = 0;
      undo.push(watchCalls(ws2_32(), 'sendto', () => calls++));
      failCalls('sendto', new Array(1000).fill(win.WSAECONNRESET));
      const sent = await sendTo(socket, socket.port, 'to nobody');
      assert.equal(harness.errorName(sent), 'ECONNREFUSED');
      await harness.close(socket);
    });

    test('a send that the system has no memory for is made again by a request that waits for some', async () => {
      const { socket, peer } = await pair();
      failCalls('send', [win.WSAENOBUFS]);
      let requests = 0;
      undo.push(watchCalls(ws2_32(), 'WSASend', () => requests++));
      const sent = await harness.run('send', socket, { buffer: Buffer.from('all the same') });
      assert.deepEqual([sent.outcome, requests], ['done', 1]);
      const arrived = readAll(peer);
      await harness.close(socket);
      assert.equal((await arrived).bytes.toString(), 'all the same');
      const datagrams = datagramSocket();
      failCalls('sendto', [win.WSAENOBUFS]);
      assert.equal((await sendTo(datagrams, datagrams.port, 'this one, too')).bytesTransferred, 1);
      const batch = harness.driver.createBatch(1, 64);
      await harness.run('recvBatch', datagrams, { batch });
      assert.equal(Buffer.from(batch.data(0)).toString(), 'this one, too');
      await harness.close(datagrams);
    });

    test('an error about earlier datagrams is heard, and the datagram goes', async () => {
      const socket = datagramSocket();
      failCalls('sendto', [win.WSAECONNRESET, win.WSAENETRESET]);
      assert.equal((await sendTo(socket, socket.port, 'to somebody')).bytesTransferred, 1);
      const batch = harness.driver.createBatch(1, 64);
      await harness.run('recvBatch', socket, { batch });
      assert.equal(Buffer.from(batch.data(0)).toString(), 'to somebody');
      await harness.close(socket);
    });

    test('an error that a peeking receive leaves in the kernel is told once', async () => {
      const peer = datagramSocket();
      const socket = datagramSocket();
      const address = { ...LOOPBACK, port: peer.port };
      assert.equal((await harness.run('connect', socket, { address })).outcome, 'done');
      const batch = harness.driver.createBatch(1, 64);
      // Whatever watches the socket since it was connected ends by this.
      await sendTo(peer, socket.port, 'first');
      assert.equal((await harness.run('recvBatch', socket, { batch })).outcome, 'done');
      failCalls('WSARecv', [win.WSAECONNRESET], (handle) => handle === socket.descriptor);
      const refused = await harness.run('recvBatch', socket, { batch });
      assert.equal(harness.errorName(refused), 'ECONNREFUSED');
      failCalls('recvfrom', [win.WSAECONNRESET]);
      const receiving = harness.run('recvBatch', socket, { batch });
      await sendTo(peer, socket.port, 'second');
      assert.equal((await receiving).outcome, 'done');
      assert.equal(Buffer.from(batch.data(0)).toString(), 'second');
      for (const each of [peer, socket]) await harness.close(each);
    });

    test('who only sends hears of every refusal: what was told is taken out of the kernel, and the socket watched', async () => {
      const peer = datagramSocket();
      const socket = datagramSocket();
      const send = () => {
        const batch = harness.driver.createBatch(1, 64);
        batch.add(Buffer.from('anybody?'));
        return harness.run('sendBatch', socket, { batch });
      };
      failCalls('WSARecv', [win.WSAECONNRESET], (handle) => handle === socket.descriptor);
      const address = { ...LOOPBACK, port: peer.port };
      assert.equal((await harness.run('connect', socket, { address })).outcome, 'done');
      assert.equal(harness.errorName(await send()), 'ECONNREFUSED');
      failCalls('recv', [win.WSAECONNRESET, win.WSAECONNRESET]);
      let watched = 0;
      undo.push(watchCalls(ws2_32(), 'WSARecv', () => watched++));
      assert.equal((await send()).outcome, 'done');
      assert.equal(watched, 1);
      for (const each of [peer, socket]) await harness.close(each);
    });

    test('a reset that a send was told of is a reset to the receive, too, and no abort of our own', async () => {
      const { socket, peer } = await pair();
      peer.write('x');
      await until(() => harness.driver.unreadBytes(socket) === 1, 'the byte to be there');
      failCalls('send', [win.WSAECONNRESET]);
      assert.equal(harness.errorName(await harness.run('send', socket, { buffer: Buffer.from('!') })), 'ECONNRESET');
      failCalls('recv', [win.WSAECONNABORTED]);
      assert.equal(harness.errorName(await harness.run('recv', socket, { buffer: Buffer.alloc(8) })), 'ECONNRESET');
      await harness.close(socket, true);
    });

    test('over a layered provider without kernel handles nothing skips the port, and all works', async () => {
      playLayeredProvider();
      const told: number[] = [];
      undo.push(watchCalls(kernel32(), 'SetFileCompletionNotificationModes', (socket) => told.push(socket)));
      const { socket, peer } = await pair();
      peer.on('data', (chunk) => peer.write(chunk));
      for (let i = 0; i < 50; i++) {
        await harness.run('send', socket, { buffer: Buffer.from(`message ${i}`) });
        assert.equal((await harness.receive(socket, `message ${i}`.length)).toString(), `message ${i}`);
      }
      peer.write('unasked');
      await until(() => harness.driver.unreadBytes(socket) === 7, 'the bytes to be there');
      assert.equal((await harness.receive(socket, 7)).toString(), 'unasked');
      assert.deepEqual(told, []);
      await harness.close(socket);
    });

    test("a layered provider's requests are cancelled on the kernel's own socket, and the close ends", async () => {
      playLayeredProvider();
      const { socket } = await pair();
      const base = 0x7ffffff0;
      undo.push(
        replaceCall(ws2_32(), 'WSAIoctl', (real) => (...call) => {
          if (call[1] !== c.SIO_BASE_HANDLE) return real(...call);
          const output = call[4] as Uint8Array;
          new DataView(output.buffer, output.byteOffset).setBigUint64(0, BigInt(base), true);
          return 0;
        }),
        replaceCall(kernel32(), 'CancelIoEx', (real) => (file, overlapped) => {
          if (file !== base) return 0;
          assert.equal(overlapped, 0);
          return real(socket.descriptor, 0);
        }),
      );
      const receiving = harness.operation('recv', socket, { buffer: Buffer.alloc(8) });
      assert.equal(harness.startNow(receiving), false);
      const ended = harness.end(receiving);
      harness.cancel(receiving);
      assert.equal((await ended).outcome, 'cancelled');
      assert.equal(await harness.close(socket), 0);
    });
  });
}
