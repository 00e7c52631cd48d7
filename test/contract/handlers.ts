import assert from 'node:assert/strict';
import type { LentBuffer, ReceiveHandlers, TcpSocket } from '../../src/index.js';
import { describe, test } from '../support/contract-test.js';
import { type DriverUnderTest, type OnStage, useStage } from '../support/stage.js';
import { soon, turns, until } from '../support/waiting.js';

/** `onReceive`: receiving without a promise for each connection. */
export function describeHandlers(driver: DriverUnderTest): void {
  describe('receive handlers', () => {
    const stage = useStage(driver);
    describeChunks(stage);
    describeEnds(stage);
    describeMistakes(stage);
  });
}

/** Handlers that write down what they were given; `handle` decides what `received` does. */
class Recorder implements ReceiveHandlers {
  readonly chunks: string[] = [];
  readonly ends: unknown[] = [];
  readonly #handle: (chunk: LentBuffer) => unknown;

  constructor(handle: (chunk: LentBuffer) => unknown = () => undefined) {
    this.#handle = handle;
  }

  get text(): string {
    return this.chunks.join('');
  }

  received(_socket: TcpSocket, chunk: LentBuffer): unknown {
    this.chunks.push(chunk.toString());
    return this.#handle(chunk);
  }

  ended(_socket: TcpSocket, error: unknown): void {
    this.ends.push(error);
  }

  async end(): Promise<unknown> {
    await until(() => this.ends.length > 0, 'the handlers to be told of the end');
    await turns();
    assert.equal(this.ends.length, 1, 'ended() is called once');
    return this.ends[0];
  }
}

function codeOf(error: unknown): string {
  assert.ok(error instanceof Error, `an error, not ${String(error)}`);
  return (error as NodeJS.ErrnoException).code ?? error.message;
}

function describeChunks(stage: OnStage): void {
  const lentBuffers = () => stage().proactor.driver.statistics().lentBuffers;

  test('onReceive() hands over all bytes in order, then the end, and keeps no memory', async () => {
    const { socket, peer } = await stage().connected();
    const recorder = new Recorder();
    socket.onReceive(recorder);
    for (let i = 0; i < 20; i++) await peer.send(`part ${i};`);
    peer.end();
    assert.equal(await recorder.end(), undefined);
    assert.equal(recorder.text, Array.from({ length: 20 }, (_, i) => `part ${i};`).join(''));
    assert.equal(lentBuffers(), 0);
  });

  test('received() is never called from inside onReceive(), even if the bytes are there', async () => {
    const { socket, peer } = await stage().connected();
    await peer.send('there already');
    await soon(socket.readable(), 'the bytes');
    const recorder = new Recorder();
    socket.onReceive(recorder);
    assert.deepEqual(recorder.chunks, []);
    await until(() => recorder.chunks.length > 0, 'the chunk');
    assert.equal(recorder.text, 'there already');
  });

  test('the next receive waits for the promise of received(), and the chunk is lent until then', async () => {
    const { socket, peer } = await stage().connected();
    const held: { chunk: LentBuffer; done: () => void }[] = [];
    const recorder = new Recorder((chunk) => new Promise<void>((done) => held.push({ chunk, done })));
    socket.onReceive(recorder);
    await peer.send('one');
    await until(() => held.length === 1, 'the first chunk');
    await peer.send('two');
    await turns();
    assert.equal(socket.pendingOperations, 0, 'no receive is pending while the handler works');
    assert.deepEqual(recorder.chunks, ['one']);
    assert.equal(held[0]?.chunk.toString(), 'one');
    held[0]?.done();
    await until(() => held.length === 2, 'the second chunk');
    assert.equal(held[0]?.chunk.released, true);
    assert.deepEqual(recorder.chunks, ['one', 'two']);
    held[1]?.done();
  });

  test('one object of handlers serves many connections, each with its own bytes', async () => {
    const echo: ReceiveHandlers = { received: (socket, chunk) => socket.send(chunk), ended: () => undefined };
    const all = await Promise.all(Array.from({ length: 10 }, () => stage().connected()));
    for (const { socket } of all) socket.onReceive(echo);
    await Promise.all(all.map(({ peer }, i) => peer.send(`echo ${i}`)));
    for (const [i, { peer }] of all.entries()) assert.equal((await peer.read(6)).toString(), `echo ${i}`);
  });
}

function describeEnds(stage: OnStage): void {
  test('a timeout ends the loop, not early; nothing is lost, and another onReceive() goes on', async () => {
    const { socket, peer } = await stage().connected();
    const first = new Recorder();
    const start = performance.now();
    socket.onReceive(first, { timeoutMs: 30 });
    assert.equal(codeOf(await first.end()), 'ETIMEDOUT');
    assert.ok(performance.now() - start >= 30, 'not early');
    await peer.send('late');
    const second = new Recorder();
    socket.onReceive(second);
    await until(() => second.text === 'late', 'the late bytes');
  });

  test('without a timeout of its own the loop has the socket’s', async () => {
    const { socket } = await stage().connected({ recvTimeoutMs: 20 });
    const recorder = new Recorder();
    socket.onReceive(recorder);
    assert.equal(codeOf(await recorder.end()), 'ETIMEDOUT');
  });

  test('under leavePending the IO stays after the timeout, and closesocket() resets', async () => {
    const { socket, peer } = await stage().connected({ onTimeout: 'leavePending' });
    const recorder = new Recorder();
    socket.onReceive(recorder, { timeoutMs: 20 });
    assert.equal(codeOf(await recorder.end()), 'ETIMEDOUT');
    assert.equal(socket.pendingOperations, 1);
    assert.equal((await soon(socket.closesocket(), 'the close')).sent, 'RST');
    assert.equal(await peer.confirmedEnding(), 'RST');
  });

  test('a reset and a close are told with their errors', async () => {
    const reset = await stage().connected();
    const first = new Recorder();
    reset.socket.onReceive(first);
    reset.peer.reset();
    assert.equal(codeOf(await first.end()), 'ECONNRESET');
    const closed = await stage().connected();
    const second = new Recorder();
    closed.socket.onReceive(second);
    await soon(closed.socket.close(), 'the close');
    assert.equal(codeOf(await second.end()), 'ECANCELED');
  });

  for (const [how, handle] of [
    ['throws', () => assert.fail('the handler’s own')],
    ['rejects', () => Promise.reject(new Error('the handler’s own'))],
  ] as const) {
    test(`a received() that ${how} ends its own loop, gives its chunk back, and harms no other`, async () => {
      const bad = await stage().connected();
      const good = await stage().connected();
      const failing = new Recorder(handle);
      const working = new Recorder();
      bad.socket.onReceive(failing);
      good.socket.onReceive(working);
      await Promise.all([bad.peer.send('x'), good.peer.send('y')]);
      assert.equal(codeOf(await failing.end()).replace('ERR_ASSERTION', 'the handler’s own'), 'the handler’s own');
      await until(() => working.text === 'y', 'the other connection');
      assert.equal(stage().proactor.driver.statistics().lentBuffers, 0);
    });
  }

  test('a handler that closes its socket is told that the loop is over', async () => {
    const { socket, peer } = await stage().connected();
    const recorder = new Recorder(() => socket.close());
    socket.onReceive(recorder);
    await peer.send('bye');
    assert.equal(codeOf(await recorder.end()), 'ERR_SOCKET_CLOSED');
  });
}

function describeMistakes(stage: OnStage): void {
  test('wrong handlers, options and a closed socket are refused at once', async () => {
    const { socket } = await stage().connected();
    const handlers = new Recorder();
    for (const wrong of [null, undefined, {}, { received: () => undefined }, { received: 1, ended: () => undefined }]) {
      assert.throws(() => socket.onReceive(wrong as never), { code: 'ERR_INVALID_ARG_TYPE' });
    }
    assert.throws(() => socket.onReceive(handlers, null as never), { code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(() => socket.onReceive(handlers, { timeoutMs: '5' as never }), { code: 'ERR_INVALID_ARG_TYPE' });
    for (const timeoutMs of [-1, Number.NaN]) {
      assert.throws(() => socket.onReceive(handlers, { timeoutMs }), { code: 'ERR_OUT_OF_RANGE' });
    }
    assert.equal(socket.pendingOperations, 0);
    await soon(socket.close(), 'the close');
    assert.throws(() => socket.onReceive(handlers), { code: 'ERR_SOCKET_CLOSED' });
    assert.deepEqual(handlers.ends, []);
  });
}
