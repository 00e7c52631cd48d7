import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openProactor, TcpListener, TcpSocket } from '../../src/index.js';
import {
  javascriptLibrary,
  LINUX,
  openKoffiLibrary,
  openStack,
  type StackLibrary,
  type StackProfile,
} from '../../src/stack.js';
import { Script, scriptedProfile } from '../support/scripted-stack.js';

describe('openStack()', () => {
  test('a library that cannot be loaded is named', () => {
    const profile = { ...LINUX, library: '/nowhere/libsockets.so' };
    const expected = {
      code: 'ERR_DLOPEN_FAILED',
      message: /Cannot load the socket stack \/nowhere\/libsockets\.so: ./,
    };
    assert.throws(() => openStack(profile), expected);
    assert.throws(() => openKoffiLibrary('/nowhere/libsockets.so'), expected);
    assert.throws(() => openKoffiLibrary(5 as never), TypeError);
  });

  test('a symbol that the library lacks is named, and the call that it was for', () => {
    const wrong: readonly (readonly [Partial<StackProfile>, RegExp])[] = [
      [
        { symbols: { ...LINUX.symbols, recv: 'receive_bytes' } },
        /the running program has no symbol receive_bytes for recv/,
      ],
      [{ errorReport: { by: 'call', symbol: 'no_errors' } }, /no symbol no_errors for errorReport/],
      [{ errorReport: { by: 'location', symbol: 'no_place' } }, /no symbol no_place for errorReport/],
      [{ setUp: [{ symbol: 'no_init', arguments: [] }] }, /no symbol no_init for setUp/],
      [{ tearDown: [{ symbol: 'no_exit', arguments: [] }] }, /no symbol no_exit for tearDown/],
    ];
    for (const [change, message] of wrong) {
      assert.throws(() => openStack({ ...LINUX, ...change }), { code: 'ERR_SYMBOL_MISSING', message });
    }
    const library = javascriptLibrary('a library', { socket: () => 3 });
    assert.throws(() => openStack(LINUX, library), {
      code: 'ERR_SYMBOL_MISSING',
      message: /a library has no symbol bind/,
    });
  });

  test('what is no profile, no library or no stack is refused', () => {
    assert.throws(() => openStack({ ...LINUX, quirks: { odd: true } } as never), { code: 'ERR_STACK_PROFILE' });
    assert.throws(() => openStack(null as never), { code: 'ERR_STACK_PROFILE' });
    assert.throws(() => openStack(LINUX, {} as never), { code: 'ERR_INVALID_ARG_TYPE', message: /library must be/ });
    assert.throws(() => openProactor({ stack: {} as never }), { code: 'ERR_INVALID_ARG_TYPE', message: /openStack/ });
    const stack = openStack(LINUX);
    assert.throws(() => openProactor({ stack, driver: 'io_uring' }), { code: 'ERR_INVALID_ARG_VALUE' });
    stack.close();
  });

  test('makes the calls of the set-up, with their arguments, and of the tear-down, once', () => {
    const script = new Script({ init: () => 0, exit: () => 0 });
    const stack = openStack(
      scriptedProfile({
        byteOrder: 'big',
        setUp: [
          {
            symbol: 'init',
            arguments: [{ int32: 7 }, { memory: { bytes: 8, words: [[4, 0x20000]] } }, { memory: null }],
          },
        ],
        tearDown: [{ symbol: 'exit', arguments: [], result: 'void' }],
      }),
      script.library(),
    );
    assert.deepEqual(script.calls, [['init', 7, [0, 0, 0, 0, 0, 2, 0, 0], null]]);
    stack.close();
    stack.close();
    assert.deepEqual(script.of('exit'), [[]]);
  });

  test('says which call of the set-up failed, and with what', () => {
    const script: Script = new Script({ init: () => script.fails(105), start: () => 10 });
    const failing = (symbol: string, success?: 'zero') => () =>
      openStack(
        scriptedProfile({ setUp: [{ symbol, arguments: [], ...(success ? { success } : {}) }] }),
        script.library(),
      );
    assert.throws(failing('init'), { code: 'ENOBUFS', syscall: 'init', nativeCode: 105, message: /init fails/ });
    assert.doesNotThrow(failing('start'));
    assert.throws(failing('start', 'zero'), { syscall: 'start', nativeCode: 10 });
  });

  test('sets nothing up where the profile cannot be waited with', () => {
    const script = new Script({ init: () => 0 });
    const { poll: _, select: __, ...symbols } = scriptedProfile().symbols;
    const withoutWaits = {
      ...scriptedProfile({ setUp: [{ symbol: 'init', arguments: [] }] }),
      symbols: { ...symbols, kqueue: 'socket', kevent: 'socket' },
      waits: ['kqueue'],
    } as const;
    assert.throws(() => openStack(withoutWaits, script.library()));
    assert.equal(script.of('init').length, 0);
  });

  test('sets a stack without a way back up once, and never takes it down', () => {
    const script = new Script({ init: () => 0, exit: () => 0 });
    const profile = scriptedProfile({
      name: 'for-good',
      setUp: [{ symbol: 'init', arguments: [] }],
      tearDown: [{ symbol: 'exit', arguments: [] }],
      quirks: { noTearDown: true },
    });
    openStack(profile, script.library()).close();
    openStack(profile, script.library()).close();
    assert.equal(script.of('init').length, 1);
    assert.equal(script.of('exit').length, 0);
  });

  test('a stack that does not reset is not said to have', { skip: process.platform !== 'linux' }, async () => {
    const host = openKoffiLibrary(null);
    // SO_LINGER does nothing, as in lwIP when everything is acknowledged.
    const lingerless: StackLibrary = {
      ...host,
      find: (symbol, type) => {
        const call = host.find(symbol, type);
        if (symbol !== 'setsockopt' || call === null) return call;
        return (...values) => (values[2] === LINUX.constants.SO_LINGER ? 0 : call(...values));
      },
    };
    for (const [quirks, sent] of [
      [{ lingerZeroNoRst: true }, 'FIN'],
      [{}, 'RST'],
    ] as const) {
      const stack = openStack({ ...LINUX, waits: ['poll'], quirks }, lingerless);
      const proactor = openProactor({ stack });
      const listener = await TcpListener.listen({ host: '127.0.0.1', port: 0, proactor });
      const accepting = listener.accept();
      const socket = await TcpSocket.connect({ host: '127.0.0.1', port: listener.port, proactor });
      const peer = await accepting;
      assert.equal((await socket.abort()).sent, sent);
      assert.equal(await peer.recv(new Uint8Array(8)), 0);
      await Promise.all([peer.close(), listener.close()]);
      proactor.destroy();
      stack.close();
    }
  });

  test('a connect on a stack without the family fails as a connect', async () => {
    const script = new Script({});
    const constants = { ...LINUX.constants, AF_INET6: null };
    const stack = openStack(scriptedProfile({ constants }), script.library());
    const proactor = openProactor({ stack });
    await assert.rejects(TcpSocket.connect({ host: '::1', port: 9, proactor }), { code: 'EAFNOSUPPORT' });
    proactor.destroy();
    stack.close();
  });
});
