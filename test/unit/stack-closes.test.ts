import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openProactor, TcpListener, TcpSocket } from '../../src/index.js';
import { LINUX, type NativeCall, openKoffiLibrary, openStack, type StackLibrary } from '../../src/stack.js';

// What a close says it has sent, on stacks whose shutdown does not say what Linux's does.

const ON = { host: '127.0.0.1' } as const;

/** The host's sockets, but for shutdown. */
function withShutdown(change: (shutdown: NativeCall) => NativeCall): StackLibrary {
  const host = openKoffiLibrary(null);
  return {
    ...host,
    find: (symbol, type) => {
      const call = host.find(symbol, type);
      return symbol === 'shutdown' && call !== null ? change(call) : call;
    },
  };
}

async function onPair(library: StackLibrary, use: (near: TcpSocket, far: TcpSocket) => Promise<void>): Promise<void> {
  const stack = openStack({ ...LINUX, waits: ['poll'] }, library);
  const proactor = openProactor({ stack });
  const listener = await TcpListener.listen({ ...ON, proactor });
  const accepting = listener.accept();
  const near = await TcpSocket.connect({ ...ON, port: listener.port, proactor });
  const far = await accepting;
  await use(near, far);
  await Promise.all([near.abort(), far.abort(), listener.close()]);
  proactor.destroy();
  stack.close();
}

describe('what a close says', { skip: process.platform === 'linux' ? false : 'it is for Linux' }, () => {
  /** As in lwIP: tcp_shutdown of a connection that was shut down says ERR_CONN. The host's own says why it fails. */
  const shutsOnce = () =>
    withShutdown((shutdown) => {
      const shut = new Set<unknown>();
      return (...values) => {
        const [descriptor] = values;
        if (!shut.has(descriptor)) {
          shut.add(descriptor);
          return shutdown(...values);
        }
        // A descriptor that is no connection: -1, ENOTCONN.
        return shutdown(lonely.descriptor, values[1] ?? 0);
      };
    });
  const lonely = { descriptor: -1 };

  /** Runs with a socket that was never connected, whose shutdown is ENOTCONN. */
  async function onShutOnce(use: (near: TcpSocket, far: TcpSocket) => Promise<void>): Promise<void> {
    const stack = openStack(LINUX);
    lonely.descriptor = stack.stack.socket('IPv4', 'stream', true);
    await onPair(shutsOnce(), use);
    stack.stack.close(lonely.descriptor);
    stack.close();
  }

  test('is FIN behind a shutdown, though a second one says that there is no connection', () =>
    onShutOnce(async (near, far) => {
      await near.shutdown();
      assert.equal(await far.recv(new Uint8Array(4)), 0);
      assert.deepEqual(await near.close(), { sent: 'FIN', unreadBytes: 0 });
    }));

  test('is none where the peer has reset what was shut down', () =>
    onShutOnce(async (near, far) => {
      await near.shutdown();
      const receiving = assert.rejects(near.recv(new Uint8Array(4)), { code: 'ECONNRESET' });
      await far.abort();
      await receiving;
      assert.deepEqual(await near.close(), { sent: 'none', unreadBytes: 0 });
    }));

  test('is none after a reset of which shutdown does not know (Wine)', () =>
    onPair(
      withShutdown(() => () => 0),
      async (near, far) => {
        const receiving = assert.rejects(near.recv(new Uint8Array(4)), { code: 'ECONNRESET' });
        await far.abort();
        await receiving;
        assert.deepEqual(await near.close(), { sent: 'none', unreadBytes: 0 });
      },
    ));
});
