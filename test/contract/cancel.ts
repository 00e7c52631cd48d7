import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, test } from '../support/contract-test.js';
import { isAborted, isEndedByClose, timesOut } from '../support/failures.js';
import { streamBytes } from '../support/random.js';
import { type DriverUnderTest, type OnStage, useStage } from '../support/stage.js';
import { isPending, soon, turns } from '../support/waiting.js';

/** What an AbortSignal does: it asks for a cancel, as a timeout does, and the socket stays usable. */
export function describeSignals(driver: DriverUnderTest): void {
  describe('signals', () => {
    const stage = useStage(driver);
    describeReceives(stage);
    describeOthers(stage);
    describeShared(stage);
  });
}

function describeReceives(stage: OnStage): void {
  // .NET's ReceiveAsync_CanceledDuringOperation.
  test('an aborted recv() fails with ABORT_ERR and its cause, and the socket still works', async () => {
    const { socket, peer } = await stage().connected();
    const controller = new AbortController();
    const reason = new Error('enough');
    const receiving = socket.recv(new Uint8Array(8), { signal: controller.signal });
    assert.ok(await isPending(receiving));
    controller.abort(reason);
    await isAborted(receiving, reason);
    await peer.send('more');
    assert.equal(await soon(socket.recv(new Uint8Array(8)), 'the next recv'), 4);
    assert.equal(await soon(socket.send(Buffer.from('ok')), 'a send'), 2);
  });

  test('an abort in the very callback that started the recv() is heard', async () => {
    const { socket, peer } = await stage().connected();
    const controller = new AbortController();
    const receiving = socket.recv(new Uint8Array(8), { signal: controller.signal });
    controller.abort();
    await isAborted(receiving);
    await peer.send('more');
    assert.equal(await soon(socket.recv(new Uint8Array(8)), 'the next recv'), 4);
  });

  test('an aborted recv() loses no byte: the next one gets what came late', async () => {
    const { socket, peer } = await stage().connected();
    const lost = new Uint8Array(8);
    const controller = new AbortController();
    const receiving = socket.recv(lost, { signal: controller.signal });
    await turns();
    controller.abort();
    await isAborted(receiving);
    await peer.send('late');
    const buffer = new Uint8Array(8);
    assert.equal(await soon(socket.recv(buffer), 'the next recv'), 4);
    assert.equal(Buffer.from(buffer).toString('latin1', 0, 4), 'late');
    assert.ok(lost.every((byte) => byte === 0));
  });

  // Go: an expired deadline wins over ready data. .NET: Precanceled_Throws.
  test('a signal that is aborted already wins over bytes that are there, and takes none of them', async () => {
    const { socket, peer } = await stage().connected();
    await peer.send('ready');
    await soon(socket.readable(), 'the bytes');
    const reason = new Error('before it began');
    await isAborted(socket.recv(new Uint8Array(8), { signal: AbortSignal.abort(reason) }), reason);
    await isAborted(socket.recvLent({ signal: AbortSignal.abort(reason) }), reason);
    await isAborted(socket.readable({ signal: AbortSignal.abort(reason) }), reason);
    assert.equal(await soon(socket.recv(new Uint8Array(8)), 'the next recv'), 5);
  });

  test('AbortSignal.timeout() aborts, with its own TimeoutError as the cause', async () => {
    const { socket } = await stage().connected();
    const error = await isAborted(socket.recv(new Uint8Array(8), { signal: AbortSignal.timeout(5) }));
    assert.equal((error.cause as Error).name, 'TimeoutError');
  });

  // .NET's CanceledOneOfMultipleReceives.
  test('aborting one of several receives ends that one alone, and the others keep their order', async () => {
    const { socket, peer } = await stage().connected();
    const controllers = Array.from({ length: 4 }, () => new AbortController());
    const receiving = controllers.map(async ({ signal }) => {
      const buffer = new Uint8Array(1);
      await socket.recv(buffer, { signal });
      return String.fromCharCode(buffer[0] ?? 0);
    });
    const third = isAborted(receiving[2] as Promise<string>);
    const first = isAborted(receiving[0] as Promise<string>);
    controllers[2]?.abort();
    await third;
    controllers[0]?.abort();
    await first;
    await peer.send('ab');
    assert.deepEqual(await soon(Promise.all([receiving[1], receiving[3]]), 'the others'), ['a', 'b']);
  });

  // libxev: "cancelling a completed operation".
  test('an abort after the operation has ended does nothing', async () => {
    const { socket, peer } = await stage().connected();
    const controller = new AbortController();
    const first = socket.recv(new Uint8Array(1), { signal: controller.signal });
    await peer.send('a');
    assert.equal(await soon(first, 'the first recv'), 1);
    const second = socket.recv(new Uint8Array(1));
    controller.abort();
    assert.ok(await isPending(second), "the abort reached the next operation, which has the first one's slot");
    await peer.send('b');
    assert.equal(await soon(second, 'the second recv'), 1);
  });

  test('whichever comes first, signal or timeout, is the reason, and the operation settles once', async () => {
    const { socket } = await stage().connected();
    const controller = new AbortController();
    const byTimeout = timesOut(socket.recv(new Uint8Array(1), { timeoutMs: 5, signal: controller.signal }));
    await byTimeout;
    controller.abort();
    const second = new AbortController();
    const bySignal = socket.recv(new Uint8Array(1), { timeoutMs: 5, signal: second.signal });
    second.abort();
    await isAborted(bySignal);
    await turns();
    assert.equal(stage().proactor.armedDeadlines, 0);
  });
}

function describeOthers(stage: OnStage): void {
  test('an aborted send() says how many bytes went, and the stream goes on after them', async () => {
    const { socket, peer } = await stage().connected({}, true);
    const bytes = streamBytes(6, 0, 32 << 20);
    const controller = new AbortController();
    const sending = socket.send(bytes, { signal: controller.signal });
    assert.ok(await isPending(sending));
    controller.abort();
    const sent = (await isAborted(sending)).bytesTransferred;
    assert.ok(sent < bytes.length);
    peer.resume();
    const further = await socket.send(Buffer.from('|next'), { timeoutMs: 5000 }).catch((failed: Error) => failed);
    if (stage().name === 'iocp' && further instanceof Error) return;
    assert.equal(further, 5);
    assert.ok((await peer.read(sent)).equals(bytes.subarray(0, sent)));
    assert.equal((await peer.read(5)).toString(), '|next');
  });

  test('a send() whose signal is aborted already sends nothing', async () => {
    const { socket, peer } = await stage().connected();
    await isAborted(socket.send(Buffer.from('no'), { signal: AbortSignal.abort() }));
    await socket.send(Buffer.from('yes'));
    assert.equal((await peer.read(3)).toString(), 'yes');
  });

  test('a queued send() that is aborted sends nothing, and the others go out in order', async () => {
    const { socket, peer } = await stage().connected({}, true);
    const first = socket.send(new Uint8Array(16 << 20));
    const controller = new AbortController();
    const second = isAborted(socket.send(Buffer.from('never'), { signal: controller.signal }));
    const third = socket.send(Buffer.from('third'));
    controller.abort();
    assert.equal((await second).bytesTransferred, 0);
    peer.resume();
    await soon(Promise.all([first, third]), 'the other sends');
    await peer.read(16 << 20);
    assert.equal((await peer.read(5)).toString(), 'third');
  });

  test('an aborted accept() takes no connection with it', async () => {
    const listener = await stage().listen();
    const controller = new AbortController();
    const accepting = listener.accept({ signal: controller.signal });
    await turns();
    controller.abort();
    await isAborted(accepting);
    await isAborted(listener.accept({ signal: AbortSignal.abort() }));
    await stage().peerTo({ port: listener.port });
    stage().track(await soon(listener.accept(), 'the next accept'));
  });
}

function describeShared(stage: OnStage): void {
  test('one signal ends all the operations it was given to, without a warning of too many listeners', async () => {
    const warnings: string[] = [];
    const onWarning = (warning: Error) => warnings.push(warning.message);
    process.on('warning', onWarning);
    const controller = new AbortController();
    const { signal } = controller;
    const sockets = await Promise.all(Array.from({ length: 20 }, async () => (await stage().connected()).socket));
    const pending = sockets.flatMap((socket) =>
      Array.from({ length: 3 }, () => isAborted(socket.recv(new Uint8Array(1), { signal }))),
    );
    controller.abort();
    await soon(Promise.all(pending), '60 aborts');
    await turns();
    process.off('warning', onWarning);
    assert.deepEqual(warnings, []);
  });

  test('an operation that has ended leaves no listener on its signal', async () => {
    const { signal } = new AbortController();
    const { socket, peer } = await stage().connected();
    const receiving = socket.recv(new Uint8Array(1), { signal });
    const queued = timesOut(socket.recv(new Uint8Array(1), { signal, timeoutMs: 1 }));
    await queued;
    await peer.send('a');
    await soon(receiving, 'a recv');
    await socket.send(Buffer.from('b'), { signal });
    await timesOut(socket.recv(new Uint8Array(1), { signal, timeoutMs: 1 }));
    const ended = isEndedByClose(socket.recv(new Uint8Array(1), { signal }));
    await socket.close();
    await ended;
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });
}
