import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type FaultRates, FaultyStack } from '../../src/bsd/faults.js';
import { EpollNotifier } from '../../src/bsd/linux/epoll-notifier.js';
import { LinuxStack } from '../../src/bsd/linux/stack.js';
import { ReadinessDriver } from '../../src/drivers/readiness/driver.js';
import type { TcpSocket } from '../../src/index.js';
import { Proactor } from '../../src/port/proactor.js';
import { driversUnderTest } from '../support/drivers.js';
import { firstDifference, newSeed, Random, streamBytes } from '../support/random.js';
import { Stage } from '../support/stage.js';
import { soon } from '../support/waiting.js';

const ALL: FaultRates = { shortReceive: 0.3, partialSend: 0.3, interrupted: 0.2, again: 0.2, noBuffers: 0 };
const RATES: readonly (readonly [sentence: string, rates: FaultRates])[] = [
  ['short receives', { shortReceive: 0.7 }],
  ['partial sends', { partialSend: 0.7 }],
  ['EINTR', { interrupted: 0.5 }],
  ['EAGAIN that is no reason to wait', { again: 0.5 }],
  ['all of it at once', ALL],
];

const SOCKETS = 20;
const BYTES = 60_000;

function faulty(seed: number, rates: FaultRates): { stage: Stage; stack: FaultyStack } {
  const stack = new FaultyStack(new LinuxStack(), seed, rates);
  const makeProactor = () =>
    new Proactor((events) => new ReadinessDriver(events, stack, stack.notifier(new EpollNotifier())));
  return { stage: new Stage({ name: 'readiness', makeProactor }), stack };
}

async function echo(socket: TcpSocket, random: Random): Promise<void> {
  const buffer = new Uint8Array(3000);
  for (;;) {
    const timeoutMs = random.chance(0.2) ? random.next() * 2 : 20_000;
    const length = await socket.recv(buffer, { timeoutMs }).catch((error: NodeJS.ErrnoException) => {
      assert.equal(error.code, 'ETIMEDOUT');
      return -1;
    });
    if (length === 0) break;
    if (length > 0) await socket.send(buffer.subarray(0, length), { timeoutMs: 20_000 });
  }
  await socket.close();
}

/** A stack that does at any time what a stack may do: the streams stay exact. */
describe('readiness over a stack with seeded faults', {
  timeout: 120_000,
  skip: !driversUnderTest().some(({ name }) => name === 'readiness'),
}, () => {
  for (const [sentence, rates] of RATES) {
    test(`an echo is exact under ${sentence}`, async () => {
      const seed = newSeed();
      console.log(`seed ${seed}`);
      const random = new Random(seed);
      const { stage, stack } = faulty(seed, rates);
      const listener = await stage.listen();
      const serving = (async () => {
        for await (const socket of listener) echo(stage.track(socket), random);
      })();
      const clients = Array.from({ length: SOCKETS }, async (_, stream) => {
        const peer = await stage.peerTo({ port: listener.port });
        const echoed = peer.readAll();
        for (let sent = 0; sent < BYTES; ) {
          const length = Math.min(1 + random.below(5000), BYTES - sent);
          await peer.send(streamBytes(stream, sent, length));
          sent += length;
        }
        peer.end();
        const bytes = await echoed;
        assert.equal(bytes.length, BYTES);
        assert.equal(firstDifference(stream, 0, bytes), -1);
      });
      await soon(Promise.all(clients), `${SOCKETS} exact echoes`, 60_000);
      await listener.close();
      await serving;
      for (const [fault, rate] of Object.entries(rates))
        assert.ok(rate === 0 || stack.injected[fault as keyof FaultRates] > 0, `${fault} was never injected`);
      await stage.clear();
    });
  }

  test('a send() that finds no buffer fails with ENOBUFS and says how many bytes went; the stream goes on', async () => {
    const { stage } = faulty(5, { noBuffers: 0.3 });
    const { socket, peer } = await stage.connected();
    let sent = 0;
    let failures = 0;
    while (sent < 20_000) {
      await socket.send(streamBytes(9, sent, 100)).then(
        (length) => {
          sent += length;
        },
        (error: NodeJS.ErrnoException & { bytesTransferred: number }) => {
          assert.equal(error.code, 'ENOBUFS');
          sent += error.bytesTransferred;
          failures++;
        },
      );
    }
    assert.ok(failures > 10);
    assert.equal(firstDifference(9, 0, await peer.read(sent)), -1);
    await stage.clear();
  });
});
