import assert from 'node:assert/strict';
import { describe, test } from '../support/contract-test.js';
import { failsWith } from '../support/failures.js';
import { firstDifference, streamBytes } from '../support/random.js';
import { arrived, type DriverUnderTest, type OnStage, useStage } from '../support/stage.js';
import { isPending, soon, turn, turns, until } from '../support/waiting.js';

/** What an operation is: one completion, bytes in order, an end that can be told from an error. */
export function describeOperations(driver: DriverUnderTest): void {
  describe('operations', () => {
    const stage = useStage(driver);
    describeReceives(stage);
    describeEnds(stage);
    describeQueues(stage);
    describeStreams(stage);
  });
}

function describeReceives(stage: OnStage): void {
  test('recv() resolves with the bytes that arrive after it', async () => {
    const { socket, peer } = await stage().connected();
    const buffer = new Uint8Array(16);
    const receiving = socket.recv(buffer);
    assert.ok(await isPending(receiving));
    await peer.send('hello');
    assert.equal(await soon(receiving, 'a recv'), 5);
    assert.equal(Buffer.from(buffer).toString('latin1', 0, 5), 'hello');
  });

  test('recv() resolves with the bytes that arrived before it', async () => {
    const { socket, peer } = await stage().connected();
    await peer.send('hello');
    await arrived(socket, 5);
    const buffer = new Uint8Array(16);
    assert.equal(await soon(socket.recv(buffer), 'a recv'), 5);
    assert.equal(Buffer.from(buffer).toString('latin1', 0, 5), 'hello');
  });

  test('recv() takes at most what its buffer holds, and the rest is for the next one', async () => {
    const { socket, peer } = await stage().connected();
    await peer.send('abcdefgh');
    const buffer = new Uint8Array(3);
    let text = '';
    while (text.length < 8) {
      const length = await soon(socket.recv(buffer), 'a recv');
      assert.ok(length >= 1 && length <= 3);
      text += Buffer.from(buffer.subarray(0, length)).toString('latin1');
    }
    assert.equal(text, 'abcdefgh');
  });

  test('recv() writes nothing outside its view', async () => {
    const { socket, peer } = await stage().connected();
    const whole = new Uint8Array(64).fill(0xaa);
    const receiving = socket.recv(whole.subarray(10, 14));
    await peer.send('abcdefgh');
    const length = await soon(receiving, 'a recv');
    assert.equal(Buffer.from(whole.subarray(10, 10 + length)).toString(), 'abcdefgh'.slice(0, length));
    whole.fill(0xaa, 10, 14);
    assert.ok(whole.every((byte) => byte === 0xaa));
  });

  test('readable() resolves when something has arrived, and takes nothing', async () => {
    const { socket, peer } = await stage().connected();
    const waiting = socket.readable();
    assert.ok(await isPending(waiting));
    await peer.send('hello');
    await soon(waiting, 'readable()');
    await soon(socket.readable(), 'readable() once more');
    const buffer = new Uint8Array(16);
    assert.equal(await soon(socket.recv(buffer), 'a recv'), 5);
    peer.end();
    await soon(socket.readable(), 'readable() at the end of the stream');
    assert.equal(await soon(socket.recv(buffer), 'the end'), 0);
  });

  test('each operation settles once, and is counted while it is pending', async () => {
    const { socket, peer } = await stage().connected();
    assert.equal(socket.pendingOperations, 0);
    let settled = 0;
    const receiving = socket.recv(new Uint8Array(8), { timeoutMs: 5000 }).finally(() => settled++);
    assert.equal(socket.pendingOperations, 1);
    assert.equal(stage().proactor.outstanding, 1);
    await peer.send('x');
    await soon(receiving, 'a recv');
    await turns();
    assert.equal(settled, 1);
    assert.equal(socket.pendingOperations, 0);
    assert.equal(stage().proactor.outstanding, 0);
  });
}

function describeEnds(stage: OnStage): void {
  test('recv() resolves with 0 bytes after the peer half-closes', async () => {
    const { socket, peer } = await stage().connected();
    const receiving = socket.recv(new Uint8Array(8));
    peer.end();
    assert.equal(await soon(receiving, 'the end of the stream'), 0);
  });

  test('the end of the stream stays: each further recv() resolves with 0', async () => {
    const { socket, peer } = await stage().connected();
    peer.end();
    for (let i = 0; i < 3; i++) assert.equal(await soon(socket.recv(new Uint8Array(8)), 'the end of the stream'), 0);
  });

  test('the bytes come before the end that follows them', async () => {
    const { socket, peer } = await stage().connected();
    peer.end('last words');
    const buffer = new Uint8Array(64);
    assert.equal(await soon(socket.recv(buffer), 'the bytes'), 10);
    assert.equal(await soon(socket.recv(buffer), 'the end of the stream'), 0);
  });

  test('after the peer half-closes, send() still reaches it', async () => {
    const { socket, peer } = await stage().connected();
    peer.end();
    assert.equal(await soon(socket.recv(new Uint8Array(8)), 'the end of the stream'), 0);
    assert.equal(await soon(socket.send(Buffer.from('answer')), 'a send'), 6);
    assert.equal((await peer.read(6)).toString(), 'answer');
  });

  // compio maps ERROR_NETNAME_DELETED to an end of the stream, so that a reset reads as one.
  test('recv() fails with ECONNRESET, and not with an end, when the peer resets', async () => {
    const { socket, peer } = await stage().connected();
    const receiving = socket.recv(new Uint8Array(8));
    await turns();
    peer.reset();
    const error = await failsWith(receiving, 'ECONNRESET');
    assert.equal(error.syscall, 'recv');
    assert.ok(error.nativeCode > 0);
    assert.equal(error.errno, -error.nativeCode);
  });

  test('a reset that came before recv() is reported by it', async () => {
    const { socket, peer } = await stage().connected();
    peer.reset();
    await turns();
    await failsWith(socket.recv(new Uint8Array(8)), 'ECONNRESET');
  });

  test('all receives that wait when the peer resets fail with ECONNRESET', async () => {
    const { socket, peer } = await stage().connected();
    const receiving = Array.from({ length: 5 }, () => failsWith(socket.recv(new Uint8Array(8)), 'ECONNRESET'));
    await turns();
    peer.reset();
    await Promise.all(receiving);
  });

  test('all receives that wait when the peer half-closes resolve with 0', async () => {
    const { socket, peer } = await stage().connected();
    const receiving = Promise.all(Array.from({ length: 5 }, () => socket.recv(new Uint8Array(8))));
    await turns();
    peer.end();
    assert.deepEqual(await soon(receiving, 'five ends'), [0, 0, 0, 0, 0]);
  });
}

function describeQueues(stage: OnStage): void {
  test('concurrent receives are served in the order of their calls', async () => {
    const { socket, peer } = await stage().connected();
    const order: number[] = [];
    const buffers = Array.from({ length: 8 }, () => new Uint8Array(1));
    const receiving = buffers.map((buffer, index) => socket.recv(buffer).then(() => order.push(index)));
    await turns();
    await peer.send('abcdefgh');
    await soon(Promise.all(receiving), 'eight receives');
    assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7]);
    assert.equal(buffers.map((buffer) => String.fromCharCode(buffer[0] ?? 0)).join(''), 'abcdefgh');
  });

  test('1,024 receives may wait on a socket; the next one fails with ENOBUFS and harms none', async () => {
    const { socket, peer } = await stage().connected();
    const receiving = Array.from({ length: 1024 }, () => socket.recv(new Uint8Array(1)));
    await failsWith(socket.recv(new Uint8Array(1)), 'ENOBUFS');
    assert.equal(socket.pendingOperations, 1024);
    await peer.send(new Uint8Array(1024));
    const lengths = await soon(Promise.all(receiving), '1,024 receives');
    assert.ok(lengths.every((length) => length === 1));
    // There is room again.
    await peer.send('x');
    assert.equal(await soon(socket.recv(new Uint8Array(8)), 'a recv'), 1);
  });

  test('the two directions are independent: a pending recv() holds no send() back', async () => {
    const { socket, peer } = await stage().connected();
    const receiving = socket.recv(new Uint8Array(8));
    assert.equal(await soon(socket.send(Buffer.from('ping')), 'a send'), 4);
    assert.equal((await peer.read(4)).toString(), 'ping');
    await peer.send('pong');
    assert.equal(await soon(receiving, 'a recv'), 4);
  });

  test('a waiting send() holds no recv() back', async () => {
    const { socket, peer } = await stage().connected({}, true);
    const sending = socket.send(new Uint8Array(32 << 20));
    await turns();
    await peer.send('pong');
    assert.equal(await soon(socket.recv(new Uint8Array(8)), 'a recv'), 4);
    assert.ok(await isPending(sending));
    peer.resume();
    assert.equal(await soon(sending, 'a send'), 32 << 20);
  });

  // A slot and a descriptor are used again at once by the next socket; what comes late belongs to the old one.
  test('a completion of a closed socket never settles an operation of the next one', async () => {
    const server = await stage().server();
    for (let i = 0; i < 50; i++) {
      const connecting = stage().connect({ port: server.port });
      const peer = await server.accept();
      const socket = await connecting;
      const receiving = socket.recv(new Uint8Array(8)).catch((error: NodeJS.ErrnoException) => error.code);
      if (i % 2 === 0) await turn();
      peer.socket.write(`old ${i}`);
      const closing = socket.abort();
      const next = stage().connect({ port: server.port });
      const nextPeer = stage().peer(await server.accept());
      const fresh = await next;
      const pending = fresh.recv(new Uint8Array(8));
      await soon(closing, 'a close');
      assert.ok([5, 6, 'ECANCELED'].includes((await receiving) as number));
      assert.ok(await isPending(pending), 'the next socket has received nothing');
      await nextPeer.send('new');
      assert.equal(await soon(pending, 'a recv of the next socket'), 3);
      await fresh.close();
      peer.socket.destroy();
    }
    assert.equal(stage().proactor.driver.statistics().staleCompletions, 0);
  });
}

function describeStreams(stage: OnStage): void {
  const total = 4 << 20;

  test('4 MB each way at once arrive byte by byte as they were sent', async () => {
    const { socket, peer } = await stage().connected();
    const sendAll = async () => {
      for (let sent = 0; sent < total; )
        sent += await socket.send(streamBytes(1, sent, Math.min(70_001, total - sent)));
      await socket.shutdown('send');
    };
    const receiveAll = async () => {
      const buffer = new Uint8Array(50_003);
      for (let position = 0; ; ) {
        const length = await socket.recv(buffer);
        if (length === 0) return position;
        assert.equal(firstDifference(2, position, buffer, length), -1);
        position += length;
      }
    };
    const atPeer = peer.readAll();
    peer.end(streamBytes(2, 0, total));
    const [, received, bytes] = await soon(Promise.all([sendAll(), receiveAll(), atPeer]), 'both streams');
    assert.equal(received, total);
    assert.equal(bytes.length, total);
    assert.equal(firstDifference(1, 0, bytes), -1);
  });

  test('100 connections echo without mixing up their bytes', async () => {
    const listener = await stage().listen();
    const serving = (async () => {
      for await (const socket of listener) {
        stage().track(socket);
        (async () => {
          const buffer = new Uint8Array(100);
          for (let length = await socket.recv(buffer); length > 0; length = await socket.recv(buffer))
            await socket.send(buffer.subarray(0, length));
          await socket.close();
        })();
      }
    })();
    const clients = Array.from({ length: 100 }, async (_, stream) => {
      const peer = await stage().peerTo({ port: listener.port });
      for (let round = 0; round < 10; round++) {
        await peer.send(streamBytes(stream, round * 64, 64));
        assert.equal(firstDifference(stream, round * 64, await peer.read(64)), -1);
      }
      peer.end();
      assert.equal(await peer.ending(), 'FIN');
    });
    await soon(Promise.all(clients), '100 clients');
    await until(() => stage().proactor.driver.statistics().openSockets === 1, 'the accepted sockets to close');
    await listener.close();
    await serving;
  });
}
