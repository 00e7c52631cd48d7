import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { EpollNotifier } from '../../src/bsd/linux/epoll-notifier.js';
import { LinuxStack } from '../../src/bsd/linux/stack.js';
import { ReadinessDriver } from '../../src/drivers/readiness/driver.js';
import type { DatagramBatch } from '../../src/port/datagrams.js';
import type { DriverSocket } from '../../src/port/driver.js';
import { DriverHarness, LOOPBACK, PollingNotifier } from '../support/driver-harness.js';

for (const polling of [false, true]) {
  describe(`datagrams, readiness over ${polling ? 'a polling notifier' : 'epoll'}`, () => {
    let harness: DriverHarness;
    let socket: DriverSocket;
    let peer: Socket;
    let batch: DatagramBatch;
    let port: number;

    const texts = () => Array.from({ length: batch.count }, (_, i) => Buffer.from(batch.data(i)).toString());
    const send = (text: string) => new Promise<void>((resolve) => peer.send(text, port, '127.0.0.1', () => resolve()));

    beforeEach(async () => {
      harness = new DriverHarness(
        (events) =>
          new ReadinessDriver(events, new LinuxStack(), polling ? new PollingNotifier() : new EpollNotifier()),
      );
      const opened = harness.driver.open('IPv4', 'datagram');
      assert.ok(typeof opened !== 'number');
      socket = opened;
      assert.equal(harness.driver.bind(socket, LOOPBACK), 0);
      port = harness.driver.localAddress(socket)?.port ?? 0;
      batch = harness.driver.createBatch(4, 2048);
      peer = createSocket('udp4');
      peer.bind(0, '127.0.0.1');
      await once(peer, 'listening');
    });
    afterEach(async () => {
      await harness.close(socket);
      peer.close();
      harness.finish();
    });

    test('recvBatch() waits for datagrams and takes no more than the batch holds', async () => {
      const operation = harness.operation('recvBatch', socket, { batch });
      assert.equal(harness.startNow(operation), false);
      const ended = harness.end(operation);
      await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map(send));
      assert.ok((await ended).bytesTransferred >= 1);
      const received = texts();
      while (received.length < 6) {
        const { bytesTransferred } = await harness.run('recvBatch', socket, { batch });
        assert.ok(bytesTransferred >= 1 && bytesTransferred <= 4);
        received.push(...texts());
      }
      assert.deepEqual(received, ['a', 'b', 'c', 'd', 'e', 'f']);
    });

    test('a batch that was received goes back by sendBatch()', async () => {
      await send('echo');
      await harness.run('recvBatch', socket, { batch });
      const echoed = once(peer, 'message');
      assert.equal((await harness.run('sendBatch', socket, { batch })).bytesTransferred, 1);
      assert.equal(((await echoed) as [Buffer])[0].toString(), 'echo');
    });

    test('an empty datagram is a datagram', async () => {
      await send('');
      assert.equal((await harness.run('recvBatch', socket, { batch })).bytesTransferred, 1);
      assert.deepEqual(texts(), ['']);
    });

    test('a cancelled recvBatch() takes nothing, and the next one gets the datagram', async () => {
      const operation = harness.operation('recvBatch', socket, { batch });
      assert.equal(harness.startNow(operation), false);
      const ended = harness.end(operation);
      harness.cancel(operation);
      assert.equal((await ended).outcome, 'cancelled');
      await send('later');
      assert.equal((await harness.run('recvBatch', socket, { batch })).bytesTransferred, 1);
      assert.deepEqual(texts(), ['later']);
    });

    test('a refused datagram does not make the socket deaf', async () => {
      const gone = createSocket('udp4');
      gone.bind(0, '127.0.0.1');
      await once(gone, 'listening');
      const { port: gonePort } = gone.address();
      gone.close();
      await once(gone, 'close');
      for (const target of [gonePort, peer.address().port]) {
        const to = harness.driver.createBatch(1, 64);
        to.add(Buffer.from('hello'), { ...LOOPBACK, port: target });
        assert.equal((await harness.run('sendBatch', socket, { batch: to })).bytesTransferred, 1);
      }
      await send('still heard');
      assert.equal((await harness.run('recvBatch', socket, { batch })).bytesTransferred, 1);
      assert.deepEqual(texts(), ['still heard']);
    });
  });
}
