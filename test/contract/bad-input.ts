import assert from 'node:assert/strict';
import { TcpListener, TcpSocket } from '../../src/index.js';
import { describe, test } from '../support/contract-test.js';
import { failure, isEndedByClose } from '../support/failures.js';
import { type DriverUnderTest, type OnStage, useStage } from '../support/stage.js';
import { isPending, soon, turns } from '../support/waiting.js';

type AnyOptions = Record<string, unknown>;

const TYPE = 'ERR_INVALID_ARG_TYPE';
const VALUE = 'ERR_INVALID_ARG_VALUE';
const RANGE = 'ERR_OUT_OF_RANGE';

const NOT_NUMBERS = ['1', null, {}, [], true, 5n, Symbol('5'), () => 5];
const BAD_TIMEOUTS: [unknown, string][] = [
  ...NOT_NUMBERS.map((value): [unknown, string] => [value, TYPE]),
  [-1, RANGE],
  [-0.001, RANGE],
  [Number.NaN, RANGE],
  [Number.NEGATIVE_INFINITY, RANGE],
];
const BAD_SIGNALS: unknown[] = [null, {}, 'abort', 1, new EventTarget(), { aborted: false, addEventListener() {} }];
const BAD_PORTS: [unknown, string][] = [
  ...['80', null, {}, 80n, true].map((value): [unknown, string] => [value, TYPE]),
  ...[-1, 65536, 1.5, Number.NaN, Number.POSITIVE_INFINITY].map((value): [unknown, string] => [value, RANGE]),
];

/** The caller's mistakes: each a documented error with a `code`, found before anything reaches the kernel. */
export function describeBadInput(driver: DriverUnderTest): void {
  describe('bad input', () => {
    const stage = useStage(driver);
    describeOperationOptions(stage);
    describeBuffers(stage);
    describeDetached(stage);
    describeEndpoints(stage);
    describeSettings(stage);
    describeClosed(stage);
  });
}

/** Rejects with a TypeError or a RangeError of that code, whatever the value; nothing is started. */
async function isRefused(attempt: () => Promise<unknown>, code: string, what: string): Promise<void> {
  const error = await failure(attempt(), `${what} to be refused`);
  assert.equal((error as NodeJS.ErrnoException).code, code, `${what}: ${error.message}`);
  assert.ok(code === RANGE ? error instanceof RangeError : error instanceof TypeError, `${what}: ${error.name}`);
}

function assertNothingStarted(stage: OnStage, pendingRequests: number): void {
  assert.equal(stage().proactor.outstanding, 0);
  assert.equal(stage().proactor.armedDeadlines, 0);
  assert.equal(stage().proactor.driver.statistics().pendingRequests, pendingRequests);
}

function show(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function describeOperationOptions(stage: OnStage): void {
  // CPython's test_timeout checks the ranges and the types.
  test('a timeout that is no number, negative or NaN is refused by every operation', async () => {
    const { socket, listener } = await stage().accepted();
    await turns();
    const before = stage().proactor.driver.statistics().pendingRequests;
    for (const [timeoutMs, code] of BAD_TIMEOUTS) {
      const options = { timeoutMs } as AnyOptions;
      const what = `timeoutMs ${show(timeoutMs)}`;
      await isRefused(() => socket.recv(new Uint8Array(8), options), code, what);
      await isRefused(() => socket.recvLent(options), code, what);
      await isRefused(() => socket.readable(options), code, what);
      await isRefused(() => socket.send(new Uint8Array(8), options), code, what);
      await isRefused(async () => socket.receive(options).next(), code, what);
      await isRefused(() => listener.accept(options), code, what);
      await isRefused(() => socket.close(options), code, what);
      await isRefused(() => connect(stage, { port: 1, ...options }), code, what);
    }
    assert.equal(socket.phase, 'open');
    assertNothingStarted(stage, before);
  });

  test('a signal that is no AbortSignal is refused by every operation', async () => {
    const { socket, listener } = await stage().accepted();
    await turns();
    const before = stage().proactor.driver.statistics().pendingRequests;
    for (const signal of BAD_SIGNALS) {
      const options = { signal } as AnyOptions;
      await isRefused(() => socket.recv(new Uint8Array(8), options), TYPE, 'recv');
      await isRefused(() => socket.recvLent(options), TYPE, 'recvLent');
      await isRefused(() => socket.readable(options), TYPE, 'readable');
      await isRefused(() => socket.send(new Uint8Array(8), options), TYPE, 'send');
      await isRefused(async () => socket.receive(options).next(), TYPE, 'receive');
      await isRefused(() => listener.accept(options), TYPE, 'accept');
      await isRefused(() => connect(stage, { port: 1, ...options }), TYPE, 'connect');
    }
    assertNothingStarted(stage, before);
  });

  test('options that are no object are refused with a code', async () => {
    const { socket, listener } = await stage().accepted();
    for (const options of [null, 5, 'fast']) {
      const bad = options as never;
      for (const attempt of [
        () => socket.recv(new Uint8Array(8), bad),
        () => socket.recvLent(bad),
        () => socket.readable(bad),
        () => socket.send(new Uint8Array(8), bad),
        async () => socket.receive(bad).next(),
        () => listener.accept(bad),
        () => socket.close(bad),
        () => TcpSocket.connect(bad),
        () => TcpListener.listen(bad),
      ])
        await isRefused(attempt, TYPE, show(options));
    }
    assert.equal(socket.phase, 'open');
  });
}

function describeBuffers(stage: OnStage): void {
  test('what is no Uint8Array is no buffer', async () => {
    const { socket } = await stage().connected();
    const notBuffers = ['text', 8, null, undefined, {}, new ArrayBuffer(8), new DataView(new ArrayBuffer(8))];
    for (const buffer of [...notBuffers, new Uint16Array(4), new Int8Array(4), [1, 2], true]) {
      await isRefused(() => socket.recv(buffer as never), TYPE, `recv into ${show(buffer)}`);
      if (!Array.isArray(buffer)) await isRefused(() => socket.send(buffer as never), TYPE, `send of ${show(buffer)}`);
      await isRefused(() => socket.send([new Uint8Array(1), buffer] as never), TYPE, `send of [… ${show(buffer)}]`);
    }
    await isRefused(() => socket.recv([] as never), TYPE, 'recv into []');
    assert.equal(stage().proactor.outstanding, 0);
  });

  test('recv() into no room is refused: its result could not be told from the end', async () => {
    const { socket, peer } = await stage().connected();
    await isRefused(() => socket.recv(new Uint8Array(0)), RANGE, 'an empty buffer');
    await peer.send('x');
    assert.equal(await soon(socket.recv(new Uint8Array(1)), 'a recv'), 1);
  });

  test('send() of more than 1,024 buffers is refused, and nothing of it is sent', async () => {
    const { socket, peer } = await stage().connected();
    const parts = Array.from({ length: 1025 }, () => new Uint8Array(1));
    await isRefused(() => socket.send(parts), RANGE, '1,025 buffers');
    assert.equal(stage().proactor.outstanding, 0);
    await socket.close();
    await peer.ending();
    assert.equal(peer.receivedBytes, 0);
  });

  // The same view a thousand times over is more than 2 GB, and takes no memory.
  test('send() of more than 2^31 - 1 bytes is refused, and nothing of it is sent', async () => {
    const { socket, peer } = await stage().connected();
    const parts = new Array<Uint8Array>(1024).fill(new Uint8Array(2 << 20));
    await isRefused(() => socket.send(parts), RANGE, '2 GB');
    assert.equal(stage().proactor.outstanding, 0);
    await socket.close();
    await peer.ending();
    assert.equal(peer.receivedBytes, 0);
  });
}

/** Takes the memory away from under a view. */
function detach(view: Uint8Array): void {
  structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] });
  assert.equal(view.length, 0);
}

function describeDetached(stage: OnStage): void {
  test('recv() into a detached buffer is refused', async () => {
    const { socket } = await stage().connected();
    const buffer = new Uint8Array(8);
    detach(buffer);
    await isRefused(() => socket.recv(buffer), RANGE, 'a detached buffer');
  });

  test('a buffer that is detached while recv() waits costs that recv() alone, and no byte', async () => {
    const { socket, peer } = await stage().connected();
    const buffer = new Uint8Array(8);
    const receiving = socket.recv(buffer);
    assert.ok(await isPending(receiving));
    detach(buffer);
    await peer.send('whole');
    const error = (await failure(receiving)) as NodeJS.ErrnoException;
    assert.equal(error.code, 'EFAULT');
    const next = new Uint8Array(8);
    assert.equal(await soon(socket.recv(next), 'the next recv'), 5);
    assert.equal(Buffer.from(next).toString('latin1', 0, 5), 'whole');
  });

  test('send() of a detached buffer sends nothing', async () => {
    const { socket, peer } = await stage().connected();
    const buffer = new Uint8Array(8);
    detach(buffer);
    assert.equal(await socket.send(buffer), 0);
    await socket.close();
    await peer.ending();
    assert.equal(peer.receivedBytes, 0);
  });

  test('a buffer that is detached while its send() waits ends it with an error, and the socket lives', async () => {
    const { socket, peer } = await stage().connected({}, true);
    const buffer = new Uint8Array(16 << 20).fill(7);
    const sending = socket.send(buffer);
    assert.ok(await isPending(sending));
    detach(buffer);
    peer.resume();
    const outcome = await soon(
      sending.catch((error: NodeJS.ErrnoException) => error),
      'the send to end',
    );
    // Where all of it had been handed over already, it has been sent.
    if (outcome instanceof Error) {
      assert.equal(outcome.code, 'EFAULT');
      await peer.read((outcome as unknown as { bytesTransferred: number }).bytesTransferred);
    } else await peer.read(outcome);
    await socket.send(Buffer.from('alive'));
    assert.equal((await peer.read(5)).toString(), 'alive');
  });
}

const connect = (stage: OnStage, options: AnyOptions) =>
  TcpSocket.connect({ host: '127.0.0.1', proactor: stage().proactor, ...options });
const listen = (stage: OnStage, options: AnyOptions) =>
  TcpListener.listen({ host: '127.0.0.1', proactor: stage().proactor, ...options });

function describeEndpoints(stage: OnStage): void {
  const nothingOpen = () => {
    assert.equal(stage().proactor.driver.statistics().openSockets, 0);
    assertNothingStarted(stage, 0);
  };

  test('ports out of range and of the wrong type are refused', async () => {
    for (const [port, code] of BAD_PORTS) {
      await isRefused(() => connect(stage, { port }), code, `connect to port ${show(port)}`);
      if (port === null) continue;
      await isRefused(() => connect(stage, { port: 1, localPort: port }), code, `from port ${show(port)}`);
      await isRefused(() => listen(stage, { port }), code, `listen on port ${show(port)}`);
    }
    await isRefused(() => connect(stage, {}), 'ERR_MISSING_ARGS', 'no port');
    nothingOpen();
  });

  test('malformed hosts are refused', async () => {
    for (const host of [5, {}, ['127.0.0.1']]) {
      await isRefused(() => connect(stage, { port: 1, host }), TYPE, `host ${show(host)}`);
      await isRefused(() => listen(stage, { host }), TYPE, `host ${show(host)}`);
    }
    for (const host of ['', '127.0.0.1\0.example.com']) {
      await isRefused(() => connect(stage, { port: 1, host }), VALUE, `host ${show(host)}`);
      await isRefused(() => listen(stage, { host }), VALUE, `host ${show(host)}`);
    }
    await isRefused(() => connect(stage, { port: 1, localAddress: 'localhost' }), VALUE, 'a name to connect from');
    await isRefused(() => connect(stage, { port: 1, host: 'fe80::1%no-such-interface' }), VALUE, 'an interface');
    nothingOpen();
  });

  test('hosts that only look like addresses reach the resolver, and not the kernel', async () => {
    for (const host of ['256.1.1.1', '::g', '[::1]', '1.2.3.4.5', '127.0.0.1 ', 'a'.repeat(300)]) {
      const error = (await failure(connect(stage, { port: 1, host, timeoutMs: 5000 }))) as NodeJS.ErrnoException;
      assert.ok(typeof error.code === 'string' && error.code !== '', `${host}: ${error.message}`);
    }
    nothingOpen();
  });

  test('paths that are no path are refused', async () => {
    for (const path of [5, null, {}])
      await isRefused(() => connect(stage, { host: undefined, path }), TYPE, `path ${show(path)}`);
    for (const path of ['', 'a'.repeat(108), '/tmp/\0/x']) {
      await isRefused(() => connect(stage, { host: undefined, path }), VALUE, `path ${show(path)}`);
      await isRefused(() => listen(stage, { host: undefined, path }), VALUE, `path ${show(path)}`);
    }
    nothingOpen();
  });

  test('a backlog out of range is refused', async () => {
    for (const backlog of [0, -1, 65536, 1.5, Number.NaN])
      await isRefused(() => listen(stage, { backlog }), RANGE, `backlog ${show(backlog)}`);
    await isRefused(() => listen(stage, { backlog: '5' }), TYPE, 'backlog "5"');
    nothingOpen();
  });
}

function describeSettings(stage: OnStage): void {
  test('default timeouts are checked when they are set', async () => {
    for (const [timeoutMs, code] of BAD_TIMEOUTS) {
      const what = show(timeoutMs);
      await isRefused(() => connect(stage, { port: 1, recvTimeoutMs: timeoutMs }), code, what);
      await isRefused(() => connect(stage, { port: 1, sendTimeoutMs: timeoutMs }), code, what);
      for (const name of ['acceptTimeoutMs', 'recvTimeoutMs', 'sendTimeoutMs'])
        await isRefused(() => listen(stage, { [name]: timeoutMs }), code, `${name} ${what}`);
    }
    assert.equal(stage().proactor.driver.statistics().openSockets, 0);
    const { socket } = await stage().connected();
    for (const [timeoutMs, code] of BAD_TIMEOUTS) {
      const settings = socket as unknown as AnyOptions;
      await isRefused(
        async () => {
          settings['recvTimeoutMs'] = timeoutMs;
        },
        code,
        show(timeoutMs),
      );
      await isRefused(
        async () => {
          settings['sendTimeoutMs'] = timeoutMs;
        },
        code,
        show(timeoutMs),
      );
    }
    assert.equal(socket.recvTimeoutMs, Number.POSITIVE_INFINITY);
    assert.equal(socket.sendTimeoutMs, Number.POSITIVE_INFINITY);
  });

  test('onTimeout is cancel or leavePending, and nothing else', async () => {
    for (const onTimeout of ['keep', '', 5, true]) {
      await isRefused(() => connect(stage, { port: 1, onTimeout }), VALUE, show(onTimeout));
      await isRefused(() => listen(stage, { onTimeout }), VALUE, show(onTimeout));
    }
    assert.equal(stage().proactor.driver.statistics().openSockets, 0);
  });

  test('shutdown() takes recv, send or both, and nothing else', async () => {
    const { socket, peer } = await stage().connected();
    for (const how of ['', 'write', 1, null, {}])
      await isRefused(() => socket.shutdown(how as never), VALUE, `shutdown ${show(how)}`);
    assert.equal(await soon(socket.send(Buffer.from('open')), 'a send'), 4);
    assert.equal((await peer.read(4)).toString(), 'open');
  });

  test('a proactor that is none, and a driver that is none, are refused', async () => {
    await isRefused(() => TcpSocket.connect({ port: 1, proactor: {} as never }), TYPE, 'a proactor');
    await isRefused(() => TcpListener.listen({ proactor: 'mine' as never }), TYPE, 'a proactor');
    await isRefused(() => TcpListener.listen({ driver: 'kqueue' as never }), VALUE, 'a driver');
  });
}

function describeClosed(stage: OnStage): void {
  const CLOSED = 'ERR_SOCKET_CLOSED';

  test('a closed socket refuses everything but another close', async () => {
    const { socket, listener } = await stage().accepted();
    await socket.close();
    await listener.close();
    const attempts = [
      () => socket.recv(new Uint8Array(8)),
      () => socket.recvLent(),
      () => socket.readable(),
      () => socket.send(new Uint8Array(8)),
      () => socket.shutdown(),
      async () => socket.receive().next(),
      async () => socket.setOption('noDelay', true),
      async () => socket.getOption('noDelay'),
      () => listener.accept(),
      async () => listener.address,
      async () => listener.port,
    ];
    for (const attempt of attempts) {
      const error = (await failure(attempt())) as NodeJS.ErrnoException;
      assert.equal(error.code, CLOSED, `${attempt}: ${error.message}`);
    }
    assert.equal((await socket.close()).sent, 'FIN');
    assert.equal(socket.pendingOperations, 0);
    socket.ref().unref();
  });

  test('use after close reaches no descriptor that somebody else has got meanwhile', async () => {
    const { socket } = await stage().connected();
    const number = socket.descriptor;
    const receiving = isEndedByClose(socket.recv(new Uint8Array(8)));
    await socket.abort();
    await receiving;
    const { socket: next, peer } = await stage().connected();
    await failure(socket.send(Buffer.from('stray')));
    await failure(socket.shutdown());
    assert.throws(() => socket.setOption('receiveBufferBytes', 1), { code: CLOSED });
    await socket.close();
    await next.send(Buffer.from('mine'));
    assert.equal((await peer.read(4)).toString(), 'mine', `descriptor ${number}, now ${next.descriptor}`);
  });
}
