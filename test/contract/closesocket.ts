import assert from 'node:assert/strict';
import { describe, test } from '../support/contract-test.js';
import { failure, isEndedByClose, timesOut } from '../support/failures.js';
import { streamBytes } from '../support/random.js';
import { type DriverUnderTest, type OnStage, useStage } from '../support/stage.js';
import { soon, turns } from '../support/waiting.js';

/** The Close table's rows for `closesocket`: Winsock's primitive, the original defect, and its repair. */
export function describeClosesocket(driver: DriverUnderTest): void {
  describe('closesocket', () => {
    const stage = useStage(driver);
    describePrimitive(stage);
    describeLeavePending(stage);
    describeRepair(stage);
  });
}

const FIN = { sent: 'FIN', unreadBytes: 0 };
const RST = { sent: 'RST', unreadBytes: 0 };

function describePrimitive(stage: OnStage): void {
  test('closesocket() with nothing pending is the platform close: a FIN', async () => {
    const { socket, peer } = await stage().connected();
    assert.deepEqual(await soon(socket.closesocket(), 'the close'), FIN);
    assert.equal(await peer.confirmedEnding(), 'FIN');
  });

  test('closesocket() after a recv() that ended well is a FIN', async () => {
    const { socket, peer } = await stage().connected();
    const receiving = socket.recv(new Uint8Array(8));
    await peer.send('read');
    await soon(receiving, 'a recv');
    assert.deepEqual(await soon(socket.closesocket(), 'the close'), FIN);
    assert.equal(await peer.confirmedEnding(), 'FIN');
  });

  // Winsock: WSA_OPERATION_ABORTED is documented, the RST is not (docs/closesocket.md).
  test('closesocket() with a recv pending ends it with ECANCELED, and the peer sees a RST', async () => {
    const { socket, peer } = await stage().connected();
    const receiving = isEndedByClose(socket.recv(new Uint8Array(8)), 'recv');
    await turns();
    assert.deepEqual(await soon(socket.closesocket(), 'the close'), RST);
    await receiving;
    assert.equal(await peer.confirmedEnding(), 'RST');
  });

  test('closesocket() with a send pending ends it with ECANCELED, and the peer sees a RST', async () => {
    const { socket, peer } = await stage().connected({}, true);
    const sending = isEndedByClose(socket.send(new Uint8Array(32 << 20)), 'send');
    await turns();
    assert.equal((await soon(socket.closesocket(), 'the close')).sent, 'RST');
    await sending;
    peer.resume();
    assert.equal(await peer.confirmedEnding(), 'RST');
  });

  test('closesocket() with a readable() pending resets too: it is a zero-byte receive', async () => {
    const { socket, peer } = await stage().connected();
    const waiting = isEndedByClose(socket.readable());
    await turns();
    assert.deepEqual(await soon(socket.closesocket(), 'the close'), RST);
    await waiting;
    assert.equal(await peer.confirmedEnding(), 'RST');
  });

  test('closesocket() after the pending recv was cancelled by its signal is a FIN', async () => {
    const { socket, peer } = await stage().connected();
    const controller = new AbortController();
    const receiving = failure(socket.recv(new Uint8Array(8), { signal: controller.signal }));
    await turns();
    controller.abort();
    await receiving;
    assert.deepEqual(await soon(socket.closesocket(), 'the close'), FIN);
    assert.equal(await peer.confirmedEnding(), 'FIN');
  });
}

function describeLeavePending(stage: OnStage): void {
  const leavePending = { onTimeout: 'leavePending' } as const;

  test('leavePending: the promise fails with ETIMEDOUT and the IO stays pending', async () => {
    const { socket } = await stage().connected(leavePending);
    await timesOut(socket.recv(new Uint8Array(8), { timeoutMs: 10 }), 'recv');
    assert.equal(socket.pendingOperations, 1);
  });

  test('leavePending: bytes that come later go to the next recv, and not to the abandoned one', async () => {
    const { socket, peer } = await stage().connected(leavePending);
    const abandoned = new Uint8Array(8);
    await timesOut(socket.recv(abandoned, { timeoutMs: 10 }), 'recv');
    await peer.send('later');
    const buffer = new Uint8Array(8);
    assert.equal(await soon(socket.recv(buffer), 'the next recv'), 5);
    assert.equal(Buffer.from(buffer).toString('latin1', 0, 5), 'later');
    assert.ok(abandoned.every((byte) => byte === 0));
    assert.equal(socket.pendingOperations, 0);
  });

  test('leavePending: an end that comes later is for the next recv too', async () => {
    const { socket, peer } = await stage().connected(leavePending);
    await timesOut(socket.recv(new Uint8Array(8), { timeoutMs: 5 }), 'recv');
    const next = socket.recv(new Uint8Array(8));
    peer.end();
    assert.equal(await soon(next, 'the next recv'), 0);
  });

  test('leavePending: several receives time out one after the other, and none keeps the bytes', async () => {
    const { socket, peer } = await stage().connected(leavePending);
    for (let i = 0; i < 3; i++) await timesOut(socket.recv(new Uint8Array(8), { timeoutMs: 5 }), 'recv');
    const next = socket.recv(new Uint8Array(8), { timeoutMs: 5000 });
    await peer.send('all');
    assert.equal(await soon(next, 'the next recv'), 3);
  });

  // The report: the client timed out, closed with the IO still pending, and the server's last send failed.
  test('the original defect: a recv left pending, then closesocket(): a RST, and the last send fails', async () => {
    const { socket, peer } = await stage().connected(leavePending);
    await timesOut(socket.recv(new Uint8Array(8), { timeoutMs: 10 }), 'recv');
    assert.deepEqual(await soon(socket.closesocket(), 'the close'), RST);
    assert.equal(await peer.confirmedEnding(), 'RST');
    const failed = (await failure(peer.send('last message'))) as NodeJS.ErrnoException;
    assert.ok(['ECONNRESET', 'EPIPE', 'ERR_STREAM_DESTROYED'].includes(failed.code ?? ''), failed.code);
  });

  test('leavePending, then close(): the pending IO is cancelled and reaped, and the peer sees a FIN', async () => {
    const { socket, peer } = await stage().connected(leavePending);
    await timesOut(socket.recv(new Uint8Array(8), { timeoutMs: 10 }), 'recv');
    assert.deepEqual(await soon(socket.close(), 'the close'), FIN);
    assert.equal(await peer.confirmedEnding(), 'FIN');
  });

  test('leavePending: an abandoned send goes on, and the peer gets all of it', async () => {
    const { socket, peer } = await stage().connected(leavePending, true);
    const bytes = streamBytes(9, 0, 16 << 20);
    await timesOut(socket.send(bytes, { timeoutMs: 10 }), 'send');
    assert.equal(socket.pendingOperations, 1);
    peer.resume();
    await soon(socket.send(Buffer.from('next')), 'the next send');
    assert.ok((await peer.read(bytes.length)).equals(bytes));
    assert.equal((await peer.read(4)).toString(), 'next');
  });
}

function describeRepair(stage: OnStage): void {
  // CPython's NetworkConnectionBehaviourTest.testOutsideTimeout, and libuv's tcp_close_after_read_timeout.
  test('the repair: a recv timed out and cancelled, then close(): a FIN, and the last send succeeds', async () => {
    const { socket, peer } = await stage().connected();
    await timesOut(socket.recv(new Uint8Array(8), { timeoutMs: 10 }), 'recv');
    assert.deepEqual(await soon(socket.close(), 'the close'), FIN);
    assert.equal(await peer.ending(), 'FIN');
    await peer.send('last message');
  });

  test('a recv timed out and cancelled, then closesocket(): nothing is pending, so it is a FIN', async () => {
    const { socket, peer } = await stage().connected();
    await timesOut(socket.recv(new Uint8Array(8), { timeoutMs: 10 }), 'recv');
    assert.equal(socket.pendingOperations, 0);
    assert.deepEqual(await soon(socket.closesocket(), 'the close'), FIN);
    assert.equal(await peer.confirmedEnding(), 'FIN');
  });
}
