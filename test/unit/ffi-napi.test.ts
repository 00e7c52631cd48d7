import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openProactor, TcpListener, TcpSocket, UdpSocket } from '../../src/index.js';
import { LINUX, openFfiNapiLibrary, openStack } from '../../src/stack.js';
import { loadFfiNapi } from '../support/ffi-napi.js';
import { streamBytes } from '../support/random.js';

const BYTES = 100_000;

describe('a stack through ffi-napi', () => {
  const open = (errorReport = LINUX.errorReport) =>
    openStack({ ...LINUX, waits: ['poll'], errorReport }, openFfiNapiLibrary(loadFfiNapi(), null));

  test('echoes TCP, and fails as it should', async () => {
    const stack = open();
    const proactor = openProactor({ stack });
    const listener = await TcpListener.listen({ host: '127.0.0.1', port: 0, proactor });
    const { port } = listener;
    const accepting = listener.accept();
    const client = await TcpSocket.connect({ host: '127.0.0.1', port, proactor });
    const server = await accepting;
    const echo = async () => {
      const buffer = new Uint8Array(16_384);
      for (let n = await server.recv(buffer); n > 0; n = await server.recv(buffer))
        await server.send(buffer.subarray(0, n));
      await server.close();
    };
    const echoing = echo();
    const sent = streamBytes(7, 0, BYTES);
    const sending = client.send(sent).then(() => client.shutdown());
    const received = Buffer.alloc(BYTES);
    let at = 0;
    while (at < BYTES) at += await client.recv(received.subarray(at));
    assert.ok(received.equals(sent));
    await Promise.all([sending, echoing]);
    assert.equal(await client.recv(new Uint8Array(8)), 0);
    await Promise.all([client.close(), listener.close()]);
    const dead = TcpSocket.connect({ host: '127.0.0.1', port, proactor });
    await assert.rejects(dead, { code: 'ECONNREFUSED' });
    proactor.destroy();
    stack.close();
  });

  test('carries a datagram', async () => {
    const stack = open();
    const proactor = openProactor({ stack });
    const one = await UdpSocket.bind({ host: '127.0.0.1', port: 0, proactor });
    const other = await UdpSocket.bind({ host: '127.0.0.1', port: 0, proactor });
    await one.sendTo(Buffer.from('hello'), { host: '127.0.0.1', port: other.port });
    const { data, address } = await other.recvFrom({ timeoutMs: 10_000 });
    assert.deepEqual([Buffer.from(data).toString(), address.port], ['hello', one.port]);
    await Promise.all([one.close(), other.close()]);
    proactor.destroy();
    stack.close();
  });

  test('reads an errno by its address', { skip: process.platform !== 'linux' }, () => {
    const stack = open({ by: 'location', symbol: '__errno_location' });
    const result = stack.stack.recv(-1, new Uint8Array(8), 8);
    assert.equal(stack.stack.errors.name(-result), 'EBADF');
    stack.close();
  });

  test('says what cannot be loaded and what is missing', () => {
    const ffi = loadFfiNapi();
    const expected = { code: 'ERR_DLOPEN_FAILED', message: /\/nowhere\/libsockets\.so/ };
    assert.throws(() => openFfiNapiLibrary(ffi, '/nowhere/libsockets.so'), expected);
    assert.throws(() => openFfiNapiLibrary({} as never, null), { code: 'ERR_INVALID_ARG_TYPE', message: /ffi-napi/ });
    const symbols = { ...LINUX.symbols, recv: 'receive_bytes' };
    const library = openFfiNapiLibrary(ffi, null);
    assert.throws(() => openStack({ ...LINUX, symbols }, library), {
      code: 'ERR_SYMBOL_MISSING',
      message: /receive_bytes/,
    });
  });
});
