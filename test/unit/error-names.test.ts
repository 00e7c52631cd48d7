import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getSystemErrorMap } from 'node:util';
import * as errno from '../../native-bindings/linux/errno.js';
import { ERROR_DESCRIPTIONS, ErrorTable } from '../../src/port/error-names.js';

const linux = new ErrorTable(errno as unknown as Record<string, number>);

test('name() gives the code of a native number', () => {
  const winsock = new ErrorTable({ ECONNRESET: 10054, ETIMEDOUT: 10060 });
  assert.equal(winsock.name(10054), 'ECONNRESET');
  assert.equal(winsock.name(10060), 'ETIMEDOUT');
});

test('name() keeps the number of an error that the table does not have', () => {
  const table = new ErrorTable({ ECONNRESET: 104 });
  assert.equal(table.name(4711), 'UNKNOWN_4711');
  assert.equal(table.name(0), 'UNKNOWN_0');
  assert.equal(table.name(-26), 'UNKNOWN_-26');
  assert.equal(table.name(0xc000020d), 'UNKNOWN_3221225997');
});

test('an empty table still names every error', () => {
  assert.equal(new ErrorTable({}).name(11), 'UNKNOWN_11');
});

test('name() gives the first of several codes that share a number', () => {
  assert.equal(new ErrorTable({ EAGAIN: 11, EWOULDBLOCK: 11 }).name(11), 'EAGAIN');
  assert.equal(new ErrorTable({ EWOULDBLOCK: 35, EAGAIN: 35 }).name(35), 'EWOULDBLOCK');
});

test('code() gives the number of a code, and of each of its aliases', () => {
  const table = new ErrorTable({ EAGAIN: 11, EWOULDBLOCK: 11, ENEGATIVE: -6 });
  assert.equal(table.code('EAGAIN'), 11);
  assert.equal(table.code('EWOULDBLOCK'), 11);
  assert.equal(table.code('ENEGATIVE'), -6);
});

test('code() is undefined for a code that the stack does not have', () => {
  const table = new ErrorTable({ EAGAIN: 11 });
  assert.equal(table.code('ECONNRESET'), undefined);
  assert.equal(table.code('constructor'), undefined);
});

test('describe() says what a code means, in whichever table it is asked', () => {
  assert.equal(linux.describe('ECONNRESET'), 'connection reset by peer');
  assert.equal(new ErrorTable({}).describe('ECONNRESET'), 'connection reset by peer');
});

test('describe() falls back to the code', () => {
  assert.equal(linux.describe('UNKNOWN_4711'), 'UNKNOWN_4711');
  assert.equal(linux.describe('constructor'), 'constructor');
  assert.equal(linux.describe(''), '');
});

test('every Linux error has a description in the house form', () => {
  for (const name of Object.keys(errno).filter((key) => key !== 'HEADERS')) {
    assert.notEqual(linux.describe(name), name, `${name} has no description`);
  }
  for (const [name, description] of Object.entries(ERROR_DESCRIPTIONS)) {
    assert.match(name, /^E[A-Z0-9]+$/);
    assert.match(description, /^[a-z][^.]*$/, `${name} is not a lower-case phrase`);
    assert.equal(description, description.trim());
  }
});

test('descriptions are listed in alphabetical order, each once', () => {
  const names = Object.keys(ERROR_DESCRIPTIONS);
  assert.deepEqual(names, [...new Set(names)].sort());
});

test('what a binding exports beside its numbers is no error', () => {
  assert.equal(linux.code('HEADERS'), undefined);
  assert.equal(linux.code('ECONNRESET'), 104);
});

// Node knows the numbers of the platform that it runs on, and no others.
if (process.platform === 'linux') {
  test('Linux errors have the names that Node gives them', () => {
    let compared = 0;
    for (const [number, [name]] of getSystemErrorMap()) {
      // libuv numbers the errors that a platform lacks, and its own (EOF, EAI_), from 3000 up.
      if (number <= -3000) continue;
      assert.equal(linux.name(-number), name);
      compared += 1;
    }
    assert.ok(compared > 60, `only ${compared} errors compared`);
  });
}
