import assert from 'node:assert/strict';
import type net from 'node:net';
import { afterEach, describe, test } from 'node:test';
import { type FaultRates, FaultyStack } from '../../src/bsd/faults.js';
import { EpollNotifier } from '../../src/bsd/linux/epoll-notifier.js';
import { LinuxStack } from '../../src/bsd/linux/stack.js';
import { ReadinessDriver } from '../../src/drivers/readiness/driver.js';
import type { DriverSocket } from '../../src/port/driver.js';
import { Random } from '../../src/port/random.js';
import { DriverHarness, PollingNotifier, readAll } from '../support/driver-harness.js';

const SEED = Number(process.env['OVERLAPPED_SEED'] ?? Date.now() % 1_000_000_000);

const RATES: FaultRates = { shortReceive: 0.3, partialSend: 0.3, interrupted: 0.2, again: 0.2 };

describe(`readiness over a stack with faults (OVERLAPPED_SEED=${SEED})`, () => {
  let harness: DriverHarness;
  let stack: FaultyStack;
  const peers: net.Socket[] = [];

  function make(rates: FaultRates, polling = false): void {
    stack = new FaultyStack(new LinuxStack(), SEED, rates);
    const notifier = stack.notifier(polling ? new PollingNotifier() : new EpollNotifier());
    harness = new DriverHarness((events) => new ReadinessDriver(events, stack, notifier));
  }

  async function pair(): Promise<{ socket: DriverSocket; peer: net.Socket }> {
    const made = await harness.pair();
    peers.push(made.peer);
    return made;
  }

  afterEach(() => {
    for (const peer of peers.splice(0)) peer.destroy();
    harness.finish();
  });

  for (const polling of [false, true]) {
    const over = polling ? 'a polling notifier' : 'epoll';

    test(`no byte is lost, doubled or changed on its way in, over ${over}`, async () => {
      make(RATES, polling);
      const { socket, peer } = await pair();
      const random = new Random(SEED);
      const bytes = Buffer.from(Uint8Array.from({ length: 300_000 }, () => random.below(256)));
      for (let at = 0; at < bytes.length; ) {
        const end = at + 1 + random.below(9000);
        peer.write(bytes.subarray(at, end));
        at = end;
      }
      peer.end();
      const pieces: Buffer[] = [];
      let piece: Buffer;
      do {
        piece = await harness.receive(socket, 1 + random.below(1000));
        pieces.push(piece);
      } while (piece.length > 0);
      assert.ok(Buffer.concat(pieces).equals(bytes));
      assert.ok(stack.injected.shortReceive > 0 && stack.injected.again > 0 && stack.injected.interrupted > 0);
      await harness.close(socket);
    });

    test(`no byte is lost, doubled or changed on its way out, over ${over}`, async () => {
      make(RATES, polling);
      const { socket, peer } = await pair();
      const reading = readAll(peer);
      const random = new Random(SEED + 1);
      const sent: Buffer[] = [];
      for (let i = 0; i < 200; i++) {
        const bytes = Buffer.from(Uint8Array.from({ length: 1 + random.below(20_000) }, () => random.below(256)));
        sent.push(bytes);
        const cut = random.below(bytes.length);
        const fields = random.chance(0.5)
          ? { buffer: bytes }
          : { buffers: [bytes.subarray(0, cut), bytes.subarray(cut)] };
        assert.equal((await harness.run('send', socket, fields)).bytesTransferred, bytes.length);
      }
      await harness.close(socket);
      assert.ok((await reading).bytes.equals(Buffer.concat(sent)));
      assert.ok(stack.injected.partialSend > 0);
    });
  }

  test('lent bytes are echoed whole', async () => {
    make(RATES);
    const { socket, peer } = await pair();
    const reading = readAll(peer);
    const bytes = Buffer.alloc(200_000, 'an echo of lent bytes, ');
    peer.end(bytes);
    for (;;) {
      const { bytesTransferred, lentBuffer, lentOffset, lentLength } = await harness.run('recv', socket);
      if (bytesTransferred === 0) break;
      await harness.run('send', socket, { lentBuffer, lentOffset, lentLength });
      harness.driver.releaseLent(lentBuffer);
    }
    await harness.close(socket);
    assert.ok((await reading).bytes.equals(bytes));
  });

  test('a send() that found no buffer says how many bytes went, and the next one goes on from there', async () => {
    make({ ...RATES, noBuffers: 0.1 });
    const { socket, peer } = await pair();
    const reading = readAll(peer);
    const bytes = Buffer.alloc(100_000, 'enobufs ');
    let failures = 0;
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + 5000);
      const operation = await harness.run('send', socket, { buffer: piece });
      if (operation.outcome === 'failed') {
        assert.equal(harness.errorName(operation), 'ENOBUFS');
        failures++;
      } else assert.equal(operation.bytesTransferred, piece.length);
      at += operation.bytesTransferred;
    }
    assert.equal(failures, stack.injected.noBuffers);
    await harness.close(socket);
    assert.ok((await reading).bytes.equals(bytes));
  });

  test('cancels at any moment lose no byte', async () => {
    make({ shortReceive: 0.5, interrupted: 0.2 });
    const { socket, peer, stack: raw } = await harness.rawPair();
    const random = new Random(SEED + 2);
    const received: Buffer[] = [];
    const sent: Buffer[] = [];
    for (let i = 0; i < 2000; i++) {
      const operation = harness.operation('recv', socket, { buffer: Buffer.alloc(1 + random.below(32)) });
      const now = harness.startNow(operation);
      if (random.chance(0.5)) {
        const bytes = Buffer.from(`${i};`);
        sent.push(bytes);
        raw.send(peer, bytes, bytes.length);
      }
      if (!now) {
        const ended = harness.end(operation);
        harness.cancel(operation);
        await ended;
      }
      if (operation.outcome === 'done') {
        received.push(Buffer.from(operation.buffer?.subarray(0, operation.bytesTransferred) ?? []));
      }
    }
    raw.close(peer);
    received.push(await harness.receive(socket, 100_000));
    assert.equal(Buffer.concat(received).toString(), Buffer.concat(sent).toString());
    await harness.close(socket);
  });

  test('the same seed injects the same faults', () => {
    const draw = () => {
      const random = new Random(SEED);
      return Array.from({ length: 100 }, () => random.next());
    };
    assert.deepEqual(draw(), draw());
    assert.ok(draw().every((value) => value >= 0 && value < 1));
    make({});
  });
});
