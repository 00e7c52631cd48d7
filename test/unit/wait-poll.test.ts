import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { WaitKind } from '../../src/bsd/profile/profile.js';
import type { QuirkFlags } from '../../src/bsd/profile/quirks.js';
import { PendingErrors } from '../../src/bsd/waiting/pending-errors.js';
import { ProfileWaiter } from '../../src/bsd/waiting/profile-waiter.js';
import { POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLPRI } from '../../src/bsd/waiting/waiter.js';
import { askPoll, type Entries } from '../support/ask-poll.js';
import { E, FakeWaitStack } from '../support/fake-wait-stack.js';

function waiterOver(fake: FakeWaitStack, waits: readonly WaitKind[], quirks: QuirkFlags = fake.quirks) {
  const pending = new PendingErrors();
  return { waiter: new ProfileWaiter(fake.profile(waits, quirks), fake, pending), pending };
}

// WSAPoll fails with WSAENOTSOCK where no entry has a socket (measured: Wine 8.0).
test('poll asks the stack nothing where every entry is to be passed over', () => {
  const fake = new FakeWaitStack();
  const { waiter } = waiterOver(fake, ['poll']);
  const asked = [
    [-1, POLLIN],
    [-2, POLLOUT],
  ] as const;
  assert.deepEqual(askPoll(waiter, asked, 0), { ready: 0, revents: [0, 0] });
  assert.deepEqual(fake.calls, []);
});

for (const kind of ['poll', 'select'] as const) {
  describe(`poll on a stack that has ${kind}`, () => {
    test('answers each entry by what its descriptor is ready for, and counts the entries that have an answer', () => {
      const fake = new FakeWaitStack();
      fake.sockets.set(5, { readable: true, writable: true });
      fake.sockets.set(6, { writable: true });
      fake.sockets.set(7, { urgent: true });
      const { waiter } = waiterOver(fake, [kind]);
      const all = POLLIN | POLLOUT | POLLPRI;
      assert.deepEqual(
        askPoll(
          waiter,
          [
            [5, POLLIN],
            [6, POLLIN],
            [6, all],
            [7, all],
            [5, all],
          ],
          0,
        ),
        {
          ready: 4,
          revents: [POLLIN, 0, POLLOUT, POLLPRI, POLLIN | POLLOUT],
        },
      );
    });

    test('says POLLERR and POLLHUP of a socket with an error, whatever was asked of it, and POLLNVAL of none', () => {
      const fake = new FakeWaitStack();
      for (const descriptor of [5, 6, 7, 8]) fake.sockets.set(descriptor, { error: E.ECONNRESET });
      const { waiter } = waiterOver(fake, [kind]);
      const broken = POLLERR | POLLHUP;
      const entries: Entries = [
        [5, POLLIN | POLLOUT],
        [6, POLLIN],
        [7, POLLOUT],
        [8, 0],
        [999, POLLIN],
      ];
      assert.deepEqual(askPoll(waiter, entries, 0), {
        ready: 5,
        revents: [POLLIN | POLLOUT | broken, POLLIN | broken, POLLOUT | broken, broken, POLLNVAL],
      });
    });

    test('passes over descriptors below 0', () => {
      const fake = new FakeWaitStack();
      fake.sockets.set(5, { readable: true });
      const { waiter } = waiterOver(fake, [kind]);
      assert.deepEqual(
        askPoll(
          waiter,
          [
            [-1, POLLIN],
            [5, POLLIN],
            [-7, POLLOUT],
          ],
          0,
        ),
        { ready: 1, revents: [0, POLLIN, 0] },
      );
    });
  });
}
