import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StackProfile, WaitKind } from '../../src/bsd/profile/profile.js';
import type { QuirkFlags } from '../../src/bsd/profile/quirks.js';
import { PendingErrors } from '../../src/bsd/waiting/pending-errors.js';
import { ProfileWaiter } from '../../src/bsd/waiting/profile-waiter.js';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLPRI } from '../../src/bsd/waiting/waiter.js';
import { askPoll } from '../support/ask-poll.js';
import { E, FakeWaitStack } from '../support/fake-wait-stack.js';

const BOTH = POLLIN | POLLOUT;

function over(profile: StackProfile, fake: FakeWaitStack) {
  const pending = new PendingErrors();
  return { waiter: new ProfileWaiter(profile, fake, pending), pending };
}

function waiterOver(fake: FakeWaitStack, waits: readonly WaitKind[], quirks: QuirkFlags = fake.quirks) {
  return over(fake.profile(waits, quirks), fake);
}

function took(call: () => unknown): number {
  const start = performance.now();
  call();
  return performance.now() - start;
}

const NOBODY = { read: [], write: [], except: [] };

describe('a wait for nothing', () => {
  test('emptySetFails: select of no descriptor sleeps, and so does a poll that is built from it', () => {
    const fake = new FakeWaitStack({ emptySetFails: true });
    const { waiter } = waiterOver(fake, ['select']);
    assert.ok(took(() => assert.deepEqual(waiter.select(NOBODY, 30), NOBODY)) >= 30);
    assert.ok(took(() => assert.equal(askPoll(waiter, [], 30).ready, 0)) >= 30);
    assert.ok(took(() => assert.equal(askPoll(waiter, [[-1, POLLIN]], 30).ready, 0)) >= 30);
    assert.equal(fake.count('select'), 0);
    assert.equal(waiterOver(fake, ['select'], {}).waiter.select(NOBODY, 30), -E.EINVAL);
  });

  test('pollZeroFails: poll of no entry sleeps', () => {
    const fake = new FakeWaitStack({ pollZeroFails: true });
    const { waiter } = waiterOver(fake, ['poll']);
    assert.ok(took(() => assert.equal(askPoll(waiter, [], 30).ready, 0)) >= 30);
    assert.ok(took(() => assert.deepEqual(waiter.select(NOBODY, 30), NOBODY)) >= 30);
    assert.equal(askPoll(waiterOver(fake, ['poll'], {}).waiter, [], 30).ready, -E.EINVAL);
  });

  test('pollZeroReturnsAtOnce: poll of no entry sleeps', () => {
    // The fake never waits: it is such a stack by itself.
    const fake = new FakeWaitStack();
    const { waiter } = waiterOver(fake, ['poll'], { pollZeroReturnsAtOnce: true });
    assert.ok(took(() => assert.equal(askPoll(waiter, [], 30).ready, 0)) >= 30);
    assert.ok(took(() => assert.equal(askPoll(waiterOver(fake, ['poll']).waiter, [], 500).ready, 0)) < 400);
  });
});

describe('timeouts', () => {
  test('timeoutUnit: poll counts microseconds, rounded up, and a long wait is made of several', () => {
    const fake = new FakeWaitStack();
    fake.sockets.set(5, {});
    const { waiter } = waiterOver(fake, ['poll'], { timeoutUnit: 'microseconds' });
    for (const timeoutMs of [0, 7, 0.0004, Number.POSITIVE_INFINITY]) askPoll(waiter, [[5, POLLIN]], timeoutMs);
    assert.deepEqual(fake.timeouts, [0, 7000, 1, Number.POSITIVE_INFINITY]);
    let calls = 0;
    fake.whileWaiting = () => {
      if (++calls === 3) fake.sockets.set(5, { readable: true });
    };
    assert.equal(askPoll(waiter, [[5, POLLIN]], 86_400_000).ready, 1);
    assert.deepEqual(fake.timeouts.slice(4), [2_147_483_000, 2_147_483_000, 2_147_483_000]);
  });

  for (const kind of ['poll', 'select'] as const) {
    test(`longestTimeoutMs: ${kind} is asked for no more at once, even for ever`, () => {
      const fake = new FakeWaitStack();
      fake.sockets.set(5, {});
      const { waiter } = waiterOver(fake, [kind], { longestTimeoutMs: 50 });
      let calls = 0;
      fake.whileWaiting = () => {
        if (++calls === 3) fake.sockets.set(5, { readable: true });
      };
      assert.equal(askPoll(waiter, [[5, POLLIN]], Number.POSITIVE_INFINITY).ready, 1);
      assert.deepEqual(fake.timeouts.slice(0, 3), [50, 50, 50]);
    });
  }

  test('select gets a timeval in its own layout, never early, and NULL for ever', () => {
    const fake = new FakeWaitStack();
    fake.sockets.set(5, { readable: true });
    const { waiter } = waiterOver(fake, ['select']);
    const lists = { read: [5], write: [], except: [] };
    for (const timeoutMs of [0, 2500, 0.0001, 1999.9999, Number.POSITIVE_INFINITY]) waiter.select(lists, timeoutMs);
    assert.deepEqual(fake.timeouts, [0, 2500, 0.001, 2000, Number.POSITIVE_INFINITY]);
  });

  test('nullTimeoutCrashes: for ever is a day, again and again', () => {
    const fake = new FakeWaitStack({ nullTimeoutCrashes: true });
    fake.sockets.set(5, {});
    const { waiter } = waiterOver(fake, ['select']);
    let calls = 0;
    fake.whileWaiting = () => {
      if (++calls === 2) fake.sockets.set(5, { readable: true });
    };
    const lists = { read: [5], write: [], except: [] };
    assert.deepEqual(waiter.select(lists, Number.POSITIVE_INFINITY), lists);
    assert.deepEqual(fake.timeouts, [86_400_000, 86_400_000]);
    assert.throws(() => waiterOver(fake, ['select'], {}).waiter.select(lists, Number.POSITIVE_INFINITY), /crashed/);
  });
});

describe('failed connects', () => {
  const failed = { error: E.ECONNREFUSED, unconnected: true };

  test('connectFailOnlyInExcept: the third set is always watched, and POSIX sees a readable and writable socket', () => {
    const fake = new FakeWaitStack({ connectFailOnlyInExcept: true });
    fake.sockets.set(5, { ...failed });
    fake.sockets.set(6, { ...failed });
    fake.sockets.set(7, { urgent: true });
    const { waiter, pending } = waiterOver(fake, ['select']);
    assert.deepEqual(waiter.select({ read: [6], write: [5, 6, 7], except: [7] }, 0), {
      read: [6],
      write: [5, 6],
      except: [7],
    });
    assert.deepEqual(
      [5, 6, 7].map((descriptor) => pending.take(descriptor)),
      [E.ECONNREFUSED, E.ECONNREFUSED, 0],
    );
    fake.sockets.set(5, { ...failed });
    assert.equal(askPoll(waiter, [[5, POLLOUT]], 0).revents[0], POLLOUT | POLLERR | POLLHUP);
    fake.sockets.set(5, { ...failed });
    assert.deepEqual(waiterOver(fake, ['select'], {}).waiter.select({ read: [], write: [5], except: [] }, 0), NOBODY);
  });

  test('connectFailOnlyInExcept: urgent data that nobody asked about does not make it spin', () => {
    const fake = new FakeWaitStack({ connectFailOnlyInExcept: true });
    fake.sockets.set(5, { urgent: true });
    const { waiter } = waiterOver(fake, ['select']);
    assert.deepEqual(waiter.select({ read: [], write: [5], except: [] }, 100), NOBODY);
    assert.ok(fake.count('select') <= 10, `${fake.count('select')} calls`);
  });

  test('connectFailInvisible: SO_ERROR is asked for, at first often and then less', () => {
    const fake = new FakeWaitStack({ connectFailInvisible: true });
    fake.sockets.set(5, { unconnected: true });
    const { waiter, pending } = waiterOver(fake, ['poll']);
    let calls = 0;
    fake.whileWaiting = () => {
      if (++calls === 7) fake.sockets.set(5, { ...failed });
    };
    assert.deepEqual(askPoll(waiter, [[5, POLLOUT]], 60_000), { ready: 1, revents: [POLLOUT | POLLERR | POLLHUP] });
    assert.deepEqual(fake.timeouts, [4, 8, 16, 32, 64, 64, 64]);
    assert.equal(pending.take(5), E.ECONNREFUSED);
    fake.sockets.set(5, { ...failed });
    assert.equal(askPoll(waiterOver(fake, ['poll'], {}).waiter, [[5, POLLOUT]], 0).ready, 0);
  });
});

describe('what the answers say', () => {
  test('exceptNeverSet: the third set comes from poll', () => {
    const fake = new FakeWaitStack({ exceptNeverSet: true });
    fake.sockets.set(5, { urgent: true, readable: true });
    const lists = { read: [5], write: [], except: [5] };
    assert.deepEqual(waiterOver(fake, ['select', 'poll']).waiter.select(lists, 0), lists);
    assert.deepEqual(waiterOver(fake, ['select', 'poll'], {}).waiter.select(lists, 0), { ...lists, except: [] });
  });

  test('hupFoldedIntoIn: a connection that is over has hung up, and data alone has not', () => {
    const fake = new FakeWaitStack({ hupFoldedIntoIn: true });
    fake.sockets.set(5, { hangUp: true });
    fake.sockets.set(6, { readable: true, writable: true });
    fake.sockets.set(7, { readable: true, listener: true });
    const entries = [
      [5, BOTH],
      [6, BOTH],
      [7, BOTH],
      [5, POLLOUT],
      [5, 0],
    ] as const;
    assert.deepEqual(askPoll(waiterOver(fake, ['poll']).waiter, entries, 0).revents, [
      BOTH | POLLHUP,
      BOTH,
      POLLIN,
      POLLOUT | POLLHUP,
      POLLHUP,
    ]);
    assert.equal(askPoll(waiterOver(fake, ['poll'], {}).waiter, entries, 0).revents[0], BOTH);
  });

  test('selectCountsDescriptors: a count of descriptors hides none of the bits', () => {
    const fake = new FakeWaitStack({ selectCountsDescriptors: true });
    for (const descriptor of [5, 6]) fake.sockets.set(descriptor, { readable: true, writable: true });
    const lists = { read: [5, 6], write: [5, 6], except: [] };
    assert.deepEqual(waiterOver(fake, ['select']).waiter.select(lists, 0), lists);
    assert.equal(fake.count('select'), 1, 'nothing was asked twice');
  });

  test('descriptorTagBits: in the sets only the number counts, in pollfd the whole descriptor', () => {
    const tag = 0x4000_0000;
    const fake = new FakeWaitStack({ descriptorTagBits: tag });
    fake.sockets.set(tag | 5, { readable: true });
    fake.sockets.set(tag | 40, { writable: true });
    const lists = { read: [tag | 5, tag | 40], write: [tag | 40], except: [] };
    const found = { read: [tag | 5], write: [tag | 40], except: [] };
    assert.deepEqual(waiterOver(fake, ['select']).waiter.select(lists, 0), found);
    assert.deepEqual(waiterOver(fake, ['poll']).waiter.select(lists, 0), found);
    assert.throws(() => waiterOver(fake, ['select'], {}).waiter.select(lists, 0), { code: 'ERR_OUT_OF_RANGE' });
  });
});

describe('sets of another shape', () => {
  test('an array of descriptors: more than it holds are asked in several calls', () => {
    const fake = new FakeWaitStack({ emptySetFails: true });
    const all = Array.from({ length: 11 }, (_, i) => 1000 + 4 * i);
    for (const descriptor of all) fake.sockets.set(descriptor, {});
    const { waiter } = over(fake.profile(['select'], fake.quirks, 'array'), fake);
    fake.sockets.set(1040, { readable: true });
    fake.sockets.set(1000, { readable: true, urgent: true });
    assert.deepEqual(waiter.select({ read: all, write: [1000], except: [1000] }, 0), {
      read: [1000, 1040],
      write: [],
      except: [1000],
    });
    fake.sockets.set(1040, {});
    fake.sockets.set(1000, {});
    let waits = 0;
    fake.whileWaiting = () => {
      if (++waits === 5) fake.sockets.set(1020, { readable: true });
    };
    assert.deepEqual(waiter.select({ read: all, write: [], except: [] }, 60_000), { ...NOBODY, read: [1020] });
    const lengths = fake.timeouts.filter((timeoutMs) => timeoutMs > 0);
    assert.deepEqual(lengths, [1, 2, 4, 8, 16]);
  });

  test('fd_sets whose first bit is not descriptor 0', () => {
    const fake = new FakeWaitStack();
    const profile = fake.profile(['select']);
    const fdSet = { kind: 'bits', bits: 64, wordBytes: 4, offset: 100 } as const;
    const { waiter } = over({ ...profile, layouts: { ...profile.layouts, fdSet } }, fake);
    assert.deepEqual(
      [99, 100, 163, 164].map((descriptor) => waiter.canSelect(descriptor)),
      [false, true, true, false],
    );
    assert.throws(() => waiter.select({ read: [99], write: [], except: [] }, 0), { code: 'ERR_OUT_OF_RANGE' });
  });

  test('a descriptor that no set can hold is refused by name, in any list', () => {
    const fake = new FakeWaitStack({}, 64);
    fake.sockets.set(64, { readable: true });
    const { waiter } = waiterOver(fake, ['select']);
    const expected = { code: 'ERR_OUT_OF_RANGE', message: /^Descriptor 64 / };
    assert.throws(() => waiter.select({ read: [64], write: [], except: [] }, 0), expected);
    assert.throws(() => waiter.select({ read: [], write: [64], except: [] }, 0), expected);
    assert.throws(() => waiter.select({ read: [], write: [], except: [64] }, 0), expected);
    assert.deepEqual(
      [63, 64].map((descriptor) => waiter.canPoll(descriptor)),
      [true, false],
    );
    assert.ok(waiterOver(fake, ['poll']).waiter.canPoll(64));
    assert.deepEqual(waiterOver(fake, ['poll']).waiter.select({ read: [64], write: [], except: [] }, 0), {
      ...NOBODY,
      read: [64],
    });
  });

  test('select built from poll: a hang-up that no list can show does not make it spin', () => {
    const fake = new FakeWaitStack();
    fake.sockets.set(5, { hangUp: true });
    const { waiter } = waiterOver(fake, ['poll']);
    assert.deepEqual(waiter.select({ read: [], write: [], except: [5] }, 100), NOBODY);
    assert.ok(fake.count('poll') <= 10, `${fake.count('poll')} calls`);
  });

  test('poll built from select: an entry that waits for nothing but an error hears of it', () => {
    const fake = new FakeWaitStack();
    fake.sockets.set(5, { readable: true });
    const { waiter } = waiterOver(fake, ['select']);
    let calls = 0;
    fake.script = (call) => {
      if (call === 'select' && ++calls === 8) fake.sockets.set(5, { error: E.ECONNRESET });
      return undefined;
    };
    assert.deepEqual(askPoll(waiter, [[5, 0]], 60_000), { ready: 1, revents: [POLLERR | POLLHUP] });
    assert.equal(askPoll(waiter, [[5, POLLPRI]], 0).revents[0], POLLERR | POLLHUP);
  });
});
