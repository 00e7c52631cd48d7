import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { LinuxStack } from '../../src/bsd/linux/stack.js';
import { IoUringDriver } from '../../src/drivers/io-uring/driver.js';
import { probeDrivers } from '../../src/index.js';
import type { DatagramBatch } from '../../src/port/datagrams.js';
import { Proactor } from '../../src/port/proactor.js';
import { UdpSocket } from '../../src/sockets/udp-socket.js';
import { isAborted, isEndedByClose, timesOut } from '../support/failures.js';
import { assertAtRest } from '../support/stage.js';
import { bindNodeDatagrams, UdpPeer } from '../support/udp-peer.js';
import { isPending, soon, turns } from '../support/waiting.js';

/** Says of sends that they would have to wait, as long as it is told to: on loopback they never would. */
class ReluctantStack extends LinuxStack {
  reluctant = false;
  receives = 0;

  override sendBatch(descriptor: number, batch: DatagramBatch, from: number): number {
    return this.reluctant ? -this.again : super.sendBatch(descriptor, batch, from);
  }

  override recvBatch(descriptor: number, batch: DatagramBatch): number {
    this.receives++;
    return super.recvBatch(descriptor, batch);
  }
}

/** The size of the address space. */
function mappedBytes(): number {
  return Number(readFileSync('/proc/self/statm', 'utf8').split(' ')[0]) * 4096;
}

const usable = probeDrivers().some((report) => report.name === 'io_uring' && report.usable);

describe('datagrams on io_uring', { skip: !usable, timeout: 30_000 }, () => {
  let stack: ReluctantStack;
  let proactor: Proactor;
  let socket: UdpSocket;
  let peer: UdpPeer;

  beforeEach(async () => {
    stack = new ReluctantStack();
    proactor = new Proactor((events) => new IoUringDriver(events, stack));
    socket = await UdpSocket.bind({ host: '127.0.0.1', proactor });
    peer = new UdpPeer(await bindNodeDatagrams());
  });

  afterEach(async () => {
    await soon(socket.abort(), 'a socket to close');
    await peer.close();
    await assertAtRest(proactor);
    proactor.destroy();
  });

  const send = (text: string, timeoutMs?: number, signal?: AbortSignal) =>
    socket.sendTo(Buffer.from(text), { host: '127.0.0.1', port: peer.port }, { timeoutMs, signal });

  test('a send that has to wait goes when it can, and those behind it in order', async () => {
    stack.reluctant = true;
    const sends = ['a', 'b', 'c'].map((text) => send(text));
    assert.ok(await isPending(Promise.race(sends)));
    stack.reluctant = false;
    await soon(Promise.all(sends), 'the sends');
    assert.deepEqual(await peer.texts(3), ['a', 'b', 'c']);
  });

  test('a send times out, is aborted, or takes no time at all, and nothing of it is sent', async () => {
    stack.reluctant = true;
    const controller = new AbortController();
    const first = send('a', 3);
    const aborted = send('b', undefined, controller.signal);
    const last = send('c');
    await timesOut(send('d', 0), 'sendBatch');
    controller.abort();
    await isAborted(aborted);
    const error = await timesOut(first);
    assert.equal(error.bytesTransferred, 0);
    assert.equal(error.port, peer.port);
    stack.reluctant = false;
    assert.equal(await soon(last, 'the last'), 1);
    assert.equal(await soon(send('e', 0), 'a send that need not wait'), 1);
    assert.deepEqual(await peer.texts(2), ['c', 'e']);
    await turns();
    assert.equal(peer.kept, 0);
  });

  test('a close waits for the sends, and gives up when its time is over', async () => {
    stack.reluctant = true;
    const sent = send('a');
    const closing = socket.close();
    assert.ok(await isPending(closing));
    stack.reluctant = false;
    assert.equal(await soon(sent, 'a send'), 1);
    await soon(closing, 'a close');
    assert.deepEqual(await peer.texts(1), ['a']);

    const other = await UdpSocket.bind({ host: '127.0.0.1', proactor });
    stack.reluctant = true;
    const stuck = other.sendTo(Buffer.from('b'), { host: '127.0.0.1', port: peer.port });
    const late = other.close({ timeoutMs: 3 });
    await isEndedByClose(stuck);
    await soon(late, 'a close');
  });

  test('what failed or ended gives its memory back', async () => {
    const large = new Uint8Array(60_000);
    const to = { host: '127.0.0.1', port: peer.port };
    const round = async () => {
      stack.reluctant = true;
      await timesOut(socket.sendTo(large, to, { timeoutMs: 0 }));
      stack.reluctant = false;
      await send('x');
      await timesOut(socket.batches({ capacity: 64, timeoutMs: 0 }).next());
    };
    await round();
    const before = mappedBytes();
    for (let i = 0; i < 500; i++) await round();
    const grown = mappedBytes() - before;
    assert.ok(grown < 20_000_000, `${grown} bytes more are mapped`);
  });

  test('a socket that was found empty is not asked again before something comes', async () => {
    const batch = socket.createBatch({ capacity: 8 });
    await peer.send('a', socket.port);
    assert.equal(await soon(socket.recvBatch(batch), 'a recvBatch'), 1);
    assert.equal(stack.receives, 1);
    const receiving = socket.recvBatch(batch);
    assert.ok(await isPending(receiving));
    assert.equal(stack.receives, 1, 'the short batch has said that there was no more');
    await peer.send('b', socket.port);
    assert.equal(await soon(receiving, 'a recvBatch'), 1);
    await timesOut(socket.recvBatch(batch, { timeoutMs: 0 }));
    assert.ok(stack.receives <= 4, `${stack.receives} receives`);
    batch.release();
  });
});
