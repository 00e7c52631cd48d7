import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ENDING, type Notifier, READABLE, WRITABLE } from '../../src/bsd/notifier.js';
import type { SimulationFlags } from '../../src/bsd/simulation/flags.js';
import { SimulatedStack } from '../../src/bsd/simulation/simulated-stack.js';
import type { BsdStack } from '../../src/bsd/stack.js';
import { PollTable } from '../../src/bsd/waiting/poll-table.js';
import { POLLIN } from '../../src/bsd/waiting/waiter.js';
import { type OpenStack, openStack, PROFILES, type StackProfile } from '../../src/stack.js';
import { until } from '../support/waiting.js';

const DARWIN = PROFILES['darwin'] as StackProfile;
const ANY_PORT = { family: 'IPv4', address: '127.0.0.1', port: 0 } as const;
// Of sys/event.h and sys/errno.h.
const [EVFILT_READ, EVFILT_WRITE, EVFILT_TIMER] = [-1, -2, -7];
const [EV_ADD, EV_DELETE, EV_ONESHOT, EV_ERROR, EV_EOF] = [1, 2, 0x10, 0x4000, 0x8000];
const [ENOENT, EBADF, EINVAL, ECONNRESET] = [2, 9, 22, 54];
const KEVENT_BYTES = 32;

interface Stage {
  readonly open: OpenStack;
  readonly stack: BsdStack;
  readonly library: SimulatedStack;
}

function withStack(run: (stage: Stage) => void | Promise<void>, flags?: SimulationFlags) {
  return async () => {
    const library = new SimulatedStack(DARWIN, flags);
    const open = openStack({ ...DARWIN, waits: ['kqueue'] }, library);
    try {
      await run({ open, stack: open.stack, library });
    } finally {
      open.close();
      library.destroy();
    }
  };
}

function succeeded(result: number): number {
  assert.ok(result >= 0, `failed with ${-result}`);
  return result;
}

/** A connection to itself: the client's end, the server's end. */
async function pair({ stack, open }: Stage): Promise<[number, number]> {
  const listener = succeeded(stack.socket('IPv4', 'stream', true));
  succeeded(stack.bind(listener, ANY_PORT));
  succeeded(stack.listen(listener, 4));
  const address = stack.localAddress(listener);
  assert.ok(address);
  const client = succeeded(stack.socket('IPv4', 'stream', true));
  stack.connect(client, address);
  const table = new PollTable();
  table.push(listener, POLLIN);
  await until(() => open.waiter.poll(table, 0) > 0, 'a connection');
  const server = succeeded(stack.accept(listener));
  stack.close(listener);
  return [client, server];
}

/** What has been reported of each index until `done`, all together. */
async function reported(notifier: Notifier, done: (reports: ReadonlyMap<number, number>) => boolean) {
  const reports = new Map<number, number>();
  await until(() => {
    notifier.wait((index, _generation, report) => reports.set(index, (reports.get(index) ?? 0) | report));
    return done(reports);
  }, 'reports');
  return reports;
}

function kevents(...all: readonly (readonly [ident: number, filter: number, flags: number])[]): Uint8Array {
  const bytes = new Uint8Array(all.length * KEVENT_BYTES);
  const view = new DataView(bytes.buffer);
  all.forEach(([ident, filter, flags], i) => {
    view.setBigUint64(i * KEVENT_BYTES, BigInt(ident), true);
    view.setInt16(i * KEVENT_BYTES + 8, filter, true);
    view.setUint16(i * KEVENT_BYTES + 10, flags, true);
  });
  return bytes;
}

/** The library's calls by themselves. */
function raw(library: SimulatedStack) {
  const kqueue = library.find('kqueue', { result: 'int32', parameters: [] })?.() ?? -1;
  const call = library.find('kevent', {
    result: 'int32',
    parameters: ['int32', 'memory', 'int32', 'memory', 'int32', 'memory'],
  });
  assert.ok(call !== null && kqueue >= 0);
  const events = new Uint8Array(8 * KEVENT_BYTES);
  const view = new DataView(events.buffer);
  return {
    kevent: (changes: Uint8Array, room: number) =>
      call(kqueue, changes, changes.length / KEVENT_BYTES, room === 0 ? null : events, room, new Uint8Array(16)),
    flagsOf: (i: number) => view.getUint16(i * KEVENT_BYTES + 10, true),
    fflagsOf: (i: number) => view.getUint32(i * KEVENT_BYTES + 12, true),
    dataOf: (i: number) => Number(view.getBigInt64(i * KEVENT_BYTES + 16, true)),
  };
}

// The simulation's, on Linux: nothing of this has run on macOS.
describe("a kqueue of the simulation of macOS's stack", { skip: process.platform !== 'linux' }, () => {
  test(
    'a FIN is an end, and the other direction is as it was',
    withStack(async (stage) => {
      const [client, server] = await pair(stage);
      const notifier = stage.open.makeNotifier();
      notifier.add(client, 1, 0);
      stage.stack.close(server);
      const reports = await reported(notifier, (all) => ((all.get(1) ?? 0) & READABLE) !== 0);
      assert.equal(reports.get(1), READABLE | WRITABLE | ENDING);
      notifier.want(client, false, true);
      const again = await reported(notifier, (all) => all.size > 0);
      assert.equal(again.get(1), WRITABLE);
      notifier.close();
    }),
  );

  test(
    'a reset is an error, which is not lost by being told',
    withStack(async (stage) => {
      const [client, server] = await pair(stage);
      const { kevent, flagsOf, fflagsOf } = raw(stage.library);
      assert.equal(kevent(kevents([client, EVFILT_READ, EV_ADD]), 0), 0);
      assert.equal(kevent(kevents(), 8), 0, 'nothing has come');
      succeeded(stage.stack.lingerZero(server));
      stage.stack.close(server);
      await until(() => kevent(kevents(), 8) === 1, 'the reset');
      assert.equal(kevent(kevents(), 8), 1, 'a level comes again');
      assert.equal(flagsOf(0) & EV_EOF, EV_EOF);
      assert.equal(fflagsOf(0), ECONNRESET);
      assert.equal(stage.stack.recv(client, new Uint8Array(1), 1), -ECONNRESET);
    }),
  );

  test(
    'what is asked for once comes once',
    withStack(({ stack, library }) => {
      const { kevent } = raw(library);
      const descriptor = succeeded(stack.socket('IPv4', 'datagram', true));
      assert.equal(kevent(kevents([descriptor, EVFILT_WRITE, EV_ADD | EV_ONESHOT]), 8), 1);
      assert.equal(kevent(kevents(), 8), 0);
    }),
  );

  test(
    'a stream that was never connected is ready for nothing',
    withStack(({ stack, open }) => {
      const notifier = open.makeNotifier();
      const descriptor = succeeded(stack.socket('IPv4', 'stream', true));
      assert.equal(notifier.add(descriptor, 1, 0), 0);
      const reports: number[] = [];
      notifier.wait((_index, _generation, report) => reports.push(report));
      assert.deepEqual(reports, []);
      notifier.close();
    }),
  );

  test(
    'a close takes a socket out, and the next of its descriptor is nobody yet',
    withStack(async (stage) => {
      const [client, server] = await pair(stage);
      const { kevent } = raw(stage.library);
      assert.equal(kevent(kevents([client, EVFILT_READ, EV_ADD]), 0), 0);
      stage.stack.send(server, new Uint8Array(1), 1);
      await until(() => kevent(kevents(), 8) === 1, 'a byte');
      // It takes the listener's place on the host, so that the next takes the client's.
      succeeded(stage.stack.socket('IPv4', 'datagram', true));
      stage.stack.close(client);
      assert.equal(kevent(kevents(), 8), 0);
      const next = succeeded(stage.stack.socket('IPv4', 'datagram', true));
      assert.equal(next, client);
      succeeded(stage.stack.bind(next, ANY_PORT));
      const address = stage.stack.localAddress(next);
      assert.ok(address);
      succeeded(stage.stack.connect(next, address));
      succeeded(stage.stack.send(next, new Uint8Array(1), 1));
      const table = new PollTable();
      table.push(next, POLLIN);
      await until(() => stage.open.waiter.poll(table, 0) === 1, 'a datagram');
      assert.equal(kevent(kevents(), 8), 0);
      assert.equal(kevent(kevents([client, EVFILT_READ, EV_DELETE]), 0), -1);
      assert.equal(stage.library.lastErrno(), ENOENT);
    }),
  );

  test(
    'a change that fails is told where there is room for it, and fails the call where there is none',
    withStack(({ stack, library }) => {
      const { kevent, flagsOf, dataOf } = raw(library);
      const descriptor = succeeded(stack.socket('IPv4', 'datagram', true));
      const wrong = kevents(
        [descriptor, EVFILT_READ, EV_DELETE],
        [999, EVFILT_READ, EV_ADD],
        [descriptor, EVFILT_TIMER, EV_ADD],
      );
      assert.equal(kevent(wrong, 8), 3);
      assert.deepEqual([dataOf(0), dataOf(1), dataOf(2)], [ENOENT, EBADF, EINVAL]);
      assert.equal(flagsOf(1), EV_ERROR);
      assert.equal(kevent(wrong.subarray(KEVENT_BYTES), 0), -1);
      assert.equal(library.lastErrno(), EBADF);
    }),
  );

  test(
    'signals end no wait early',
    withStack(
      ({ stack, open }) => {
        const descriptor = succeeded(stack.socket('IPv4', 'datagram', true));
        const table = new PollTable();
        table.push(descriptor, POLLIN);
        const start = performance.now();
        assert.equal(open.waiter.poll(table, 30), 0);
        assert.ok(performance.now() - start >= 29);
      },
      { interruptEveryNthWait: 2 },
    ),
  );
});
