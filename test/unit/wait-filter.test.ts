import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { WaitKind } from '../../src/bsd/profile/profile.js';
import type { QuirkFlags } from '../../src/bsd/profile/quirks.js';
import { PendingErrors } from '../../src/bsd/waiting/pending-errors.js';
import { ProfileWaiter } from '../../src/bsd/waiting/profile-waiter.js';
import { POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT } from '../../src/bsd/waiting/waiter.js';
import { askPoll } from '../support/ask-poll.js';
import { BITS, E, FakeWaitStack } from '../support/fake-wait-stack.js';

function waiterOver(fake: FakeWaitStack, waits: readonly WaitKind[], quirks: QuirkFlags = fake.quirks) {
  const pending = new PendingErrors();
  return { waiter: new ProfileWaiter(fake.profile(waits, quirks), fake, pending), pending };
}

const ORIGINAL: QuirkFlags = { waitReportsSocketError: true };
const BOTH = POLLIN | POLLOUT;
const BROKEN = POLLERR | POLLHUP;

describe('a wait that fails with the error of a socket', () => {
  test('is a success: poll counts the entries that have an answer', () => {
    const fake = new FakeWaitStack(ORIGINAL);
    fake.sockets.set(5, { readable: true });
    fake.sockets.set(6, { error: E.ECONNRESET });
    fake.sockets.set(7, {});
    const { waiter, pending } = waiterOver(fake, ['poll']);
    assert.deepEqual(
      askPoll(
        waiter,
        [
          [5, POLLIN],
          [6, BOTH],
          [7, POLLIN],
        ],
        1000,
      ),
      {
        ready: 2,
        revents: [POLLIN, BOTH | BROKEN, 0],
      },
    );
    // The stack still has it: a kept copy would be heard twice.
    assert.equal(pending.size, 0);
  });

  test('without answers finds nobody: those of the call before are not taken for new ones', () => {
    const fake = new FakeWaitStack(ORIGINAL);
    fake.sockets.set(5, { readable: true });
    const { waiter } = waiterOver(fake, ['poll']);
    assert.equal(askPoll(waiter, [[5, POLLIN]], 0).ready, 1);
    fake.script = (call) => (call === 'poll' ? { returned: -1, errno: E.ECONNRESET } : undefined);
    assert.deepEqual(askPoll(waiter, [[5, POLLIN]], 0), { ready: 0, revents: [0] });
  });

  test('is a success: select names what is ready', () => {
    const fake = new FakeWaitStack(ORIGINAL);
    fake.sockets.set(5, { readable: true });
    fake.sockets.set(6, { error: E.ECONNRESET });
    fake.sockets.set(7, {});
    const { waiter } = waiterOver(fake, ['select']);
    assert.deepEqual(waiter.select({ read: [5, 6, 7], write: [6], except: [7] }, 1000), {
      read: [5, 6],
      write: [6],
      except: [],
    });
  });

  for (const kind of ['poll', 'select'] as const) {
    test(`fails as it stands where the profile of a stack with ${kind} does not know of it`, () => {
      const fake = new FakeWaitStack(ORIGINAL);
      fake.sockets.set(6, { error: E.ECONNRESET });
      const { waiter } = waiterOver(fake, [kind], {});
      assert.equal(askPoll(waiter, [[6, BOTH]], 0).ready, -E.ECONNRESET);
    });

    for (const [name, error] of [
      ['EBADF', E.EBADF],
      ['EINVAL', E.EINVAL],
      ['ENOMEM', E.ENOMEM],
    ] as const) {
      test(`still fails with ${name}, which is ${kind}'s own`, () => {
        const fake = new FakeWaitStack(ORIGINAL);
        fake.sockets.set(6, { readable: true });
        const { waiter } = waiterOver(fake, [kind]);
        fake.script = (call) => (call === kind ? { returned: -1, errno: error } : undefined);
        assert.equal(kind === 'poll' ? askPoll(waiter, [[6, BOTH]], 0).ready : selectRead(waiter, 6), -error);
      });
    }

    test(`an interrupted ${kind} goes on with the time that is left`, () => {
      const fake = new FakeWaitStack();
      fake.sockets.set(6, {});
      const { waiter } = waiterOver(fake, [kind]);
      let interruptions = 0;
      fake.script = (call) => {
        if (call !== kind || interruptions === 3) return undefined;
        interruptions++;
        const until = performance.now() + 20;
        while (performance.now() < until);
        return { returned: -1, errno: E.EINTR };
      };
      assert.equal(askPoll(waiter, [[6, POLLIN]], 1000).ready, 0);
      assert.equal(interruptions, 3);
      const [last] = fake.timeouts;
      assert.ok(last !== undefined && last <= 941 && last > 500, `the last call was given ${last} ms`);
    });
  }
});

/** As the stack's own part does with connections. */
function watchAll(fake: FakeWaitStack, pending: PendingErrors): void {
  for (const descriptor of fake.sockets.keys()) pending.watch(descriptor);
}

function selectRead(waiter: ProfileWaiter, descriptor: number) {
  return waiter.select({ read: [descriptor], write: [], except: [] }, 0);
}

describe('an error that the report has cleared', () => {
  const quirks: QuirkFlags = { waitReportsSocketError: true, waitErrorConsumes: true };

  for (const kind of ['poll', 'select'] as const) {
    test(`is kept for its socket, once, by ${kind}`, () => {
      const fake = new FakeWaitStack(quirks);
      fake.sockets.set(5, { readable: true, writable: true });
      fake.sockets.set(6, { error: E.ECONNRESET });
      const { waiter, pending } = waiterOver(fake, [kind]);
      watchAll(fake, pending);
      const found = askPoll(
        waiter,
        [
          [5, BOTH],
          [6, BOTH],
        ],
        0,
      );
      assert.equal(found.ready, 2);
      assert.equal(pending.take(5), 0);
      assert.equal(pending.take(6), E.ECONNRESET);
      assert.equal(pending.take(6), 0);
    });

    test(`makes its socket ready until it is taken, and ${kind} does not wait`, () => {
      const fake = new FakeWaitStack();
      fake.sockets.set(5, { readable: true });
      fake.sockets.set(6, {});
      const { waiter, pending } = waiterOver(fake, [kind]);
      watchAll(fake, pending);
      pending.keep(6, E.ECONNRESET);
      const entries = [
        [5, POLLIN],
        [6, BOTH],
      ] as const;
      assert.deepEqual(askPoll(waiter, entries, 10_000), { ready: 2, revents: [POLLIN, BOTH | POLLERR] });
      assert.ok(
        fake.timeouts.every((timeoutMs) => timeoutMs === 0),
        `waited ${fake.timeouts}`,
      );
      assert.deepEqual(waiter.select({ read: [5, 6], write: [6], except: [6] }, 10_000), {
        read: [5, 6],
        write: [6],
        except: [],
      });
      pending.take(6);
      assert.deepEqual(askPoll(waiter, entries, 0), { ready: 1, revents: [POLLIN, 0] });
    });

    test(`of several is kept for the one that says no more of it; ${kind} loses none`, () => {
      const fake = new FakeWaitStack(quirks);
      fake.sockets.set(5, { error: E.ECONNREFUSED });
      fake.sockets.set(6, { error: E.ECONNRESET });
      fake.sockets.set(7, { error: E.ECONNRESET });
      const { waiter, pending } = waiterOver(fake, [kind]);
      watchAll(fake, pending);
      askPoll(
        waiter,
        [
          [7, BOTH],
          [6, BOTH],
          [5, BOTH],
        ],
        0,
      );
      assert.deepEqual(
        [5, 6, 7].map((descriptor) => pending.take(descriptor)),
        [E.ECONNREFUSED, E.ECONNRESET, E.ECONNRESET],
      );
    });

    test(`of a socket that ${kind} was not asked about is kept for it all the same`, () => {
      const fake = new FakeWaitStack({ ...quirks, outsidersTrigger: true });
      fake.sockets.set(5, {});
      fake.sockets.set(6, { readable: true });
      fake.sockets.set(8, { error: E.ECONNRESET });
      const { waiter, pending } = waiterOver(fake, [kind]);
      watchAll(fake, pending);
      askPoll(
        waiter,
        [
          [5, BOTH],
          [6, POLLIN],
        ],
        0,
      );
      assert.deepEqual(
        [5, 6, 8].map((descriptor) => pending.take(descriptor)),
        [0, 0, E.ECONNRESET],
      );
    });
  }

  test('closing a socket forgets it: the number may come back as another one', () => {
    const pending = new PendingErrors();
    pending.keep(6, E.ECONNRESET);
    pending.forget(6);
    assert.equal(pending.take(6), 0);
  });
});

describe('an error of a socket that nobody asked about', () => {
  for (const kind of ['poll', 'select'] as const) {
    test(`does not make ${kind} spin`, () => {
      const fake = new FakeWaitStack({ ...ORIGINAL, outsidersTrigger: true });
      fake.sockets.set(5, {});
      fake.sockets.set(6, { error: E.ECONNRESET });
      const { waiter } = waiterOver(fake, [kind]);
      const start = performance.now();
      assert.deepEqual(askPoll(waiter, [[5, POLLIN]], 300), { ready: 0, revents: [0] });
      const elapsed = performance.now() - start;
      assert.ok(elapsed >= 300, `it ended after ${elapsed} ms`);
      // Pauses of 1, 2, 4, 8, 16 and then 32 ms make 14 calls of 300 ms.
      assert.ok(fake.count(kind) <= 16, `${fake.count(kind)} calls`);
      assert.ok(fake.count(kind) >= 4, `${fake.count(kind)} calls`);
    });

    test(`does not hide what ${kind} was asked about`, () => {
      const fake = new FakeWaitStack({ ...ORIGINAL, outsidersTrigger: true });
      fake.sockets.set(5, {});
      fake.sockets.set(6, { error: E.ECONNRESET });
      const { waiter } = waiterOver(fake, [kind]);
      let asked = 0;
      fake.script = (call) => {
        if (call === kind && ++asked === 5) fake.sockets.set(5, { readable: true });
        return undefined;
      };
      assert.deepEqual(askPoll(waiter, [[5, POLLIN]], 5000), { ready: 1, revents: [POLLIN] });
    });
  }
});

describe('pollErrorCountIsMinusOne', () => {
  const quirks: QuirkFlags = { pollErrorCountIsMinusOne: true };

  test('the count is made from the answers', () => {
    const fake = new FakeWaitStack({ waitReportsSocketError: true });
    fake.sockets.set(5, { readable: true });
    fake.sockets.set(6, { error: E.ECONNRESET });
    const { waiter } = waiterOver(fake, ['poll'], quirks);
    assert.deepEqual(
      askPoll(
        waiter,
        [
          [5, POLLIN],
          [6, POLLIN],
        ],
        1000,
      ),
      { ready: 2, revents: [POLLIN, POLLIN | BROKEN] },
    );
    assert.equal(fake.count('poll'), 1);
  });

  test('without answers each entry is asked by itself, and nobody is missed', () => {
    const fake = new FakeWaitStack({ waitReportsSocketError: true, leavesAnswersOut: true });
    fake.sockets.set(5, { readable: true });
    fake.sockets.set(6, { error: E.ECONNRESET });
    fake.sockets.set(7, {});
    const { waiter, pending } = waiterOver(fake, ['poll'], quirks);
    const found = askPoll(
      waiter,
      [
        [5, POLLIN],
        [6, POLLIN],
        [7, POLLIN],
      ],
      1000,
    );
    assert.deepEqual(found, { ready: 2, revents: [POLLIN, POLLIN | POLLERR, 0] });
    assert.equal(pending.take(6), E.ECONNRESET);
  });

  test('a failure without any answer is a failure', () => {
    const fake = new FakeWaitStack();
    fake.sockets.set(5, {});
    const { waiter } = waiterOver(fake, ['poll'], quirks);
    let first = true;
    fake.script = (call) => {
      if (call !== 'poll' || !first) return undefined;
      first = false;
      return { returned: -1, errno: E.ENOMEM };
    };
    assert.equal(askPoll(waiter, [[5, POLLIN]], 0).ready, -E.ENOMEM);
  });
});

describe('pollInvalidFdAborts', () => {
  const quirks: QuirkFlags = { pollInvalidFdAborts: true };

  test('what stands behind an invalid entry is polled by itself, and stale answers are none', () => {
    const fake = new FakeWaitStack(quirks);
    fake.sockets.set(5, { readable: true });
    fake.sockets.set(6, { readable: true });
    fake.sockets.set(7, {});
    const { waiter } = waiterOver(fake, ['poll']);
    const entries = [
      [5, POLLIN],
      [99, POLLIN],
      [7, POLLIN],
      [98, POLLIN],
      [6, POLLIN],
      [97, POLLIN],
    ] as const;
    assert.deepEqual(askPoll(waiter, entries, 1000), {
      ready: 5,
      revents: [POLLIN, POLLNVAL, 0, POLLNVAL, POLLIN, POLLNVAL],
    });
    assert.equal(fake.count('poll'), 3);
  });

  test('a failure without an invalid entry is a failure', () => {
    const fake = new FakeWaitStack(quirks);
    fake.sockets.set(5, {});
    const { waiter } = waiterOver(fake, ['poll']);
    let first = true;
    fake.script = (call) => {
      if (call !== 'poll' || !first) return undefined;
      first = false;
      return { returned: -1, errno: E.ENOMEM };
    };
    assert.equal(askPoll(waiter, [[5, POLLIN]], 0).ready, -E.ENOMEM);
  });

  test('the fake stack does it: without the flag the call fails', () => {
    const fake = new FakeWaitStack(quirks);
    fake.sockets.set(5, { readable: true });
    const { waiter } = waiterOver(fake, ['poll'], {});
    assert.ok(
      askPoll(
        waiter,
        [
          [5, POLLIN],
          [99, POLLIN],
        ],
        0,
      ).ready < 0,
    );
    assert.equal(BITS.POLLNVAL, 0x400);
  });
});
