import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseIPv4 } from '../../src/bsd/linux/ipv4-names.js';
import { Segments } from '../../src/bsd/linux/segments.js';
import { LinuxStack } from '../../src/bsd/linux/stack.js';
import type { SocketAddress } from '../../src/port/address.js';
import { datagramsAhead, isManaged, MAX_SEGMENTS, type ManagedBatch } from '../../src/port/datagram-features.js';
import { newSeed, Random, streamBytes } from '../support/random.js';

const linux = process.platform === 'linux';

/** A stack with two bound sockets. */
class Pair {
  readonly stack = new LinuxStack();
  readonly from = this.#open();
  readonly to = this.#open();
  readonly #batches: ManagedBatch[] = [];

  get address(): SocketAddress {
    const address = this.stack.localAddress(this.to);
    assert.ok(address);
    return address;
  }

  batch(capacity: number, datagramBytes = 64): ManagedBatch {
    const batch = this.stack.createBatch(capacity, datagramBytes);
    assert.ok(isManaged(batch));
    this.#batches.push(batch);
    return batch;
  }

  sendAll(batch: ManagedBatch): void {
    for (let sent = 0; sent < batch.count; ) {
      const now = this.stack.sendBatch(this.from, batch, sent);
      assert.ok(now > 0, `sendBatch gave ${now}`);
      sent += now;
    }
  }

  close(): void {
    for (const batch of this.#batches) batch.release();
    this.stack.close(this.from);
    this.stack.close(this.to);
  }

  #open(): number {
    const descriptor = this.stack.socket('IPv4', 'datagram', true);
    assert.ok(descriptor >= 0);
    assert.equal(this.stack.bind(descriptor, { family: 'IPv4', address: '127.0.0.1', port: 0 }), 0);
    return descriptor;
  }
}

function withPair(body: (pair: Pair) => void): () => void {
  return () => {
    const pair = new Pair();
    try {
      body(pair);
    } finally {
      pair.close();
    }
  };
}

function texts(batch: ManagedBatch): string[] {
  return Array.from({ length: batch.count }, (_, i) => Buffer.from(batch.data(i)).toString());
}

const PEER: SocketAddress = { family: 'IPv4', address: '10.1.2.3', port: 65_535 };

describe('LinuxDatagramBatch', { skip: !linux }, () => {
  test(
    'gives back what was added',
    withPair((pair) => {
      const batch = pair.batch(3, 5);
      assert.equal(batch.count, 0);
      batch.add(Buffer.from('abcde'), PEER);
      batch.add(Buffer.alloc(0), { family: 'IPv6', address: 'fe80::1:2', port: 1, scopeId: 7 });
      batch.add(Buffer.from('z'));
      assert.deepEqual(texts(batch), ['abcde', '', 'z']);
      assert.deepEqual(
        [0, 1, 2].map((i) => batch.byteLength(i)),
        [5, 0, 1],
      );
      assert.deepEqual({ ...batch.address(0) }, PEER);
      assert.deepEqual(batch.address(1), { family: 'IPv6', address: 'fe80::1:2', port: 1, scopeId: 7 });
      assert.throws(() => batch.address(2), { code: 'ERR_INVALID_STATE' });
      batch.clear();
      assert.equal(batch.count, 0);
    }),
  );

  test(
    'refuses what does not fit, and stays as it was',
    withPair((pair) => {
      const batch = pair.batch(1, 4);
      assert.throws(() => batch.add(Buffer.alloc(5), PEER), RangeError);
      for (const data of ['text', null, undefined, [1], new ArrayBuffer(1)]) {
        assert.throws(() => batch.add(data as never, PEER), TypeError);
      }
      for (const port of [0, -1, 65_536, 0.5, Number.NaN]) {
        assert.throws(() => batch.add(Buffer.alloc(1), { ...PEER, port }), RangeError);
      }
      assert.throws(() => batch.add(Buffer.alloc(1), { ...PEER, port: '9' as never }), TypeError);
      for (const address of ['', 'localhost', '1.2.3', '1.2.3.256', '1.2.3.4 ', '01.2.3.4', '::1', 5, null]) {
        assert.throws(() => batch.add(Buffer.alloc(1), { ...PEER, address: address as never }), TypeError);
        const six = { family: 'IPv6', address: address === '::1' ? 'fe80::1%lo' : address, port: 1 } as never;
        assert.throws(() => batch.add(Buffer.alloc(1), six), TypeError);
      }
      for (const to of [null, 'x', {}, { family: 'unix', address: '/x', port: 1 }]) {
        assert.throws(() => batch.add(Buffer.alloc(1), to as never), TypeError);
      }
      assert.equal(batch.count, 0);
      batch.add(Buffer.alloc(4), PEER);
      assert.throws(() => batch.add(Buffer.alloc(1), PEER), /full/);
      assert.equal(batch.count, 1);
    }),
  );

  test(
    'has no datagram beyond its last',
    withPair((pair) => {
      const batch = pair.batch(4);
      batch.add(Buffer.from('x'), PEER);
      for (const index of [1, -1, 0.5, Number.NaN]) {
        for (const read of [() => batch.data(index), () => batch.address(index), () => batch.truncated(index)]) {
          assert.throws(read, RangeError);
        }
      }
      assert.throws(() => batch.byteLength('0' as never), TypeError);
    }),
  );

  test(
    'sends and receives across the kernel, many times over',
    withPair((pair) => {
      const seed = newSeed();
      const random = new Random(seed);
      const out = pair.batch(32, 700);
      const into = pair.batch(32, 700);
      for (let round = 0; round < 60; round++) {
        out.clear();
        const count = 1 + random.below(32);
        const sizes = Array.from({ length: count }, () => random.below(701));
        for (const size of sizes) out.add(streamBytes(round, 0, size), pair.address);
        pair.sendAll(out);
        const got = pair.stack.recvBatch(pair.to, into);
        assert.equal(got, count, `seed ${seed}, round ${round}`);
        for (const [i, size] of sizes.entries()) {
          assert.equal(into.byteLength(i), size);
          assert.ok(streamBytes(round, 0, size).equals(into.data(i)), `seed ${seed}, round ${round}, datagram ${i}`);
          assert.deepEqual(into.address(i), pair.stack.localAddress(pair.from));
          assert.equal(into.truncated(i), false);
        }
      }
      assert.equal(pair.stack.recvBatch(pair.to, into), -pair.stack.again);
      assert.equal(into.count, 0);
    }),
  );

  test(
    'receives whole datagrams after short ones were sent from it',
    withPair((pair) => {
      const batch = pair.batch(4, 100);
      for (const length of [1, 100, 2, 99]) {
        batch.clear();
        for (let i = 0; i < 4; i++) batch.add(Buffer.alloc(length, 'x'), pair.address);
        pair.sendAll(batch);
        assert.equal(pair.stack.recvBatch(pair.to, batch), 4);
        assert.deepEqual(
          [0, 1, 2, 3].map((i) => batch.byteLength(i)),
          [length, length, length, length],
        );
      }
    }),
  );

  test(
    'the memory of a released batch serves the next of its size, as if it were new',
    withPair((pair) => {
      const first = pair.batch(3, 40);
      first.splitSegments();
      for (let i = 0; i < 3; i++) first.addSegments(Buffer.alloc(20, 'a'), 5, pair.address);
      const view = first.data(0);
      first.release();
      assert.throws(() => first.data(0), { code: 'ERR_BUFFER_RELEASED' });
      assert.throws(() => first.clear(), { code: 'ERR_BUFFER_RELEASED' });
      assert.equal(first.released, true);
      assert.ok(pair.stack.recvBatch(pair.to, first) < 0);
      assert.ok(pair.stack.sendBatch(pair.from, first, 0) < 0);
      const second = pair.batch(3, 40);
      assert.equal(second.segmented, false);
      second.add(Buffer.alloc(20, 'b'), pair.address);
      assert.equal(view[0], 'b'.charCodeAt(0), 'the view shows the next batch');
      pair.sendAll(second);
      assert.equal(pair.stack.recvBatch(pair.to, second), 1);
      assert.equal(second.byteLength(0), 20, 'nothing asks the kernel for segments any more');
    }),
  );

  test(
    'an address is made once for each peer, and nobody can change it',
    withPair((pair) => {
      const batch = pair.batch(2);
      batch.add(Buffer.from('x'), PEER);
      batch.add(Buffer.from('y'), { ...PEER });
      assert.equal(batch.address(0), batch.address(1));
      assert.ok(Object.isFrozen(batch.address(0)));
      for (let i = 0; i < 5000; i++) {
        const to = { family: 'IPv4', address: `10.${i & 3}.${i >>> 8}.${i & 255}`, port: 1 + i } as const;
        batch.clear();
        batch.add(Buffer.from('x'), to);
        assert.deepEqual({ ...batch.address(0) }, to);
        batch.clear();
        batch.add(Buffer.from('x'), { ...PEER, port: 1 + i });
        assert.equal(batch.address(0).port, 1 + i);
      }
    }),
  );

  test(
    'gives first what was received ahead',
    withPair((pair) => {
      const ahead = pair.batch(4);
      ahead.ahead = ahead;
      const out = pair.batch(8);
      for (let i = 0; i < 6; i++) out.add(Buffer.from(`${i}`), pair.address);
      pair.sendAll(out);
      assert.equal(pair.stack.recvBatch(pair.to, ahead), 4);
      ahead.taken = 1;
      assert.equal(datagramsAhead(ahead), 3);
      assert.equal(pair.stack.recvBatch(pair.to, ahead), 3, 'what is there, and not overwritten');
      assert.deepEqual(texts(ahead), ['0', '1', '2', '3']);
      const small = pair.batch(2);
      small.ahead = ahead;
      assert.equal(pair.stack.recvBatch(pair.to, small), 2);
      assert.deepEqual(texts(small), ['1', '2']);
      assert.deepEqual(small.address(1), pair.stack.localAddress(pair.from));
      assert.equal(pair.stack.recvBatch(pair.to, small), 1);
      assert.deepEqual(texts(small), ['3']);
      assert.equal(pair.stack.recvBatch(pair.to, small), 2);
      assert.deepEqual(texts(small), ['4', '5']);
      assert.equal(pair.stack.recvBatch(pair.to, small), -pair.stack.again);
    }),
  );
});

describe('segments of a LinuxDatagramBatch', { skip: !linux }, () => {
  test(
    'one message is several datagrams, in sending and in receiving',
    withPair((pair) => {
      pair.stack.setOption(pair.to, 'udpGro', true, 'IPv4');
      const out = pair.batch(3, 4096);
      out.splitSegments();
      out.addSegments(streamBytes(1, 0, 950), 100, pair.address);
      out.add(Buffer.from('single'), pair.address);
      out.addSegments(streamBytes(2, 0, 200), 100, pair.address);
      assert.equal(out.count, 13);
      assert.equal(out.byteLength(9), 50);
      assert.equal(Buffer.from(out.data(10)).toString(), 'single');
      pair.sendAll(out);
      const into = pair.batch(4, 65_536);
      into.splitSegments();
      assert.equal(pair.stack.recvBatch(pair.to, into), 13);
      for (let i = 0; i < 13; i++) {
        assert.ok(Buffer.from(out.data(i)).equals(into.data(i)), `datagram ${i}`);
        assert.deepEqual(into.address(i), pair.stack.localAddress(pair.from));
      }
      // Sent back as it is, it arrives in the same pieces.
      const echo = pair.batch(20, 128);
      assert.equal(pair.stack.sendBatch(pair.to, into, 0), 13);
      assert.equal(pair.stack.recvBatch(pair.from, echo), 13);
      for (let i = 0; i < 13; i++) assert.ok(Buffer.from(out.data(i)).equals(echo.data(i)), `datagram ${i}`);
    }),
  );

  test(
    'as many segments as the kernel takes, and not one more',
    withPair((pair) => {
      const batch = pair.batch(1, 65_536);
      batch.splitSegments();
      assert.throws(() => batch.addSegments(Buffer.alloc(10 * MAX_SEGMENTS + 1), 10, pair.address), RangeError);
      for (const segmentBytes of [0, -1, 1.5, 65_536, Number.NaN]) {
        assert.throws(() => batch.addSegments(Buffer.alloc(10), segmentBytes, pair.address), RangeError);
      }
      batch.addSegments(Buffer.alloc(10 * MAX_SEGMENTS), 10, pair.address);
      assert.equal(batch.count, MAX_SEGMENTS);
      pair.sendAll(batch);
      const into = pair.batch(128, 16);
      assert.equal(pair.stack.recvBatch(pair.to, into), MAX_SEGMENTS);
    }),
  );

  test(
    'a plain batch takes no segments',
    withPair((pair) => {
      const batch = pair.batch(2);
      assert.equal(batch.segmented, false);
      assert.throws(() => batch.addSegments(Buffer.alloc(10), 5, pair.address), { code: 'ERR_INVALID_STATE' });
    }),
  );
});

describe('Segments', () => {
  test('has room for more segments than we would send', () => {
    const segments = new Segments(2);
    segments.book(0, 10 * MAX_SEGMENTS, 10);
    segments.book(1, 4001, 10);
    assert.equal(segments.count(2), MAX_SEGMENTS + 401);
    assert.equal(segments.messageOf(MAX_SEGMENTS - 1), 0);
    assert.equal(segments.messageOf(MAX_SEGMENTS + 400), 1);
    assert.equal(segments.offsetOf(MAX_SEGMENTS + 400, 1), 4000);
  });
});

describe('parseIPv4', () => {
  test('reads what isIPv4 accepts, and nothing else', () => {
    assert.equal(parseIPv4('0.0.0.0'), 0);
    assert.equal(parseIPv4('255.255.255.255'), 0xffff_ffff);
    assert.equal(parseIPv4('10.0.200.7'), 0x0a00_c807);
    for (const text of [
      '',
      '1',
      '1.2.3',
      '1.2.3.4.5',
      '1..2.3',
      '.1.2.3',
      '1.2.3.',
      '1.2.3.256',
      '1.2.3.04',
      '1.2.3.4x',
      ' 1.2.3.4',
    ]) {
      assert.equal(parseIPv4(text), -1, text);
    }
  });
});
