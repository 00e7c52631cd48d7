import assert from 'node:assert/strict';
import { describe, test } from '../support/contract-test.js';
import { failsWith, failure } from '../support/failures.js';
import { streamBytes } from '../support/random.js';
import { type DriverUnderTest, type OnStage, useStage } from '../support/stage.js';
import { isPending, soon, turns } from '../support/waiting.js';

/** Ending one direction, and what becomes of a connection that is half open. */
export function describeShutdown(driver: DriverUnderTest): void {
  describe('shutdown', () => {
    const stage = useStage(driver);
    describeHalves(stage);
  });
}

function describeHalves(stage: OnStage): void {
  // .NET's TcpPeerReceivesFinOnShutdownWithPendingData.
  test('shutdown() waits for pending sends: the peer gets every byte and then the FIN', async () => {
    const { socket, peer } = await stage().connected({}, true);
    const sending = socket.send(streamBytes(10, 0, 8 << 20));
    const shutting = socket.shutdown('send');
    assert.ok(await isPending(shutting));
    peer.resume();
    await soon(Promise.all([sending, shutting]), 'the shutdown');
    assert.equal((await peer.readAll()).length, 8 << 20);
    await peer.send('answer');
    assert.equal(await soon(socket.recv(new Uint8Array(16)), 'a recv'), 6);
  });

  test('a send() after shutdown() fails with EPIPE, and the peer is not reset', async () => {
    const { socket, peer } = await stage().connected();
    await socket.shutdown('send');
    await failsWith(socket.send(Buffer.from('x')), 'EPIPE');
    assert.equal(await peer.ending(), 'FIN');
    await peer.send('fine');
    assert.equal(await soon(socket.recv(new Uint8Array(16)), 'a recv'), 4);
  });

  // libuv's shutdown_twice and shutdown_close_tcp.
  test('a second shutdown() does no harm, and a close() after it is a FIN', async () => {
    const { socket, peer } = await stage().connected();
    await socket.shutdown('send');
    await socket.shutdown('send');
    assert.equal((await soon(socket.close(), 'the close')).sent, 'FIN');
    assert.equal(await peer.ending(), 'FIN');
  });

  test("shutdown('recv') ends a pending recv() with 0", async () => {
    const { socket } = await stage().connected();
    const receiving = socket.recv(new Uint8Array(8));
    await turns();
    await socket.shutdown('recv');
    assert.equal(await soon(receiving, 'a recv'), 0);
  });

  // libuv's tcp_write_to_half_open_connection.
  test('sends to a peer that is gone fail in the end with EPIPE or ECONNRESET, and never kill the process', async () => {
    const { socket, peer } = await stage().connected();
    await peer.close();
    const failed = await failure(
      (async () => {
        for (let i = 0; i < 1000; i++) {
          await socket.send(Buffer.from('anybody?'));
          await turns(2);
        }
      })(),
    );
    assert.ok(['EPIPE', 'ECONNRESET', 'ECONNABORTED'].includes((failed as NodeJS.ErrnoException).code ?? ''));
  });
}
