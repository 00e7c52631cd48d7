import assert from 'node:assert/strict';
import { SocketStateError } from '../../src/index.js';
import { describe, test } from '../support/contract-test.js';
import { failsWith, failure, isEndedByClose } from '../support/failures.js';
import { streamBytes } from '../support/random.js';
import { arrived, type DriverUnderTest, type OnStage, useStage } from '../support/stage.js';
import { isPending, soon, turns } from '../support/waiting.js';

/** The Close table, row by row: what each call does to pending operations, and what the peer sees. */
export function describeClose(driver: DriverUnderTest): void {
  describe('close', () => {
    const stage = useStage(driver);
    describeGraceful(stage);
    describeUnread(stage);
    describeAbort(stage);
    describeTwice(stage);
  });
}

const FIN = { sent: 'FIN', unreadBytes: 0 };
const RST = { sent: 'RST', unreadBytes: 0 };

function describeGraceful(stage: OnStage): void {
  test('close() with nothing pending sends a FIN, and says so', async () => {
    const { socket, peer } = await stage().connected();
    assert.deepEqual(await soon(socket.close(), 'the close'), FIN);
    assert.equal(await peer.confirmedEnding(), 'FIN');
    assert.equal(socket.phase, 'closed');
    assert.equal(socket.descriptor, -1);
    assert.equal(socket.localAddress, null);
    assert.equal(socket.remoteAddress, null);
  });

  test('close() ends pending receives with ECANCELED before it resolves, and the peer sees a FIN', async () => {
    const { socket, peer } = await stage().connected();
    const order: string[] = [];
    const receiving = Array.from({ length: 3 }, (_, i) =>
      socket.recv(new Uint8Array(8)).catch((error: NodeJS.ErrnoException) => order.push(`${i} ${error.code}`)),
    );
    await turns();
    const closing = socket.close().then((result) => {
      order.push('close');
      return result;
    });
    assert.deepEqual(await soon(closing, 'the close'), FIN);
    await Promise.all(receiving);
    assert.equal(await peer.confirmedEnding(), 'FIN');
    assert.equal(order.pop(), 'close');
    assert.deepEqual(order.sort(), ['0 ECANCELED', '1 ECANCELED', '2 ECANCELED']);
  });

  // On io_uring, close(2) while a receive is pending sends nothing: the request holds the file (liburing issue 932).
  test('close() right after recv(), in the same callback, still sends a FIN', async () => {
    const { socket, peer } = await stage().connected();
    const receiving = isEndedByClose(socket.recv(new Uint8Array(8)), 'recv');
    assert.deepEqual(await soon(socket.close(), 'the close'), FIN);
    await receiving;
    assert.equal(await peer.confirmedEnding(), 'FIN');
  });

  test('close() lets pending sends drain first: the peer gets every byte and then the FIN', async () => {
    const { socket, peer } = await stage().connected({}, true);
    const bytes = streamBytes(8, 0, 16 << 20);
    const first = socket.send(bytes);
    const second = socket.send(Buffer.from('the end'));
    await turns();
    const closing = socket.close();
    assert.equal(socket.phase, 'draining');
    assert.ok(await isPending(closing));
    peer.resume();
    assert.deepEqual(await soon(closing, 'the close'), FIN);
    assert.deepEqual(await Promise.all([first, second]), [bytes.length, 7]);
    const received = await peer.readAll();
    assert.ok(received.equals(Buffer.concat([bytes, Buffer.from('the end')])));
    assert.equal(await peer.confirmedEnding(), 'FIN');
  });

  test('close({ timeoutMs }) bounds the drain: what is left fails with ECANCELED, and the peer sees a RST', async () => {
    const { socket, peer } = await stage().connected({}, true);
    const stalled = isEndedByClose(socket.send(new Uint8Array(32 << 20)), 'send');
    const queued = isEndedByClose(socket.send(Buffer.from('never')), 'send');
    const started = performance.now();
    assert.equal((await soon(socket.close({ timeoutMs: 30 }), 'the close')).sent, 'RST');
    assert.ok(performance.now() - started >= 30);
    assert.ok((await stalled).bytesTransferred < 32 << 20);
    assert.equal((await queued).bytesTransferred, 0);
    peer.resume();
    assert.equal(await peer.confirmedEnding(), 'RST');
  });

  test('a FIN by close() leaves the peer free to send its last message', async () => {
    const { socket, peer } = await stage().connected();
    await socket.close();
    assert.equal(await peer.ending(), 'FIN');
    await peer.send('goodbye');
  });

  test('await using closes the socket', async () => {
    const { socket, peer } = await stage().connected();
    await socket[Symbol.asyncDispose]();
    assert.equal(socket.phase, 'closed');
    assert.equal(await peer.confirmedEnding(), 'FIN');
  });

  test('close() after the peer has reset says that nothing was sent', async () => {
    const { socket, peer } = await stage().connected();
    const receiving = failsWith(socket.recv(new Uint8Array(8)), 'ECONNRESET');
    await turns();
    peer.reset();
    await receiving;
    assert.deepEqual(await soon(socket.close(), 'the close'), { sent: 'none', unreadBytes: 0 });
  });
}

// RFC 2525 section 2.17: a close with received data that nobody read sends a RST.
function describeUnread(stage: OnStage): void {
  test('close() with unread bytes in the kernel is a RST, and its result says so', async () => {
    const { socket, peer } = await stage().accepted();
    await peer.send('unread');
    await arrived(socket, 6);
    assert.deepEqual(await soon(socket.close(), 'the close'), { sent: 'RST', unreadBytes: 6 });
    assert.equal(await peer.confirmedEnding(), 'RST');
  });

  test('close() with bytes that arrived ahead of a recv() is a RST as well', async () => {
    const { socket, peer } = await stage().connected();
    const receiving = socket.recv(new Uint8Array(2));
    await peer.send('unread');
    assert.equal(await soon(receiving, 'a recv'), 2);
    await arrived(socket, 4);
    assert.deepEqual(await soon(socket.close(), 'the close'), { sent: 'RST', unreadBytes: 4 });
    assert.equal(await peer.confirmedEnding(), 'RST');
  });

  test('closesocket() with nothing pending and unread bytes is a RST, as the platform has it', async () => {
    const { socket, peer } = await stage().connected();
    const receiving = socket.recv(new Uint8Array(2));
    await peer.send('unread');
    await soon(receiving, 'a recv');
    await arrived(socket, 4);
    assert.deepEqual(await soon(socket.closesocket(), 'the close'), { sent: 'RST', unreadBytes: 4 });
    assert.equal(await peer.confirmedEnding(), 'RST');
  });
}

function describeAbort(stage: OnStage): void {
  test('abort() sends a RST, and says so', async () => {
    const { socket, peer } = await stage().connected();
    assert.deepEqual(await soon(socket.abort(), 'the abort'), RST);
    assert.equal(await peer.confirmedEnding(), 'RST');
  });

  // .NET's TcpReceiveSendGetsCanceledByDispose.
  test('abort() ends every pending operation with ECANCELED, and the peer sees ECONNRESET', async () => {
    const { socket, peer } = await stage().connected({}, true);
    const ended = [
      isEndedByClose(socket.recv(new Uint8Array(8)), 'recv'),
      isEndedByClose(socket.recv(new Uint8Array(8)), 'recv'),
      isEndedByClose(socket.send(new Uint8Array(32 << 20)), 'send'),
      isEndedByClose(socket.send(new Uint8Array(8)), 'send'),
    ];
    await turns();
    assert.equal((await soon(socket.abort(), 'the abort')).sent, 'RST');
    await Promise.all(ended);
    peer.resume();
    assert.equal(await peer.confirmedEnding(), 'RST');
  });

  test('abort() in the very callback that started the operations ends them too', async () => {
    const { socket, peer } = await stage().connected();
    const receiving = isEndedByClose(socket.recv(new Uint8Array(8)), 'recv');
    assert.deepEqual(await soon(socket.abort(), 'the abort'), RST);
    await receiving;
    assert.equal(await peer.confirmedEnding(), 'RST');
  });

  // libuv's tcp_close_reset_client_after_shutdown and tcp_close_reset_accepted.
  test('abort() after shutdown() resets the other direction', async () => {
    const { socket, peer } = await stage().connected();
    await socket.shutdown('send');
    assert.equal(await peer.ending(), 'FIN');
    assert.equal((await soon(socket.abort(), 'the abort')).sent, 'RST');
    const failed = await failure(
      peer
        .send('x')
        .then(() => turns())
        .then(() => peer.send('y')),
    );
    assert.ok(['ECONNRESET', 'EPIPE'].includes((failed as NodeJS.ErrnoException).code ?? ''), String(failed));
  });

  test('abort() of an accepted socket resets it', async () => {
    const { socket, peer } = await stage().accepted();
    assert.deepEqual(await soon(socket.abort(), 'the abort'), RST);
    assert.equal(await peer.confirmedEnding(), 'RST');
  });

  test('abort() hurries a close() that still drains', async () => {
    const { socket, peer } = await stage().connected({}, true);
    const stalled = isEndedByClose(socket.send(new Uint8Array(32 << 20)), 'send');
    const closing = socket.close();
    assert.ok(await isPending(closing));
    const aborted = await soon(socket.abort(), 'the abort');
    assert.equal(aborted.sent, 'RST');
    assert.deepEqual(await closing, aborted);
    await stalled;
    peer.resume();
    assert.equal(await peer.confirmedEnding(), 'RST');
  });
}

function describeTwice(stage: OnStage): void {
  test('a second close gives the result of the first, of whatever kind either is', async () => {
    const { socket } = await stage().connected();
    const first = socket.close();
    const others = [socket.close(), socket.abort(), socket.closesocket()];
    const result = await soon(first, 'the close');
    assert.deepEqual(await Promise.all(others), [result, result, result]);
    assert.deepEqual(await socket.abort(), result);
    assert.deepEqual(await socket.close(), result);
  });

  test('no operation can be started while a socket closes, nor afterwards', async () => {
    const { socket, peer } = await stage().connected({}, true);
    const sending = socket.send(new Uint8Array(16 << 20));
    const closing = socket.close();
    const refused = async () => {
      for (const attempt of [
        () => socket.recv(new Uint8Array(8)),
        () => socket.recvLent(),
        () => socket.readable(),
        () => socket.send(new Uint8Array(8)),
        () => socket.receive().next(),
        () => socket.shutdown(),
      ]) {
        const error = await failure(attempt());
        assert.ok(error instanceof SocketStateError);
        assert.equal(error.code, 'ERR_SOCKET_CLOSED');
      }
    };
    await refused();
    peer.resume();
    await soon(Promise.all([sending, closing]), 'the close');
    await refused();
  });
}
