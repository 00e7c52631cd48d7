import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as linuxConstants from '../../native-bindings/linux/constants.js';
import * as linuxErrno from '../../native-bindings/linux/errno.js';
import * as linuxStructs from '../../native-bindings/linux/structs.js';
import * as windowsConstants from '../../native-bindings/windows/constants.js';
import * as windowsStructs from '../../native-bindings/windows/structs.js';
import * as winerror from '../../native-bindings/windows/winerror.js';
import { ErrorTable } from '../../src/port/error-names.js';
import { PROFILES, type StackProfile, validateProfile } from '../../src/stack.js';

type Numbers = Readonly<Record<string, unknown>>;

const LINUX = PROFILES['linux'] as StackProfile;
const WINSOCK = PROFILES['winsock'] as StackProfile;

/** The named constants of the profile that the bindings, which are checked against the C headers, have too. */
function shared(profile: StackProfile, bindings: Numbers): readonly (readonly [name: string, profile: unknown])[] {
  const { poll, ...constants } = profile.constants;
  return Object.entries({ ...constants, ...poll }).filter(([name, value]) => value !== null && name in bindings);
}

describe('the profiles', () => {
  test('are those that were promised', () => {
    const promised = ['linux', 'darwin', 'winsock', 'lwip', 'ps3', 'psp', 'vita', 'wii', '3ds', 'switch', 'haiku'];
    assert.deepEqual(Object.keys(PROFILES).sort(), [...promised, 'solaris'].sort());
  });

  for (const [name, profile] of Object.entries(PROFILES)) {
    test(`${name} is valid, and says where it comes from`, () => {
      assert.deepEqual(validateProfile(profile), profile);
      assert.equal(profile.name, name);
      assert.notEqual(profile.sources.length, 0);
    });

    test(`${name} survives JSON`, () => {
      assert.deepEqual(validateProfile(JSON.parse(JSON.stringify(profile))), profile);
    });

    test(`${name} tells its errors apart`, () => {
      const table = new ErrorTable(profile.errors);
      const acted = ['EAGAIN', 'EINPROGRESS', 'ECONNRESET', 'ECONNREFUSED', 'ENOTCONN', 'EISCONN', 'EALREADY'];
      for (const code of acted) assert.equal(table.name(table.code(code) ?? 0), code);
    });
  }
});

describe('the linux profile has the numbers of the C headers', () => {
  test('of its errors', () => {
    for (const [code, number] of Object.entries(LINUX.errors)) {
      assert.equal(number, (linuxErrno as Numbers)[code], code);
    }
  });

  test('of its constants', () => {
    const names = shared(LINUX, linuxConstants);
    assert.ok(names.length > 40, `only ${names.length} are shared`);
    for (const [name, value] of names) assert.equal(value, (linuxConstants as Numbers)[name], name);
    assert.equal(LINUX.nonBlocking.by, 'fcntl');
    for (const name of ['F_GETFL', 'F_SETFL', 'O_NONBLOCK'] as const) {
      assert.equal((LINUX.nonBlocking as Numbers)[name], (linuxConstants as Numbers)[name], name);
    }
  });

  test('of its layouts', () => {
    const { pollfd, linger } = linuxStructs;
    const { events, fd, revents } = pollfd.fields;
    assert.deepEqual(LINUX.layouts.pollfd, { size: pollfd.size, fd, events, revents });
    const { l_onoff, l_linger } = linger.fields;
    assert.deepEqual(LINUX.layouts.linger, { size: linger.size, onOff: l_onoff, seconds: l_linger });
  });
});

describe('the winsock profile has the numbers of the Windows headers', () => {
  test('of its errors', () => {
    for (const [code, number] of Object.entries(WINSOCK.errors)) {
      const other = { EAGAIN: 'WSAEWOULDBLOCK', EPIPE: 'WSAESHUTDOWN' }[code];
      const name = other ?? `WSA${code}`;
      assert.equal(number, (winerror as Numbers)[name], code);
    }
  });

  test('of its constants', () => {
    const names = shared(WINSOCK, windowsConstants);
    assert.ok(names.length > 25, `only ${names.length} are shared`);
    for (const [name, value] of names) assert.equal(value, (windowsConstants as Numbers)[name], name);
    assert.deepEqual(WINSOCK.nonBlocking, { by: 'ioctl', FIONBIO: windowsConstants.FIONBIO });
    const { SHUT_RD, SHUT_WR, SHUT_RDWR } = WINSOCK.constants;
    const { SD_RECEIVE, SD_SEND, SD_BOTH } = windowsConstants;
    assert.deepEqual([SHUT_RD, SHUT_WR, SHUT_RDWR], [SD_RECEIVE, SD_SEND, SD_BOTH]);
  });

  test('of its layouts', () => {
    const { linger } = windowsStructs;
    const { l_onoff, l_linger } = linger.fields;
    assert.deepEqual(WINSOCK.layouts.linger, { size: linger.size, onOff: l_onoff, seconds: l_linger });
  });
});
