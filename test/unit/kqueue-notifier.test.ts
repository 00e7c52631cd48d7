import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ENDING, type Notifier, READABLE, WRITABLE } from '../../src/bsd/notifier.js';
import { openWaits } from '../../src/bsd/waiting/open-waits.js';
import { PendingErrors } from '../../src/bsd/waiting/pending-errors.js';
import { PollTable } from '../../src/bsd/waiting/poll-table.js';
import { ReadableEdges } from '../../src/bsd/waiting/readable-edges.js';
import { POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT } from '../../src/bsd/waiting/waiter.js';
import { LINUX, openStack } from '../../src/stack.js';
import { E, FakeKqueue, K, type Kevent } from '../support/fake-kqueue.js';
import { until } from '../support/waiting.js';

const { EVFILT_READ, EVFILT_WRITE, EV_ADD, EV_DELETE, EV_ONESHOT, EV_EOF, EV_ERROR } = K;
const ASK = EV_ADD | EV_ONESHOT;
const ALL = READABLE | WRITABLE | ENDING;

type Report = readonly [index: number, generation: number, report: number];

function reportsOf(notifier: Notifier): Report[] {
  const reports: Report[] = [];
  notifier.wait((...report) => reports.push(report));
  return reports;
}

function open() {
  const fake = new FakeKqueue();
  const waits = openWaits(fake.profile(), fake, new PendingErrors());
  const notifier = waits.makeNotifier();
  /** Registers a socket; gives what makes reports of it, with the udata that came with its registration. */
  const add = (descriptor: number, index: number, generation: number) => {
    assert.equal(notifier.add(descriptor, index, generation), 0);
    const udata = fake.calls.at(-1)?.changes[0]?.udata ?? 0;
    return (filter: number, flags = 0, more: Partial<Kevent> = {}): Kevent => ({
      ident: descriptor,
      filter,
      flags,
      udata,
      ...more,
    });
  };
  return { fake, waits, notifier, add };
}

/** The changes of the last call: descriptor, filter, flags. */
function lastChanges(fake: FakeKqueue) {
  return fake.calls.at(-1)?.changes.map(({ ident, filter, flags }) => [ident, filter, flags]);
}

describe('a notifier over kqueue', () => {
  test('a socket is registered at once for one report of each direction, and no report is taken by that', () => {
    const { fake, add } = open();
    add(5, 1, 10);
    assert.equal(fake.calls.length, 1);
    assert.equal(fake.calls[0]?.kqueue, 77);
    assert.equal(fake.calls[0]?.room, 0);
    assert.equal(fake.calls[0]?.timeout, 0);
    assert.deepEqual(lastChanges(fake), [
      [5, EVFILT_READ, ASK],
      [5, EVFILT_WRITE, ASK],
    ]);
  });

  test('a direction is asked for again only when it was reported and is wanted, along with the next wait', () => {
    const { fake, notifier, add } = open();
    const event = add(5, 1, 10);
    fake.answers.push([event(EVFILT_READ), event(EVFILT_WRITE)]);
    assert.deepEqual(reportsOf(notifier), [
      [1, 10, READABLE],
      [1, 10, WRITABLE],
    ]);
    assert.deepEqual(reportsOf(notifier), []);
    assert.deepEqual(lastChanges(fake), []);
    const before = fake.calls.length;
    notifier.want(5, true, false);
    notifier.want(5, true, false);
    assert.equal(fake.calls.length, before, 'a want costs no call');
    fake.answers.push([event(EVFILT_READ)]);
    assert.deepEqual(reportsOf(notifier), [[1, 10, READABLE]]);
    assert.deepEqual(lastChanges(fake), [[5, EVFILT_READ, ASK]]);
    notifier.want(5, false, true);
    reportsOf(notifier);
    assert.deepEqual(lastChanges(fake), [[5, EVFILT_WRITE, ASK]]);
    notifier.want(5, false, true);
    reportsOf(notifier);
    assert.deepEqual(lastChanges(fake), [], 'it is asked for already');
  });

  test('the end of what can be received is told with it, and an error in both directions, once', () => {
    const { fake, notifier, add } = open();
    const event = add(5, 1, 10);
    fake.answers.push([event(EVFILT_READ, EV_EOF)]);
    assert.deepEqual(reportsOf(notifier), [[1, 10, READABLE | ENDING]]);
    fake.answers.push([event(EVFILT_WRITE, EV_EOF)]);
    assert.deepEqual(reportsOf(notifier), [[1, 10, WRITABLE]], 'this end was shut down');
    const other = add(6, 2, 20);
    fake.answers.push([
      other(EVFILT_READ, EV_EOF, { fflags: E.ECONNRESET }),
      other(EVFILT_WRITE, EV_EOF, { fflags: E.ECONNRESET }),
    ]);
    assert.deepEqual(reportsOf(notifier), [[2, 20, ALL]]);
    const third = add(7, 3, 30);
    fake.answers.push([third(EVFILT_WRITE, EV_EOF, { fflags: E.ECONNREFUSED })]);
    assert.deepEqual(reportsOf(notifier), [[3, 30, ALL]]);
    assert.equal((notifier as unknown as { wantsAnything: boolean }).wantsAnything, false);
    const fourth = add(8, 4, 40);
    // What fflags hold otherwise is no error.
    fake.answers.push([fourth(EVFILT_READ, 0, { fflags: 2 })]);
    assert.deepEqual(reportsOf(notifier), [[4, 40, READABLE]]);
  });

  test('a want that the stack refuses is told as an error, and is made again when it is wanted again', () => {
    const { fake, notifier, add } = open();
    const event = add(5, 1, 10);
    fake.answers.push([event(EVFILT_READ)]);
    reportsOf(notifier);
    notifier.want(5, true, false);
    fake.answers.push([event(EVFILT_READ, EV_ERROR, { data: E.ENOMEM })]);
    assert.deepEqual(reportsOf(notifier), [[1, 10, ALL]]);
    notifier.want(5, true, false);
    reportsOf(notifier);
    assert.deepEqual(lastChanges(fake), [[5, EVFILT_READ, ASK]]);
  });

  test('a registration that the stack refuses leaves nothing behind', () => {
    const { fake, notifier } = open();
    fake.answers.push({ fails: E.EBADF });
    assert.equal(notifier.add(5, 1, 10), E.EBADF);
    assert.deepEqual(lastChanges(fake), [[5, EVFILT_READ, EV_DELETE]]);
    notifier.want(5, true, true);
    reportsOf(notifier);
    assert.deepEqual(lastChanges(fake), []);
  });

  test('a removal takes back what is asked for, before the descriptor is closed', () => {
    const { fake, notifier, add } = open();
    const event = add(5, 1, 10);
    fake.answers.push([event(EVFILT_WRITE)]);
    reportsOf(notifier);
    // Wanted, and not yet asked for: it must not be either.
    notifier.want(5, false, true);
    notifier.remove(5);
    assert.deepEqual(lastChanges(fake), [[5, EVFILT_READ, EV_DELETE]]);
    fake.answers.push([event(EVFILT_READ)]);
    assert.deepEqual(reportsOf(notifier), []);
    assert.deepEqual(lastChanges(fake), []);
  });

  test('what was under way for a socket that is gone does not reach the next of its descriptor', () => {
    const { fake, notifier, add } = open();
    const old = add(5, 1, 10);
    const other = add(6, 2, 20);
    fake.answers.push([other(EVFILT_READ), old(EVFILT_READ)]);
    const seen: Report[] = [];
    notifier.wait((...report) => {
      seen.push(report);
      notifier.remove(5);
      add(5, 3, 30);
    });
    assert.deepEqual(seen, [[2, 20, READABLE]]);
  });

  test('an interrupted wait is made again with its changes, and not for ever', () => {
    const { fake, notifier, add } = open();
    const event = add(5, 1, 10);
    fake.answers.push([event(EVFILT_READ)]);
    reportsOf(notifier);
    notifier.want(5, true, false);
    fake.answers.push({ fails: E.EINTR }, { fails: E.EINTR }, [event(EVFILT_READ)]);
    assert.deepEqual(reportsOf(notifier), [[1, 10, READABLE]]);
    assert.deepEqual(lastChanges(fake), [[5, EVFILT_READ, ASK]]);
    const before = fake.calls.length;
    for (let i = 0; i < 20; i++) fake.answers.push({ fails: E.EINTR });
    notifier.want(5, true, false);
    reportsOf(notifier);
    assert.ok(fake.calls.length - before < 20);
  });

  test('where the stack cannot wait, everybody is told to try, and wants are made anew', () => {
    const { fake, notifier, add } = open();
    add(5, 1, 10);
    fake.answers.push({ fails: E.ENOMEM });
    assert.deepEqual(reportsOf(notifier), [[1, 10, READABLE | WRITABLE]]);
    notifier.want(5, true, false);
    reportsOf(notifier);
    assert.deepEqual(lastChanges(fake), [[5, EVFILT_READ, ASK]]);
  });

  test('as much as one call can bring may not be all', () => {
    const { fake, notifier, add } = open();
    const event = add(5, 1, 10);
    fake.answers.push(Array.from({ length: notifier.reportsPerWait }, () => event(EVFILT_READ)));
    assert.equal(
      notifier.wait(() => undefined),
      true,
    );
    assert.equal(fake.calls.at(-1)?.room, notifier.reportsPerWait);
    assert.equal(
      notifier.wait(() => undefined),
      false,
    );
  });

  test('timers look for what comes, and never while nothing is wanted; closing closes the kqueue', async () => {
    const { fake, notifier, add } = open();
    const reports: number[] = [];
    const watch = notifier.watch(() => notifier.wait((_index, _generation, report) => reports.push(report)));
    const event = add(5, 1, 10);
    fake.answers.push([event(EVFILT_READ), event(EVFILT_WRITE)]);
    await until(() => reports.length === 2, 'the reports');
    await delay(20);
    const idle = fake.calls.length;
    await delay(50);
    assert.equal(fake.calls.length, idle);
    notifier.want(5, true, false);
    fake.answers.push([event(EVFILT_READ)]);
    await until(() => reports.length === 3, 'the third report');
    watch.close();
    notifier.close();
    assert.deepEqual(fake.closed, [77]);
  });
});

test('a kqueue of the host is watched by the host', { skip: process.platform !== 'linux' }, async () => {
  // Anything that becomes readable stands in for the kqueue: macOS is not at hand.
  const { stack, close } = openStack(LINUX);
  const stand = stack.socket('IPv4', 'datagram', true);
  stack.bind(stand, { family: 'IPv4', address: '127.0.0.1', port: 0 });
  const address = stack.localAddress(stand);
  assert.ok(address);
  const fake = new FakeKqueue();
  fake.descriptor = stand;
  const edges = () => new ReadableEdges();
  const notifier = openWaits(fake.profile(), fake, new PendingErrors(), undefined, edges).makeNotifier();
  notifier.add(5, 1, 10);
  const key = fake.calls[0]?.changes[0]?.udata ?? 0;
  const reports: number[] = [];
  let looks = 0;
  const watch = notifier.watch(() => {
    looks++;
    stack.recv(stand, new Uint8Array(8), 8);
    notifier.wait((_index, _generation, report) => reports.push(report));
  });
  await until(() => looks > 0, 'the first look');
  await delay(30);
  const before = looks;
  await delay(100);
  assert.equal(looks, before, 'nothing comes, and nobody looks');
  fake.answers.push([{ ident: 5, udata: key, filter: EVFILT_READ, flags: 0 }]);
  stack.connect(stand, address);
  stack.send(stand, new Uint8Array(1), 1);
  await until(() => reports.length > 0, 'the report');
  assert.deepEqual(reports, [READABLE]);
  watch.close();
  notifier.close();
  stack.close(stand);
  close();
});

describe('a poll built from kqueue', () => {
  function table(...entries: readonly (readonly [descriptor: number, events: number])[]) {
    const made = new PollTable();
    for (const [descriptor, events] of entries) made.push(descriptor, events);
    return made;
  }

  test('asks for the time of one wait, and answers as poll does', () => {
    const { fake, waits } = open();
    const entries = table([5, POLLIN], [6, POLLIN | POLLOUT], [7, 0], [-1, POLLIN], [8, POLLIN]);
    fake.answers.push([], [], [], { fails: E.EBADF });
    fake.answers.push([
      { ident: 5, udata: 5, filter: EVFILT_READ, flags: EV_EOF },
      { ident: 6, udata: 6, filter: EVFILT_WRITE, flags: EV_EOF, fflags: E.ECONNRESET },
    ]);
    assert.equal(waits.waiter.poll(entries, 1000), 3);
    assert.deepEqual([...entries.revents.subarray(0, 5)], [POLLIN, POLLOUT | POLLERR | POLLHUP, 0, 0, POLLNVAL]);
    assert.equal(fake.calls[4]?.timeout, 0, 'there was something to answer already');
    const back = fake.calls
      .slice(5)
      .flatMap(({ changes }) => changes.map(({ ident, filter, flags }) => [ident, filter, flags]));
    assert.deepEqual(back, [
      [6, EVFILT_READ, EV_DELETE],
      [7, EVFILT_READ, EV_DELETE],
    ]);
  });

  test('goes on where what came was not asked for, for what is left of the time', () => {
    const { fake, waits } = open();
    const entries = table([5, 0], [6, POLLIN]);
    fake.answers.push([], [], [{ ident: 5, udata: 5, filter: EVFILT_READ, flags: 0 }], []);
    assert.equal(waits.waiter.poll(entries, 1500), 0);
    assert.equal(fake.calls[2]?.timeout, 1.5e9);
    const second = fake.calls[3]?.timeout ?? 0;
    assert.ok(second > 1e9 && second < 1.5e9, String(second));
  });

  test('an interruption costs none of the time, and without an end there is none', () => {
    const { fake, waits } = open();
    fake.answers.push([], { fails: E.EINTR }, [], [], [{ ident: 5, udata: 5, filter: EVFILT_READ, flags: 0 }]);
    const entries = table([5, POLLIN]);
    assert.equal(waits.waiter.poll(entries, Number.POSITIVE_INFINITY), 1);
    assert.deepEqual(
      fake.calls.map(({ timeout }) => timeout),
      [0, null, 0, 0, null],
    );
  });
});
