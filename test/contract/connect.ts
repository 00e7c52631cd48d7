import assert from 'node:assert/strict';
import { TcpSocket } from '../../src/index.js';
import { describe, test } from '../support/contract-test.js';
import { failsWith, failureCode, isAborted, timesOut } from '../support/failures.js';
import { type DriverUnderTest, type OnStage, useStage } from '../support/stage.js';
import { soon, turns, until } from '../support/waiting.js';

/** Connecting: to addresses and names, within a time, and without leaving a descriptor behind. */
export function describeConnect(driver: DriverUnderTest): void {
  describe('connect', () => {
    const stage = useStage(driver);
    describeAddresses(stage);
    describeFailures(stage);
    describeBlackhole(stage);
  });
}

function describeAddresses(stage: OnStage): void {
  test('connect() resolves with a socket that knows both ends', async () => {
    const server = await stage().server();
    const socket = await stage().connect({ port: server.port });
    const peer = stage().peer(await server.accept());
    assert.equal(socket.phase, 'open');
    assert.equal(socket.driver, stage().driverName);
    assert.ok(socket.descriptor >= 0);
    assert.deepEqual(socket.remoteAddress, { family: 'IPv4', address: '127.0.0.1', port: server.port });
    assert.deepEqual(socket.localAddress, {
      family: 'IPv4',
      address: '127.0.0.1',
      port: peer.socket.remotePort,
    });
  });

  test('connect() over IPv6', async () => {
    const server = await stage().server({ host: '::1' });
    const socket = await stage().connect({ host: '::1', port: server.port });
    const peer = stage().peer(await server.accept());
    assert.equal(socket.remoteAddress?.family, 'IPv6');
    assert.equal(socket.remoteAddress?.address, '::1');
    await peer.send('six');
    assert.equal(await soon(socket.recv(new Uint8Array(8)), 'a recv'), 3);
  });

  test('connect() resolves names, and tries one address after the other', async () => {
    // localhost may be ::1 first, where nobody listens.
    const server = await stage().server({ host: '127.0.0.1' });
    const socket = await stage().connect({ host: 'localhost', port: server.port });
    stage().peer(await server.accept());
    assert.equal(socket.remoteAddress?.address, '127.0.0.1');
  });

  test('localAddress and localPort say where to connect from', async () => {
    const server = await stage().server();
    const first = await stage().connect({ port: server.port, localAddress: '127.0.0.2' });
    stage().peer(await server.accept());
    assert.equal(first.localAddress?.address, '127.0.0.2');
  });

  test('small messages leave at once (TCP_NODELAY) unless told otherwise', async () => {
    const server = await stage().server();
    const quick = await stage().connect({ port: server.port });
    const patient = await stage().connect({ port: server.port, noDelay: false });
    stage().peer(await server.accept());
    stage().peer(await server.accept());
    assert.equal(quick.getOption('noDelay'), true);
    assert.equal(patient.getOption('noDelay'), false);
  });

  test('200 connects at once all succeed', async () => {
    const server = await stage().server();
    const connecting = Array.from({ length: 200 }, () => stage().connect({ port: server.port, timeoutMs: 5000 }));
    for (let i = 0; i < 200; i++) stage().peer(await server.accept());
    assert.equal((await soon(Promise.all(connecting), '200 connects')).length, 200);
    assert.equal(stage().proactor.armedDeadlines, 0);
  });
}

function describeFailures(stage: OnStage): void {
  const connect = (options: Parameters<typeof TcpSocket.connect>[0]) =>
    TcpSocket.connect({ host: '127.0.0.1', proactor: stage().proactor, ...options });

  /** A port where nobody listens. */
  async function closedPort(): Promise<number> {
    const listener = await stage().listen();
    const { port } = listener;
    await listener.close();
    return port;
  }

  test('connect() to a port where nobody listens fails with ECONNREFUSED and says where', async () => {
    const port = await closedPort();
    const error = await failsWith(connect({ port }), 'ECONNREFUSED');
    assert.equal(error.syscall, 'connect');
    assert.equal(error.address, '127.0.0.1');
    assert.equal(error.port, port);
    assert.match(error.message, /127\.0\.0\.1:\d+.*refused/);
    assert.equal(stage().proactor.driver.statistics().openSockets, 0);
  });

  test('connect() to a name that there is not fails with the error of the resolver', async () => {
    const code = await failureCode(connect({ host: 'no-such-host.invalid', port: 1 }));
    assert.ok(['ENOTFOUND', 'EAI_AGAIN'].includes(code), code);
  });

  test('connect() with an aborted signal fails before anything is opened', async () => {
    const reason = new Error('changed my mind');
    await isAborted(connect({ port: await closedPort(), signal: AbortSignal.abort(reason) }), reason);
    assert.equal(stage().proactor.driver.statistics().openSockets, 0);
  });

  test('connect() from an address that is not ours fails with EADDRNOTAVAIL and leaves nothing open', async () => {
    const error = await failsWith(connect({ port: await closedPort(), localAddress: '192.0.2.1' }), 'EADDRNOTAVAIL');
    assert.equal(error.syscall, 'bind');
    assert.equal(stage().proactor.driver.statistics().openSockets, 0);
  });

  test('100 refused connects leave nothing open and nothing pending', async () => {
    const port = await closedPort();
    const failed = Array.from({ length: 100 }, () => failsWith(connect({ port, timeoutMs: 5000 }), 'ECONNREFUSED'));
    await Promise.all(failed);
    assert.equal(stage().proactor.driver.statistics().openSockets, 0);
    assert.equal(stage().proactor.outstanding, 0);
  });
}

// A listener whose backlog is full answers nothing: the connect waits for ever, as to a host that is not there.
function describeBlackhole(stage: OnStage): void {
  async function blackhole(): Promise<number> {
    const listener = await stage().listen({ backlog: 1 });
    for (let i = 0; i < 2; i++) await stage().peerTo({ port: listener.port });
    // One more than fits may still be let in; whatever is neither connected nor refused is in the hole.
    await Promise.race([stage().peerTo({ port: listener.port }), turns(50)]).catch(() => undefined);
    return listener.port;
  }
  const connect = async (options: { timeoutMs?: number; signal?: AbortSignal }) => {
    const port = await blackhole();
    return TcpSocket.connect({ host: '127.0.0.1', proactor: stage().proactor, port, ...options });
  };

  test('connect() to a host that does not answer times out, never early, and leaves nothing open', async () => {
    const port = await blackhole();
    const started = performance.now();
    const connecting = TcpSocket.connect({ host: '127.0.0.1', proactor: stage().proactor, port, timeoutMs: 40 });
    const error = await timesOut(connecting, 'connect');
    assert.ok(performance.now() - started >= 40);
    assert.equal(error.port, port);
    assert.equal(stage().proactor.driver.statistics().openSockets, 1, 'the listener alone');
  });

  test('connect() with 0 to a host that does not answer fails at once', async () => {
    await timesOut(connect({ timeoutMs: 0 }), 'connect');
  });

  // libuv's tcp_close_while_connecting.
  test('an aborted connect() closes its descriptor', async () => {
    const controller = new AbortController();
    const port = await blackhole();
    const { signal } = controller;
    const connecting = TcpSocket.connect({ host: '127.0.0.1', proactor: stage().proactor, port, signal });
    const aborted = isAborted(connecting);
    await until(() => stage().proactor.driver.statistics().openSockets === 2, 'the connect to begin');
    await turns();
    controller.abort();
    await aborted;
    assert.equal(stage().proactor.driver.statistics().openSockets, 1, 'the listener alone');
  });
}
