import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ENDING, type Notifier, READABLE, URGENT, WRITABLE } from '../../src/bsd/notifier.js';
import { openWaits } from '../../src/bsd/waiting/open-waits.js';
import { PendingErrors } from '../../src/bsd/waiting/pending-errors.js';
import { LINUX, openStack } from '../../src/stack.js';
import { E, FakeWaitStack } from '../support/fake-wait-stack.js';
import { until } from '../support/waiting.js';

type Report = readonly [index: number, generation: number, report: number];

function reportsOf(notifier: Notifier): Report[] {
  const reports: Report[] = [];
  notifier.wait((index, generation, report) => reports.push([index, generation, report]));
  return reports.sort(([a], [b]) => a - b);
}

for (const kind of ['poll', 'select'] as const) {
  describe(`a notifier over ${kind}`, () => {
    function open(fake: FakeWaitStack) {
      const waits = openWaits(fake.profile([kind]), fake, new PendingErrors());
      return waits.makeNotifier();
    }

    test('reports what a new socket is ready for, and each direction once after each want', () => {
      const fake = new FakeWaitStack();
      fake.sockets.set(5, { readable: true, writable: true });
      fake.sockets.set(6, { writable: true });
      const notifier = open(fake);
      assert.equal(notifier.add(5, 1, 10), 0);
      assert.equal(notifier.add(6, 2, 20), 0);
      const both = READABLE | WRITABLE;
      assert.deepEqual(reportsOf(notifier), [
        [1, 10, both],
        [2, 20, WRITABLE],
      ]);
      assert.deepEqual(reportsOf(notifier), []);
      notifier.want(5, true, false);
      assert.deepEqual(reportsOf(notifier), [[1, 10, READABLE]]);
      assert.deepEqual(reportsOf(notifier), []);
      fake.sockets.set(6, { readable: true, writable: true });
      assert.deepEqual(reportsOf(notifier), [[2, 20, READABLE]], 'it was wanted from the start');
      notifier.remove(5);
      notifier.want(5, true, true);
      assert.deepEqual(reportsOf(notifier), []);
    });

    test('an error ends all that is wanted of a socket, and does not come again until something is', () => {
      const fake = new FakeWaitStack();
      fake.sockets.set(5, { error: E.ECONNRESET, writable: true });
      const notifier = open(fake);
      notifier.add(5, 1, 10);
      const report = READABLE | WRITABLE | ENDING;
      assert.deepEqual(reportsOf(notifier), [[1, 10, report]]);
      assert.deepEqual(reportsOf(notifier), []);
      notifier.want(5, true, false);
      assert.equal(reportsOf(notifier).length, 1);
    });

    test('urgent data is reported once after each want, and not in a loop', () => {
      const fake = new FakeWaitStack();
      fake.sockets.set(5, { urgent: true });
      const notifier = open(fake);
      notifier.add(5, 1, 10);
      assert.deepEqual(reportsOf(notifier), [[1, 10, URGENT]]);
      assert.deepEqual(reportsOf(notifier), []);
      notifier.want(5, true, false);
      assert.deepEqual(reportsOf(notifier), [[1, 10, URGENT]]);
    });

    test('a sink may register, want and remove', () => {
      const fake = new FakeWaitStack();
      for (const descriptor of [5, 6, 7]) fake.sockets.set(descriptor, { readable: true });
      const notifier = open(fake);
      for (const descriptor of [5, 6]) notifier.add(descriptor, descriptor, 0);
      const seen: number[] = [];
      notifier.wait((index) => {
        seen.push(index);
        if (index === 6) notifier.add(7, 7, 0);
        notifier.want(index, true, false);
      });
      assert.deepEqual(seen.sort(), [5, 6]);
      notifier.remove(5);
      assert.deepEqual(
        reportsOf(notifier).map(([index]) => index),
        [6, 7],
      );
    });

    test('where the stack cannot wait, everybody is told to try', () => {
      const fake = new FakeWaitStack();
      fake.sockets.set(5, {});
      const notifier = open(fake);
      notifier.add(5, 1, 10);
      fake.script = (call) => (call === kind ? { returned: -1, errno: E.ENOMEM } : undefined);
      assert.deepEqual(reportsOf(notifier), [[1, 10, READABLE | WRITABLE]]);
    });

    test('timers look for what comes, seldom while nothing is there, and never while nothing is wanted', async () => {
      const fake = new FakeWaitStack();
      fake.sockets.set(5, { writable: true });
      const notifier = open(fake);
      const reports: number[] = [];
      let looksIn = 0;
      const watch = notifier.watch(() => {
        looksIn++;
        notifier.wait((_index, _generation, report) => reports.push(report));
      });
      await delay(30);
      assert.equal(fake.calls.length, 0, 'nothing is registered');
      notifier.add(5, 1, 10);
      await until(() => reports.length === 1, 'the first report');
      const before = fake.count(kind);
      await delay(100);
      const looks = fake.count(kind) - before;
      // Those of poll built from select are two at times.
      assert.ok(looks >= 5 && looks <= 220, `${looks} looks in 100 ms`);
      fake.sockets.set(5, { readable: true });
      await until(() => reports.length === 2, 'the second report');
      assert.deepEqual(reports, [WRITABLE, READABLE]);
      await delay(20);
      const idle = looksIn;
      await delay(50);
      assert.equal(looksIn, idle, 'nothing is wanted any more');
      notifier.want(5, true, false);
      await until(() => reports.length === 3, 'the third report');
      watch.close();
      notifier.close();
    });
  });
}

test('a descriptor that select cannot hold is refused with EMFILE', () => {
  const fake = new FakeWaitStack({}, 64);
  const profile = { ...fake.profile(['select']), errors: { ...E, EMFILE: 24 } };
  const notifier = openWaits(profile, fake, new PendingErrors()).makeNotifier();
  assert.equal(notifier.add(64, 0, 0), 24);
});

describe('the notifier of a stack of the host', () => {
  for (const kind of ['epoll', 'poll', 'select'] as const) {
    test(`by ${kind}: costs nothing while nothing comes, and hears of what does`, async () => {
      const open = openStack({ ...LINUX, waits: [kind] });
      const { stack } = open;
      const sockets = Array.from({ length: 200 }, () => {
        const descriptor = stack.socket('IPv4', 'datagram', true);
        assert.equal(stack.bind(descriptor, { family: 'IPv4', address: '127.0.0.1', port: 0 }), 0);
        return descriptor;
      });
      const notifier = open.makeNotifier();
      let looks = 0;
      const readable: number[] = [];
      const watch = notifier.watch(() => {
        looks++;
        notifier.wait((index, _generation, report) => {
          if ((report & READABLE) !== 0) readable.push(index);
        });
      });
      sockets.forEach((descriptor, i) => {
        assert.equal(notifier.add(descriptor, i, 0), 0);
      });
      await until(() => looks > 0, 'the first look');
      await delay(50);
      const before = looks;
      await delay(200);
      assert.ok(looks - before <= 2, `${looks - before} looks in 200 ms`);
      const target = sockets[100] as number;
      const address = stack.localAddress(target);
      assert.ok(address);
      stack.connect(sockets[0] as number, address);
      stack.send(sockets[0] as number, new Uint8Array(1), 1);
      await until(() => readable.length > 0, 'the datagram');
      assert.deepEqual(readable, [100]);
      watch.close();
      for (const descriptor of sockets) {
        notifier.remove(descriptor);
        stack.close(descriptor);
      }
      notifier.close();
      open.close();
    });
  }
});
