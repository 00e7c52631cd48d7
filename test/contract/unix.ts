import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from '../support/contract-test.js';
import { failsWith, isEndedByClose, timesOut } from '../support/failures.js';
import { firstDifference, streamBytes } from '../support/random.js';
import { type DriverUnderTest, type OnStage, useStage } from '../support/stage.js';
import { soon, turns } from '../support/waiting.js';

/** UNIX-domain streams: the same contract over a path. */
export function describeUnix(driver: DriverUnderTest): void {
  const skip = driver.name === 'iocp' ? 'Winsock connects no UNIX-domain sockets with ConnectEx' : false;
  describe('UNIX-domain paths', { skip }, () => {
    const stage = useStage(driver);
    const folder = skip === false ? mkdtempSync(join(tmpdir(), 'overlapped-')) : '';
    after(() => rmSync(folder, { recursive: true, force: true }));
    let count = 0;
    const newPath = () => join(folder, `${driver.name}-${count++}.sock`);
    describeBothEnds(stage, newPath);
    describePaths(stage, newPath);
  });
}

function describeBothEnds(stage: OnStage, newPath: () => string): void {
  test('a socket connects to a path, and carries bytes both ways', async () => {
    const path = newPath();
    const server = await stage().server({ path });
    const socket = await stage().connect({ path });
    const peer = stage().peer(await server.accept());
    assert.deepEqual(socket.remoteAddress, { family: 'unix', address: path, port: 0 });
    await socket.send(Buffer.from('ping'));
    assert.equal((await peer.read(4)).toString(), 'ping');
    await peer.send('pong');
    assert.equal(await soon(socket.recv(new Uint8Array(8)), 'a recv'), 4);
    assert.equal((await soon(socket.close(), 'the close')).sent, 'FIN');
    assert.equal(await peer.ending(), 'FIN');
  });

  test('a listener listens on a path, accepts, and removes the file when it closes', async () => {
    const path = newPath();
    const listener = await stage().listen({ path });
    assert.deepEqual(listener.address, { family: 'unix', address: path, port: 0 });
    assert.equal(listener.port, 0);
    assert.ok(existsSync(path));
    const accepting = listener.accept();
    const peer = await stage().peerTo({ path });
    const socket = stage().track(await soon(accepting, 'an accept'));
    const total = 1 << 20;
    peer.end(streamBytes(30, 0, total));
    let position = 0;
    for await (const chunk of socket) {
      assert.equal(firstDifference(30, position, chunk.bytes), -1);
      position += chunk.length;
    }
    assert.equal(position, total);
    await listener.close();
    assert.ok(!existsSync(path));
  });

  test('timeouts lose no byte here either', async () => {
    const path = newPath();
    const server = await stage().server({ path });
    const socket = await stage().connect({ path });
    const peer = stage().peer(await server.accept());
    await timesOut(socket.recv(new Uint8Array(8), { timeoutMs: 5 }), 'recv');
    await peer.send('late');
    assert.equal(await soon(socket.recv(new Uint8Array(8)), 'a recv'), 4);
  });

  // There is no RST: an abort is an end here, and its result does not claim more.
  test('abort() ends what is pending, and says FIN: there is no RST on a UNIX-domain socket', async () => {
    const path = newPath();
    const server = await stage().server({ path });
    const socket = await stage().connect({ path });
    const peer = stage().peer(await server.accept());
    const receiving = isEndedByClose(socket.recv(new Uint8Array(8)), 'recv');
    await turns();
    assert.equal((await soon(socket.abort(), 'the abort')).sent, 'FIN');
    await receiving;
    assert.equal(await peer.ending(), 'FIN');
  });
}

function describePaths(stage: OnStage, newPath: () => string): void {
  test('a path where nobody listens is ENOENT or ECONNREFUSED', async () => {
    const { proactor } = stage();
    const connect = (path: string) => stage().connect({ path, proactor });
    assert.equal((await failsWith(connect(newPath()), 'ENOENT')).syscall, 'connect');
    const file = newPath();
    writeFileSync(file, '');
    await failsWith(connect(file), 'ECONNREFUSED');
    assert.equal(proactor.driver.statistics().openSockets, 0);
  });

  test('a path that is taken is EADDRINUSE, and the file of the other listener stays', async () => {
    const path = newPath();
    await stage().listen({ path });
    await failsWith(stage().listen({ path }), 'EADDRINUSE');
    await turns();
    assert.ok(existsSync(path));
  });

  test('a path may have 107 bytes', async () => {
    const path = newPath().padEnd(107, 'x');
    const listener = await stage().listen({ path });
    assert.equal(listener.address.address, path);
    await stage().peerTo({ path });
    stage().track(await soon(listener.accept(), 'an accept'));
  });

  test('a leading NUL names the abstract namespace of Linux, and leaves no file', {
    skip: process.platform !== 'linux',
  }, async () => {
    const path = `\0overlapped-test-${process.pid}-${stage().name}`;
    const listener = await stage().listen({ path });
    assert.equal(listener.address.address, path);
    const socket = await stage().connect({ path });
    const accepted = stage().track(await soon(listener.accept(), 'an accept'));
    await socket.send(Buffer.from('abstract'));
    assert.equal(await soon(accepted.recv(new Uint8Array(16)), 'a recv'), 8);
  });
}
