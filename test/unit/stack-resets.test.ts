import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lastErrno } from '../../native-bindings/ffi.js';
import { ECONNRESET } from '../../native-bindings/linux/errno.js';
import { openProactor, TcpListener, TcpSocket } from '../../src/index.js';
import { CALL_TYPES, LINUX, type NativeCall, openKoffiLibrary, openStack, type StackLibrary } from '../../src/stack.js';
import { failure } from '../support/failures.js';

// Stacks that tell of a reset once, or of a connection's state otherwise than Linux: what operations and closes say.

const ON = { host: '127.0.0.1' } as const;
const MSG_DONTWAIT = LINUX.constants.MSG_DONTWAIT ?? 0;

/** A call of the host's, and one that fails with ENOTCONN: a receive on a socket that was never connected. */
type Change = (call: NativeCall, notConnected: () => number) => NativeCall;

/** Runs with both ends of a connection on the host's sockets, some of whose calls are changed. */
async function onPair(
  changes: Readonly<Record<string, Change>>,
  use: (near: TcpSocket, far: TcpSocket) => Promise<void>,
): Promise<void> {
  const host = openKoffiLibrary(null);
  const lonely = openStack(LINUX);
  const unconnected = lonely.stack.socket('IPv4', 'stream', true);
  const recv = host.find('recv', CALL_TYPES.recv) as NativeCall;
  const notConnected = () => Number(recv(unconnected, new Uint8Array(1), 1, MSG_DONTWAIT));
  const library: StackLibrary = {
    ...host,
    find: (symbol, type) => {
      const call = host.find(symbol, type);
      return call === null ? null : (changes[symbol]?.(call, notConnected) ?? call);
    },
  };
  const stack = openStack({ ...LINUX, waits: ['poll'] }, library);
  const proactor = openProactor({ stack });
  const listener = await TcpListener.listen({ ...ON, proactor });
  const accepting = listener.accept();
  const near = await TcpSocket.connect({ ...ON, port: listener.port, proactor });
  const far = await accepting;
  try {
    await use(near, far);
  } finally {
    await Promise.all([near.abort(), far.abort(), listener.close()]);
    proactor.destroy();
    stack.close();
    lonely.stack.close(unconnected);
    lonely.close();
  }
}

async function codeOf(failing: Promise<unknown>): Promise<string | undefined> {
  return ((await failure(failing)) as NodeJS.ErrnoException).code;
}

/** The far end resets, and a receive of the near one is told. */
async function resetHeard(near: TcpSocket, far: TcpSocket): Promise<void> {
  const receiving = codeOf(near.recv(new Uint8Array(4)));
  await far.abort();
  assert.equal(await receiving, 'ECONNRESET');
}

const onLinux = { skip: process.platform === 'linux' ? false : 'it is for Linux' };

describe('what a close says', onLinux, () => {
  /** As lwIP's tcp_shutdown: a connection that was shut down is not connected. */
  const shutsOnce: Change = (shutdown, notConnected) => {
    const shut = new Set<unknown>();
    return (...values) => {
      if (shut.has(values[0])) return notConnected();
      shut.add(values[0]);
      return shutdown(...values);
    };
  };

  test('is FIN behind a shutdown, though a second one says that there is no connection', () =>
    onPair({ shutdown: shutsOnce }, async (near, far) => {
      await near.shutdown();
      assert.equal(await far.recv(new Uint8Array(4)), 0);
      assert.deepEqual(await near.close(), { sent: 'FIN', unreadBytes: 0 });
    }));

  test('is none where the peer has reset what was shut down', () =>
    onPair({ shutdown: shutsOnce }, async (near, far) => {
      await near.shutdown();
      await resetHeard(near, far);
      assert.deepEqual(await near.close(), { sent: 'none', unreadBytes: 0 });
    }));

  test('is none after a reset of which shutdown does not know (Wine)', () =>
    onPair({ shutdown: () => () => 0 }, async (near, far) => {
      await resetHeard(near, far);
      assert.deepEqual(await near.close(), { sent: 'none', unreadBytes: 0 });
    }));
});

describe('a reset of which the stack tells once, and then that there is no connection (lwIP)', onLinux, () => {
  /** The calls of one descriptor share what was told. */
  function tellsOnce(): Readonly<Record<'recv' | 'send', Change>> {
    const told = new Set<unknown>();
    const change: Change =
      (call, notConnected) =>
      (...values) => {
        if (told.has(values[0])) return notConnected();
        const result = call(...values);
        if (Number(result) < 0 && lastErrno() === ECONNRESET) told.add(values[0]);
        return result;
      };
    return { recv: change, send: change };
  }

  test('is a reset for the send after the receive that was told', () =>
    onPair(tellsOnce(), async (near, far) => {
      await resetHeard(near, far);
      assert.equal(await codeOf(near.send(Buffer.from('x'))), 'ECONNRESET');
    }));

  test('is a reset for the receive after the send that was told', () =>
    onPair(tellsOnce(), async (near, far) => {
      await far.abort();
      assert.equal(await codeOf(near.send(Buffer.from('x'))), 'ECONNRESET');
      assert.equal(await codeOf(near.recv(new Uint8Array(4))), 'ECONNRESET');
      assert.equal(await codeOf(near.recv(new Uint8Array(4))), 'ECONNRESET');
    }));
});
