import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openWinsock } from '../../src/bsd/winsock/open.js';
import { openProactor, TcpListener, TcpSocket, UdpSocket } from '../../src/index.js';
import { POLLIN, POLLNVAL, POLLOUT, type PollEntry, poll, pollSync, select, selectSync } from '../../src/select.js';
import { LINUX, openStack } from '../../src/stack.js';
import { driversUnderTest } from '../support/drivers.js';
import { soon } from '../support/waiting.js';

const LOOPBACK = '127.0.0.1';

async function receive(socket: TcpSocket, most: number): Promise<string> {
  const buffer = Buffer.alloc(most);
  return buffer.toString('latin1', 0, await socket.recv(buffer));
}

for (const { name, makeProactor } of driversUnderTest()) {
  describe(`poll and select of sockets on ${name}`, () => {
    async function withConnection(run: (client: TcpSocket, server: TcpSocket) => Promise<void>): Promise<void> {
      const proactor = makeProactor();
      const listener = await TcpListener.listen({ host: LOOPBACK, proactor });
      const [client, server] = await Promise.all([
        TcpSocket.connect({ host: LOOPBACK, port: listener.port, proactor }),
        listener.accept(),
      ]);
      try {
        await run(client, server);
      } finally {
        await Promise.all([client.close(), server.close(), listener.close()]);
        proactor.destroy();
      }
    }

    test('a listener is readable when somebody connects', async () => {
      const proactor = makeProactor();
      const listener = await TcpListener.listen({ host: LOOPBACK, proactor });
      assert.equal(selectSync([listener], null, null, 0).count, 0);
      const waiting = select([listener]);
      const client = await TcpSocket.connect({ host: LOOPBACK, port: listener.port, proactor });
      assert.deepEqual((await soon(waiting, 'the listener')).read, [listener]);
      const server = await listener.accept();
      await Promise.all([client.close(), server.close(), listener.close()]);
      proactor.destroy();
    });

    test('what a receive has taken ahead is still readable', async () => {
      await withConnection(async (client, server) => {
        await server.send(Buffer.from('one'));
        // From the first receive on the driver may take bytes before anybody asks for them.
        assert.equal(await receive(client, 1), 'o');
        assert.deepEqual(await soon(select([client], [client]), 'bytes that are there'), {
          read: [client],
          write: [client],
          except: [],
          count: 2,
        });
        assert.equal(await receive(client, 8), 'ne');
        const entries: PollEntry[] = [{ socket: client, events: POLLIN }];
        assert.equal(pollSync(entries, 0), 0);
        const waiting = poll(entries);
        await server.send(Buffer.from('two'));
        assert.equal(await soon(waiting, 'new bytes'), 1);
        assert.equal(entries[0]?.revents, POLLIN);
        assert.equal(await receive(client, 8), 'two');
        await server.send(Buffer.from('three'));
        assert.equal(pollSync(entries, 5000), 1);
        assert.equal(await receive(client, 8), 'three');
      });
    });

    test('the end of the stream is readable', async () => {
      await withConnection(async (client, server) => {
        await server.shutdown();
        assert.deepEqual((await soon(select([client]), 'the end')).read, [client]);
        assert.equal(await receive(client, 8), '');
        assert.deepEqual(selectSync([client], null, null, 5000).read, [client]);
      });
    });

    test('a datagram makes a socket readable, also one that was read ahead', async () => {
      const proactor = makeProactor();
      const socket = await UdpSocket.bind({ host: LOOPBACK, port: 0, proactor });
      const waiting = select([socket]);
      const sender = await UdpSocket.bind({ host: LOOPBACK, port: 0, proactor });
      for (const text of ['a', 'b', 'c']) await sender.sendTo(Buffer.from(text), { host: LOOPBACK, port: socket.port });
      assert.deepEqual((await soon(waiting, 'a datagram')).read, [socket]);
      for (let left = 3; left > 0; left--) {
        assert.equal(selectSync([socket], null, null, 5000).count, 1, `${left} are left`);
        await socket.recvFrom();
      }
      assert.equal(pollSync([{ socket, events: POLLIN }], 0), 0);
      await Promise.all([socket.close(), sender.close()]);
      proactor.destroy();
    });

    test('a socket that is closed meanwhile is POLLNVAL, and EBADF for select', async () => {
      await withConnection(async (client) => {
        const entries: PollEntry[] = [{ socket: client, events: POLLIN }];
        const polling = poll(entries);
        const selecting = select([client]);
        const rejected = assert.rejects(soon(selecting, 'the close'), { code: 'EBADF' });
        await client.close();
        assert.equal(await soon(polling, 'the close'), 1);
        assert.equal(entries[0]?.revents, POLLNVAL);
        await rejected;
        await assert.rejects(poll(entries), { code: 'ERR_SOCKET_CLOSED', message: /entries\[0\]\.socket is closed/ });
        assert.throws(() => selectSync(null, [client]), { code: 'ERR_SOCKET_CLOSED', message: /write\[0\]/ });
      });
    });
  });
}

describe('sockets on a stack of their own', () => {
  test('are polled on it, and refuse to be mixed with others', async () => {
    const stack = process.platform === 'win32' ? openWinsock('select') : openStack({ ...LINUX, waits: ['select'] });
    const proactor = openProactor({ stack });
    const socket = await UdpSocket.bind({ host: LOOPBACK, port: 0, proactor });
    const other = await UdpSocket.bind({ host: LOOPBACK, port: 0 });
    const sockets = [socket, other];
    const entries = sockets.map((each) => ({ socket: each, events: POLLOUT }));
    assert.equal(pollSync(entries.slice(0, 1), 0), 1);
    assert.throws(() => pollSync(entries, 0), {
      code: 'ERR_INVALID_ARG_VALUE',
      message: /entries\[1\].*another stack/,
    });
    assert.throws(() => selectSync(sockets), { code: 'ERR_INVALID_ARG_VALUE' });
    assert.throws(() => selectSync([other], null, null, 0, { stack }), { code: 'ERR_INVALID_ARG_VALUE' });
    await Promise.all([socket.close(), other.close()]);
    proactor.destroy();
    stack.close();
  });
});
