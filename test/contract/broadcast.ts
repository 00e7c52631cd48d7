import assert from 'node:assert/strict';
import { broadcast, TimeoutError } from '../../src/index.js';
import { describe, test } from '../support/contract-test.js';
import { failureCode } from '../support/failures.js';
import { type DriverUnderTest, useStage } from '../support/stage.js';
import { soon } from '../support/waiting.js';

const MESSAGE = Buffer.from('the state of the world');
// More than the buffers of both ends hold, so that a peer that does not read stalls it.
const LARGE = new Uint8Array(16 * 1024 * 1024);

/** `broadcast`: the same bytes to many sockets, with one promise for all of them. */
export function describeBroadcast(driver: DriverUnderTest): void {
  describe('broadcast', () => {
    const stage = useStage(driver);

    test('broadcast() sends the bytes to every socket, and counts them', async () => {
      const all = await Promise.all(Array.from({ length: 50 }, () => stage().connected()));
      const sockets = all.map(({ socket }) => socket);
      const result = await soon(broadcast(new Set(sockets), MESSAGE), 'a broadcast');
      assert.deepEqual(result, { delivered: 50, failures: [] });
      for (const { peer } of all) assert.deepEqual(await peer.read(MESSAGE.length), MESSAGE);
    });

    test('a socket that is closed fails alone, and is named', async () => {
      const [gone, first, second] = await Promise.all([stage().connected(), stage().connected(), stage().connected()]);
      await soon(gone.socket.close(), 'the close');
      const sockets = [first.socket, gone.socket, second.socket];
      const { delivered, failures } = await soon(broadcast(sockets, MESSAGE), 'a broadcast');
      assert.equal(delivered, 2);
      assert.deepEqual(
        failures.map(({ socket }) => socket),
        [gone.socket],
      );
      const error = failures[0]?.error as NodeJS.ErrnoException | undefined;
      assert.equal(error?.code, 'ERR_SOCKET_CLOSED');
      for (const { peer } of [first, second]) assert.deepEqual(await peer.read(MESSAGE.length), MESSAGE);
    });

    test('a peer that does not read times out alone, and the error says how many bytes went', async () => {
      const stalled = await stage().connected({}, true);
      const reading = await stage().connected();
      const start = performance.now();
      const sending = broadcast([stalled.socket, reading.socket], LARGE, { timeoutMs: 3000 });
      assert.equal((await reading.peer.read(LARGE.length)).length, LARGE.length);
      const { delivered, failures } = await soon(sending, 'a broadcast');
      assert.ok(performance.now() - start >= 3000, 'not early');
      assert.equal(delivered, 1);
      assert.equal(failures.length, 1);
      assert.equal(failures[0]?.socket, stalled.socket);
      const error = failures[0]?.error;
      assert.ok(error instanceof TimeoutError);
      assert.ok(error.bytesTransferred > 0 && error.bytesTransferred < LARGE.length, `${error.bytesTransferred}`);
      await soon(stalled.socket.abort(), 'the abort');
    });

    test('a socket’s broadcasts and sends arrive in the order they were made', async () => {
      const { socket, peer } = await stage().connected();
      const results = [
        socket.send(Buffer.from('1')),
        broadcast([socket], Buffer.from('2')),
        socket.send(Buffer.from('3')),
      ];
      assert.equal((await peer.read(3)).toString(), '123');
      await soon(Promise.all(results), 'the sends');
    });

    test('nothing to send, and nobody to send to, succeed at once', async () => {
      const { socket } = await stage().connected();
      assert.deepEqual(await broadcast([socket], new Uint8Array(0)), { delivered: 1, failures: [] });
      assert.deepEqual(await broadcast([], MESSAGE), { delivered: 0, failures: [] });
    });

    test('wrong arguments are refused with a code, and nothing is sent', async () => {
      const { socket, peer } = await stage().connected();
      assert.equal(await failureCode(broadcast([socket], 'text' as never)), 'ERR_INVALID_ARG_TYPE');
      assert.equal(await failureCode(broadcast([socket], MESSAGE, null as never)), 'ERR_INVALID_ARG_TYPE');
      assert.equal(
        await failureCode(broadcast([socket], MESSAGE, { timeoutMs: '1' as never })),
        'ERR_INVALID_ARG_TYPE',
      );
      for (const timeoutMs of [-1, Number.NaN]) {
        assert.equal(await failureCode(broadcast([socket], MESSAGE, { timeoutMs })), 'ERR_OUT_OF_RANGE');
      }
      for (const wrong of [null, 7, socket]) {
        assert.equal(await failureCode(broadcast(wrong as never, MESSAGE)), 'ERR_INVALID_ARG_TYPE');
      }
      await soon(socket.close(), 'the close');
      assert.equal((await peer.readAll()).length, 0);
    });
  });
}
