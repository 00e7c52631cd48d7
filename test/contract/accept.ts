import assert from 'node:assert/strict';
import { TcpListener, TcpSocket } from '../../src/index.js';
import { describe, test } from '../support/contract-test.js';
import { failsWith, failure, isEndedByClose } from '../support/failures.js';
import { type DriverUnderTest, type OnStage, useStage } from '../support/stage.js';
import { isPending, soon, turns, until } from '../support/waiting.js';

/** Accepting: connections in order, and a listener that outlives what its clients do. */
export function describeAccept(driver: DriverUnderTest): void {
  describe('accept', () => {
    const stage = useStage(driver);
    describeAccepts(stage);
    describeLoop(stage);
    describeListening(stage);
    describeListenerClose(stage);
  });
}

function describeAccepts(stage: OnStage): void {
  test('accept() resolves with a connected socket that knows both ends', async () => {
    const { socket, peer, listener } = await stage().accepted();
    assert.equal(socket.driver, stage().driverName);
    assert.deepEqual(socket.remoteAddress, { family: 'IPv4', address: '127.0.0.1', port: peer.socket.localPort });
    assert.equal(socket.localAddress?.port, listener.port);
    await peer.send('hello');
    assert.equal(await soon(socket.recv(new Uint8Array(8)), 'a recv'), 5);
    await socket.send(Buffer.from('hi'));
    assert.equal((await peer.read(2)).toString(), 'hi');
  });

  test('connections that came before accept() wait for it', async () => {
    const listener = await stage().listen();
    for (let i = 0; i < 5; i++) await stage().peerTo({ port: listener.port });
    await turns();
    for (let i = 0; i < 5; i++) stage().track(await soon(listener.accept(), 'an accept'));
  });

  test('what a client sent before it was accepted is received', async () => {
    const listener = await stage().listen();
    const peer = await stage().peerTo({ port: listener.port });
    peer.end('early words');
    await turns();
    const socket = stage().track(await soon(listener.accept(), 'an accept'));
    assert.equal(await soon(socket.recv(new Uint8Array(64)), 'a recv'), 11);
    assert.equal(await soon(socket.recv(new Uint8Array(64)), 'the end'), 0);
  });

  test('concurrent accepts are served in the order of their calls', async () => {
    const listener = await stage().listen();
    const order: number[] = [];
    const accepting = Array.from({ length: 5 }, (_, i) =>
      listener.accept().then((socket) => {
        stage().track(socket);
        order.push(i);
      }),
    );
    for (let i = 0; i < 5; i++) await stage().peerTo({ port: listener.port });
    await soon(Promise.all(accepting), 'five accepts');
    assert.deepEqual(order, [0, 1, 2, 3, 4]);
  });

  test('300 clients that come at once are all accepted', async () => {
    const listener = await stage().listen();
    const coming = Promise.all(Array.from({ length: 300 }, () => stage().peerTo({ port: listener.port })));
    for (let i = 0; i < 300; i++) stage().track(await soon(listener.accept(), `accept ${i}`));
    await coming;
  });

  // python/cpython issue 93821: one client's reset closed the listener.
  test('clients that reset before they are accepted do not harm the listener', async () => {
    const listener = await stage().listen();
    for (let i = 0; i < 5; i++) (await stage().peerTo({ port: listener.port })).reset();
    await turns();
    const peer = await stage().peerTo({ port: listener.port });
    await peer.send('me');
    for (;;) {
      // A connection that is gone already may be passed over, be reported, or be accepted and read as reset.
      const socket = await soon(
        listener.accept().catch((error: NodeJS.ErrnoException) => {
          assert.equal(error.code, 'ECONNABORTED');
          return null;
        }),
        'an accept',
      );
      if (socket === null) continue;
      stage().track(socket);
      const outcome = await soon(
        socket.recv(new Uint8Array(8)).catch((error: NodeJS.ErrnoException) => error.code),
        'a recv',
      );
      if (outcome === 2) break;
      assert.equal(outcome, 'ECONNRESET');
    }
  });
}

function describeLoop(stage: OnStage): void {
  test('for await gives each connection, and ends when the listener closes', async () => {
    const listener = await stage().listen();
    let accepted = 0;
    const loop = (async () => {
      for await (const socket of listener) {
        stage().track(socket);
        accepted++;
      }
      return 'ended';
    })();
    for (let i = 0; i < 3; i++) await stage().peerTo({ port: listener.port });
    await until(() => accepted === 3, 'three connections');
    await listener.close();
    assert.equal(await soon(loop, 'the loop to end'), 'ended');
  });

  test('for await goes on after clients that reset at once', async () => {
    const listener = await stage().listen();
    let served = 0;
    const loop = (async () => {
      for await (const socket of listener) {
        stage().track(socket);
        const length = await socket.recv(new Uint8Array(8)).catch(() => -1);
        if (length === 2) served++;
      }
    })();
    for (let i = 0; i < 10; i++) {
      const peer = await stage().peerTo({ port: listener.port });
      if (i % 2 === 0) peer.reset();
      else await peer.send('ok');
    }
    await until(() => served === 5, 'the other five clients');
    await listener.close();
    await soon(loop, 'the loop to end');
  });

  test('leaving the loop leaves the listener open', async () => {
    const listener = await stage().listen();
    await stage().peerTo({ port: listener.port });
    for await (const socket of listener) {
      stage().track(socket);
      break;
    }
    assert.equal(listener.phase, 'open');
    await stage().peerTo({ port: listener.port });
    stage().track(await soon(listener.accept(), 'another accept'));
  });
}

function describeListening(stage: OnStage): void {
  test('listen() on port 0 says which port the system chose', async () => {
    const listener = await stage().listen();
    assert.ok(listener.port > 0);
    assert.deepEqual(listener.address, { family: 'IPv4', address: '127.0.0.1', port: listener.port });
    assert.equal(listener.driver, stage().driverName);
  });

  test('listen() without a host takes IPv4 and IPv6 alike', async () => {
    const listener = stage().track(await TcpListener.listen({ proactor: stage().proactor }));
    for (const host of listener.address.family === 'IPv6' ? ['127.0.0.1', '::1'] : ['127.0.0.1']) {
      await stage().peerTo({ port: listener.port, host });
      stage().track(await soon(listener.accept(), `an accept from ${host}`));
    }
  });

  test('a port that is taken is EADDRINUSE, and leaves nothing open', async () => {
    const first = await stage().listen();
    const error = await failsWith(stage().listen({ port: first.port }), 'EADDRINUSE');
    assert.equal(error.port, first.port);
    assert.equal(stage().proactor.driver.statistics().openSockets, 1);
  });

  test('an address that is not ours is EADDRNOTAVAIL', async () => {
    await failsWith(stage().listen({ host: '192.0.2.1' }), 'EADDRNOTAVAIL');
    assert.equal(stage().proactor.driver.statistics().openSockets, 0);
  });

  test('accepted sockets have TCP_NODELAY unless the listener was told otherwise', async () => {
    const { socket } = await stage().accepted();
    assert.equal(socket.getOption('noDelay'), true);
    const { socket: patient } = await stage().accepted({ noDelay: false });
    assert.equal(patient.getOption('noDelay'), false);
  });
}

function describeListenerClose(stage: OnStage): void {
  test('close() ends pending accepts with ECANCELED, and frees the port at once', async () => {
    const listener = await stage().listen();
    const { port } = listener;
    const accepting = [isEndedByClose(listener.accept(), 'accept'), isEndedByClose(listener.accept(), 'accept')];
    await turns();
    assert.deepEqual(await soon(listener.close(), 'the close'), { sent: 'none', unreadBytes: 0 });
    await Promise.all(accepting);
    assert.equal(((await failure(listener.accept())) as NodeJS.ErrnoException).code, 'ERR_SOCKET_CLOSED');
    const again = await stage().listen({ port });
    assert.equal(again.port, port);
  });

  test('abort() and closesocket() of a listener end it as well', async () => {
    for (const end of ['abort', 'closesocket'] as const) {
      const listener = await stage().listen();
      const accepting = isEndedByClose(listener.accept(), 'accept');
      await turns();
      assert.equal((await soon(listener[end](), end)).sent, 'none');
      await accepting;
    }
  });

  test('connections that nobody accepted are reset when the listener closes', async () => {
    const listener = await stage().listen();
    const accepting = listener.accept();
    const peers = [];
    for (let i = 0; i < 4; i++) peers.push(await stage().peerTo({ port: listener.port }));
    stage().track(await soon(accepting, 'the first accept'));
    await turns();
    await soon(listener.close(), 'the close');
    for (const peer of peers.slice(1)) assert.equal(await peer.ending(), 'RST');
  });

  test('sockets live on when the listener that accepted them closes', async () => {
    const { socket, peer, listener } = await stage().accepted();
    await listener.close();
    const receiving = socket.recv(new Uint8Array(8));
    assert.ok(await isPending(receiving));
    await peer.send('still');
    assert.equal(await soon(receiving, 'a recv'), 5);
  });

  test('a server with connections that it closed itself can listen on its port again at once', async () => {
    const { socket, peer, listener } = await stage().accepted();
    const { port } = listener;
    // The side that closes first is in TIME_WAIT afterwards.
    await socket.close();
    assert.equal(await peer.ending(), 'FIN');
    await peer.close();
    await listener.close();
    const again = await stage().listen({ port });
    const accepting = again.accept();
    const client = stage().track(
      await TcpSocket.connect({ host: '127.0.0.1', port, proactor: stage().proactor, timeoutMs: 5000 }),
    );
    stage().track(await soon(accepting, 'an accept'));
    assert.equal(client.phase, 'open');
  });
}
