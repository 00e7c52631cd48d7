import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { LINUX, loadProfile, validateProfile } from '../../src/stack.js';

/** A copy of the Linux profile with the field at this path set, or taken out where the value is undefined. */
function withField(path: string, value: unknown): unknown {
  const copy = structuredClone(LINUX) as unknown as Record<string, unknown>;
  const names = path.split('.');
  const last = names.pop() as string;
  let holder = copy;
  for (const name of names) holder = holder[name] as Record<string, unknown>;
  if (value === undefined) delete holder[last];
  else holder[last] = value;
  return copy;
}

function message(value: unknown): string {
  try {
    validateProfile(value);
  } catch (error) {
    assert.ok(error instanceof TypeError);
    assert.equal((error as NodeJS.ErrnoException).code, 'ERR_STACK_PROFILE');
    return error.message;
  }
  return '';
}

const WRONG: readonly (readonly [path: string, value: unknown, message: string])[] = [
  ['name', 5, 'name: must be text, not 5'],
  ['name', '', 'name: must be text, not ""'],
  ['colour', 'red', 'colour: is not known'],
  ['byteOrder', 'middle', 'byteOrder: must be one of little, big, not "middle"'],
  ['sources', 'none', 'sources: must be a list, not "none"'],
  ['symbols.recv', undefined, 'symbols.recv: is missing: no stack can do without'],
  ['symbols.receive', 'recv', 'symbols.receive: is not known'],
  ['symbols.listen', 7, 'symbols.listen: must be text, not 7'],
  ['types', { poll: { result: 'int', parameters: [] } }, 'types.poll.result: must be one of void, int32'],
  ['errors', [], 'errors: must be an object, not []'],
  ['errors.EAGAIN', undefined, 'errors.EAGAIN: is missing'],
  ['errors.EINPROGRESS', undefined, 'errors.EINPROGRESS: is missing'],
  ['errors.ECONNRESET', 'abc', 'errors.ECONNRESET: must be an integer from -2147483648 to 4294967295, not "abc"'],
  ['errors.ECONNRESET', 0, 'errors.ECONNRESET: 0 is no error'],
  ['errors.ECONNRESET', -104, 'errors.EAGAIN: is positive, and others are negative'],
  ['errors.ECONRESET', 104, 'errors.ECONRESET: is not known'],
  ['errorReport', { by: 'guess' }, 'errorReport.by: must be one of errno, call, location, negatedResult, taggedResult'],
  ['errorReport', { by: 'call' }, 'errorReport.symbol: must be text, not nothing'],
  ['constants.AF_INET', null, 'constants.AF_INET: must be an integer from -2147483648 to 4294967295, not null'],
  ['constants.SO_ERROR', 1.5, 'constants.SO_ERROR: must be an integer'],
  ['constants.SO_BINDTODEVICE', 25, 'constants.SO_BINDTODEVICE: is not known'],
  ['constants.poll.POLLIN', 0x10000, 'constants.poll.POLLIN: must be an integer from 0 to 65535, not 65536'],
  ['layouts.pollfd.revents', 6, 'layouts.pollfd.revents: must be [offset, bytes], not 6'],
  ['layouts.pollfd.revents', [6, 3], 'layouts.pollfd.revents.1: an integer has 1, 2, 4 or 8 bytes, not 3'],
  ['layouts.pollfd.revents', [7, 2], 'layouts.pollfd.revents: [7,2] ends behind the 8 bytes of its structure'],
  ['layouts.pollfd.flags', [6, 2], 'layouts.pollfd.flags: is not known: there are size, fd, events, revents'],
  ['layouts.fdSet', { kind: 'list' }, 'layouts.fdSet.kind: must be one of bits, array, not "list"'],
  ['layouts.fdSet.bits', 1000, 'layouts.fdSet.bits: must be whole words of 8 bytes, not 1000 bits'],
  ['layouts.sockaddr.inBytes', 4, 'layouts.sockaddr.inBytes: must be an integer from 8 to 32, not 4'],
  ['nonBlocking', { by: 'ioctl' }, 'nonBlocking.FIONBIO: must be an integer'],
  ['symbols.fcntl', undefined, 'nonBlocking.by: needs symbols.fcntl'],
  ['waits', [], 'waits: must name at least one of epoll, kqueue, poll, select'],
  ['waits', ['poll', 'guess'], 'waits.1: must be one of epoll, kqueue, poll, select, not "guess"'],
  ['symbols.select', undefined, 'waits.2: select needs symbols.select'],
  ['layouts.pollfd', null, 'waits.1: poll needs layouts.pollfd'],
  ['waits', ['kqueue'], 'waits.0: kqueue needs layouts.kevent'],
  ['waits', ['kqueue'], 'waits.0: kqueue needs layouts.timespec'],
  ['waits', ['kqueue'], 'waits.0: kqueue needs constants.kqueue'],
  ['layouts.timespec', { size: 8, seconds: [0, 8], nanoseconds: [8, 8] }, 'layouts.timespec.nanoseconds: [8,8] ends'],
  ['constants.kqueue', { EVFILT_READ: -1 }, 'constants.kqueue.EV_EOF: must be an integer from 1 to 65535, not nothing'],
  ['quirks.pollFailsOnTuesdays', true, 'quirks.pollFailsOnTuesdays: is not known'],
  ['quirks.exceptNeverSet', 'yes', 'quirks.exceptNeverSet: must be true or false, not "yes"'],
  ['quirks.descriptorTagBits', -1, 'quirks.descriptorTagBits: must be an integer from 0 to 2147483647, not -1'],
  ['setUp', [{ symbol: 'init', arguments: [{ text: 'x' }] }], 'setUp.0.arguments.0.text: is not known'],
  ['setUp', [{ symbol: 'init', arguments: [{ memory: { bytes: 4, words: [[2, 1]] } }] }], 'lies outside the structure'],
  ['limits.lowestDescriptor', 2 ** 40, 'limits.highestDescriptor: must not be below limits.lowestDescriptor'],
];

describe('a stack profile', () => {
  test('is taken as it is where nothing is wrong', () => {
    assert.deepEqual(validateProfile(LINUX), LINUX);
  });

  for (const [path, value, expected] of WRONG) {
    test(`${path} = ${JSON.stringify(value) ?? 'nothing'} is refused by the field's path`, () => {
      const said = message(withField(path, value));
      assert.ok(said.includes(expected), said);
    });
  }

  test('what is no object is refused', () => {
    for (const value of [null, undefined, 5, 'linux', []]) {
      assert.match(message(value), /^Not a stack profile: .*must be an object/s, String(value));
    }
  });

  test('every wrong field is named at once', () => {
    const profile = withField('errors.EAGAIN', 'x') as { limits: unknown };
    profile.limits = 5;
    const lines = message(profile).split('\n');
    assert.equal(lines.length, 3);
    assert.match(lines[0] ?? '', /2 fields are wrong/);
  });

  test('numbers may be text in any radix, or bigints', () => {
    for (const [written, number] of [
      ['0x1007', 0x1007],
      ['0o17', 15],
      ['-35', -35],
      [4103n, 4103],
    ] as const) {
      const profile = withField('constants.SO_ERROR', written);
      assert.equal(validateProfile(profile).constants.SO_ERROR, number);
    }
  });

  test('a constant that is not there is null', () => {
    assert.equal(validateProfile(withField('constants.SO_ERROR', undefined)).constants.SO_ERROR, null);
  });
});

describe('loadProfile()', () => {
  const folder = () => mkdtempSync(join(tmpdir(), 'overlapped-profile-'));

  test('reads a JSON file', (context) => {
    const path = join(folder(), 'linux.json');
    context.after(() => rmSync(path));
    writeFileSync(path, JSON.stringify(LINUX));
    assert.deepEqual(loadProfile(path), LINUX);
  });

  test('names the file and what is wrong in it', (context) => {
    const path = join(folder(), 'broken.json');
    context.after(() => rmSync(path));
    writeFileSync(path, '{');
    assert.throws(() => loadProfile(path), { code: 'ERR_STACK_PROFILE', message: /broken\.json.*no JSON/ });
    writeFileSync(path, '{}');
    assert.throws(() => loadProfile(path), { code: 'ERR_STACK_PROFILE', message: /broken\.json.*name: must be text/s });
    assert.throws(() => loadProfile(`${path}.none`), { code: 'ENOENT' });
  });
});
