import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { regress } from '../../src/regress/command.js';
import { UsageError } from '../../src/regress/options.js';
import { CLOSE_WAYS, cellId, cellsOf } from '../../src/regress/raw/matrix.js';
import { parseRawOptions, selectCells } from '../../src/regress/raw/options.js';
import type { Terminal } from '../../src/regress/terminal.js';

function collecting(): Terminal & { readonly text: () => string } {
  let written = '';
  return {
    write: (text) => {
      written += text;
    },
    live: false,
    paint: (_colour, text) => text,
    columns: () => 80,
    text: () => written,
  };
}

describe('the command line of regress --raw', () => {
  test('nothing more given measures every cell of every interface, five times', () => {
    const options = parseRawOptions(['--raw']);
    assert.deepEqual(options.interfaces, []);
    assert.deepEqual(options.cells, []);
    assert.equal(options.repeat, 5);
    assert.equal(options.peerPort, null);
  });

  test('options can be repeated and combined', () => {
    const chosen = ['-d', 'epoll', '--driver', 'io_uring', '-d', 'epoll', '-c', 'send/*', '--repeat', '7'];
    const options = parseRawOptions(['--raw', ...chosen, '--json=a', '--html', 'b', '--data', 'c', '--peer', '4000']);
    assert.deepEqual(options.interfaces, ['epoll', 'io_uring']);
    assert.deepEqual(options.cells, ['send/*']);
    assert.equal(options.repeat, 7);
    assert.equal(options.jsonFile, 'a');
    assert.equal(options.htmlFile, 'b');
    assert.equal(options.dataFolder, 'c');
    assert.equal(options.peerPort, 4000);
  });

  const wrong: readonly (readonly [what: string, args: readonly string[], message: RegExp])[] = [
    ['a scenario', ['--scenario', 'close/*'], /--scenario.*--raw.*--cell/],
    ['a folder without a name', ['--pcap', ''], /--pcap/],
    ['a list that is to be captured', ['--list', '--pcap', 'x'], /--list/],
    ['a driver that is no interface of a system', ['--driver', 'readiness'], /readiness.*io_uring, epoll, iocp.*epoll/],
    ['an unknown driver', ['--driver', 'kqueue'], /kqueue/],
    ['no repetition', ['--repeat', '0'], /--repeat/],
    ['half a repetition', ['--repeat', '1.5'], /--repeat/],
    ['too many repetitions', ['--repeat', '1001'], /1000/],
    ['a port that is none', ['--peer', '70000'], /--peer/],
    ['a file without a name', ['--json', ''], /--json/],
    ['a list that is to be written', ['--list', '--json', 'x'], /--list/],
    ['a service that is to measure', ['--serve-peer', '--json', 'x'], /--serve-peer/],
    ['an unknown option', ['--frobnicate'], /--frobnicate/],
  ];
  for (const [what, args, message] of wrong) {
    test(`${what} is refused with its name`, () => {
      const isIt = (error: unknown) => error instanceof UsageError && message.test(error.message);
      assert.throws(() => parseRawOptions(['--raw', ...args]), isIt);
    });
  }

  test('a cell that is not there is refused, next to one that is', () => {
    const ids = cellsOf(CLOSE_WAYS).map(cellId);
    assert.deepEqual(selectCells(['none/close/*'], ids), ['none/close/empty', 'none/close/unread']);
    assert.throws(() => selectCells(['none/close/*', 'nope'], ids), /nope/);
  });

  test('--raw reaches it through regress, in any place of the command line', async () => {
    const terminal = collecting();
    assert.equal(await regress(['--list', '--raw', '--cell', 'recv-n/close/*'], { terminal }), 0);
    assert.equal(terminal.text(), 'recv-n/close/empty\nrecv-n/close/unread\n');
  });

  test('without --raw its options are unknown', async () => {
    await assert.rejects(regress(['--cell', 'none/*']), UsageError);
  });
});

describe('the matrix', () => {
  test('has every combination once: what is pending, how it is closed, what is unread', () => {
    const ids = cellsOf(CLOSE_WAYS).map(cellId);
    assert.equal(ids.length, 4 * 6 * 2);
    assert.equal(new Set(ids).size, ids.length);
  });
});
