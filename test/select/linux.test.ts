import assert from 'node:assert/strict';
import { closeSync, openSync, writeSync } from 'node:fs';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLOUT,
  type PollEntry,
  poll,
  pollSync,
  select,
  selectSync,
} from '../../src/select.js';
import { LINUX, openStack } from '../../src/stack.js';
import { openPipe, type Pipe } from '../support/pipes.js';
import { soon } from '../support/waiting.js';

/** A number that nothing in this process has. */
const NOT_OPEN = 900;

function entry(socket: number, events = POLLIN): PollEntry & { revents: number } {
  return { socket, events, revents: -1 };
}

describe('poll and select of Linux descriptors', () => {
  let pipe: Pipe;
  beforeEach(() => {
    pipe = openPipe();
  });
  afterEach(() => {
    pipe.close();
  });

  test('an empty pipe can be written to and not read from', async () => {
    const entries = [entry(pipe.reader), entry(pipe.writer, POLLOUT), entry(pipe.writer, POLLIN), entry(-1)];
    assert.equal(pollSync(entries, 0), 1);
    assert.deepEqual(
      entries.map(({ revents }) => revents),
      [0, POLLOUT, 0, 0],
    );
    assert.equal(await poll(entries, 1000), 1);
    const lists = [[pipe.reader], [pipe.writer], [pipe.reader]] as const;
    const expected = { read: [], write: [pipe.writer], except: [], count: 1 };
    assert.deepEqual(selectSync(...lists, 0), expected);
    assert.deepEqual(await select(...lists, 1000), expected);
  });

  test('the promise settles when something comes, and the event loop goes on until then', async () => {
    const entries = [entry(pipe.reader)];
    // The same thread writes: a wait that blocked it would never end.
    setTimeout(() => writeSync(pipe.writer, 'x'), 60);
    assert.equal(await soon(poll(entries), 'the pipe'), 1);
    assert.equal(entries[0]?.revents, POLLIN);
    assert.deepEqual((await soon(select([pipe.reader]), 'the pipe')).read, [pipe.reader]);
  });

  test('the promise costs nothing while nothing comes', async () => {
    const before = process.cpuUsage();
    const start = performance.now();
    assert.equal(await poll([entry(pipe.reader)], 400), 0);
    const elapsedMs = performance.now() - start;
    const { user, system } = process.cpuUsage(before);
    assert.ok(elapsedMs >= 400, `${elapsedMs} ms`);
    assert.ok((user + system) / 1000 < 100, `${(user + system) / 1000} ms of processor time`);
  });

  test('a timeout never ends early', async () => {
    for (const timeoutMs of [0.5, 1, 20]) {
      for (const wait of [
        () => pollSync([entry(pipe.reader)], timeoutMs),
        () => selectSync([pipe.reader], null, null, timeoutMs).count,
        () => poll([entry(pipe.reader)], timeoutMs),
        () => select([pipe.reader], null, null, timeoutMs).then(({ count }) => count),
      ]) {
        const start = performance.now();
        assert.equal(await wait(), 0);
        assert.ok(performance.now() - start >= timeoutMs, `${performance.now() - start} ms instead of ${timeoutMs}`);
      }
    }
  });

  test('the end of a pipe is POLLHUP, whatever is asked, and readable', async () => {
    pipe.closeWriter();
    const entries = [entry(pipe.reader, 0), entry(pipe.reader)];
    assert.equal(pollSync(entries), 2);
    assert.deepEqual(
      entries.map(({ revents }) => revents),
      [POLLHUP, POLLHUP],
    );
    assert.deepEqual((await select([pipe.reader])).read, [pipe.reader]);
  });

  test('a descriptor that is not open is POLLNVAL, and EBADF for select: 7 as well as one above all that are', async () => {
    const entries = [entry(NOT_OPEN), entry(pipe.writer, POLLOUT)];
    assert.equal(await poll(entries), 2);
    assert.deepEqual(
      entries.map(({ revents }) => revents),
      [POLLNVAL, POLLOUT],
    );
    for (const descriptor of [NOT_OPEN, 1023]) {
      assert.throws(() => selectSync([descriptor], [pipe.writer], null, 0), { code: 'EBADF', syscall: 'select' });
      assert.throws(() => selectSync(null, [descriptor], null, 0), { code: 'EBADF' });
      await assert.rejects(select([descriptor], null, null, 10), { code: 'EBADF' });
    }
  });

  test('descriptors from 1024 on can be polled, and are refused by select', async () => {
    const readers: number[] = [];
    while ((readers.at(-1) ?? 0) < 1030) readers.push(pipe.anotherReader());
    const [high] = readers.slice(-1) as [number];
    const entries = readers.map((reader) => entry(reader));
    assert.equal(pollSync(entries, 0), 0);
    const waiting = poll(entries);
    writeSync(pipe.writer, 'x');
    assert.equal(await soon(waiting, 'a high descriptor'), readers.length);
    assert.equal(pollSync([entry(high)], 0), 1);
    const expected = { code: 'ERR_OUT_OF_RANGE', message: new RegExp(`write\\[1\\] is descriptor ${high}`) };
    assert.throws(() => selectSync(null, [3, high]), expected);
    await assert.rejects(select(null, [3, high]), expected);
  });

  test('a signal ends the promise, and an aborted one never begins', async () => {
    const controller = new AbortController();
    const waiting = poll([entry(pipe.reader)], 10_000, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await assert.rejects(waiting, { name: 'AbortError', code: 'ABORT_ERR' });
    await assert.rejects(select([pipe.reader], null, null, 10_000, { signal: controller.signal }), {
      name: 'AbortError',
    });
  });

  test('without descriptors, both are a sleep', async () => {
    const start = performance.now();
    assert.equal(pollSync([], 15), 0);
    assert.equal(selectSync([], null, undefined, 15).count, 0);
    assert.equal(await poll([], 15), 0);
    assert.equal((await select(null, null, null, 15)).count, 0);
    assert.ok(performance.now() - start >= 60);
  });

  test('a regular file is always ready, and what it is asked beside is still waited for', async () => {
    const file = openSync(fileURLToPath(import.meta.url), 'r');
    assert.equal(await poll([entry(file), entry(pipe.reader)]), 1);
    // Asked for errors alone it has nothing to say, and no edges either.
    const entries = [entry(file, 0), entry(pipe.reader)];
    const waiting = poll(entries, 5000);
    writeSync(pipe.writer, 'x');
    assert.equal(await soon(waiting, 'the pipe'), 1);
    assert.deepEqual(
      entries.map(({ revents }) => revents),
      [0, POLLIN],
    );
    closeSync(file);
  });
});

describe('the RST of a peer', () => {
  for (const waits of [['poll'], ['select'], ['poll', 'select']] as const) {
    test(`makes its socket readable and writable and stays pending: ${waits.join(' and ')}`, async () => {
      const open = openStack({ ...LINUX, waits });
      const { stack } = open;
      const listener = stack.socket('IPv4', 'stream', true);
      assert.equal(stack.bind(listener, { family: 'IPv4', address: '127.0.0.1', port: 0 }), 0);
      assert.equal(stack.listen(listener, 1), 0);
      const client = stack.socket('IPv4', 'stream', true);
      const address = stack.localAddress(listener);
      assert.ok(address);
      stack.connect(client, address);
      const options = { stack: open };
      assert.equal(await poll([{ socket: listener, events: POLLIN }], 5000, options), 1);
      const server = stack.accept(listener);
      assert.ok(server >= 0);
      stack.lingerZero(server);
      stack.close(server);
      const entries = [{ socket: client, events: POLLIN | POLLOUT, revents: 0 }];
      assert.equal(await poll([{ socket: client, events: 0 }], 5000, options), 1);
      assert.equal(await poll(entries, 5000, options), 1);
      assert.equal(entries[0]?.revents, POLLIN | POLLOUT | POLLERR | POLLHUP);
      const found = await select([client], [client], [client], 5000, options);
      assert.deepEqual(found, { read: [client], write: [client], except: [], count: 2 });
      const bytes = new Uint8Array(8);
      assert.equal(stack.errors.name(-stack.recv(client, bytes, 8)), 'ECONNRESET');
      assert.equal(stack.recv(client, bytes, 8), 0);
      assert.equal(stack.errors.name(-stack.send(client, bytes, 8)), 'EPIPE');
      stack.close(client);
      stack.close(listener);
    });
  }
});
