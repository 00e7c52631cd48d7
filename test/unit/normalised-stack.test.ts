import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StackCalls } from '../../src/bsd/library/calls.js';
import { NormalisedStack } from '../../src/bsd/normalised/stack.js';
import { PendingErrors } from '../../src/bsd/waiting/pending-errors.js';
import { javascriptLibrary, LINUX, type NativeCall, PROFILES, type StackProfile } from '../../src/stack.js';
import { scriptedProfile, scriptedStack } from '../support/scripted-stack.js';

const EAGAIN = 11;
const ECONNRESET = 104;
const ECONNREFUSED = 111;
const EALREADY = 114;
const EINPROGRESS = 115;
const EISCONN = 106;
const EPROTOTYPE = 91;
const EPIPE = 32;
const TO = { family: 'IPv4', address: '127.0.0.1', port: 80 } as const;
const BYTES = new Uint8Array(8);

/** A stack with one failing call, reported in the profile's way. */
function failing(changes: Partial<StackProfile>, recv: NativeCall, more: Readonly<Record<string, NativeCall>> = {}) {
  const symbols = { socket: 's', bind: 's', connect: 's', recv: 'recv', send: 's', close: 's', fcntl: 's', poll: 's' };
  const profile = scriptedProfile({ symbols, waits: ['poll'], ...changes });
  const library = javascriptLibrary('a script', { s: () => 0, recv, ...more }, { readInt32: (at) => at / 8 });
  return new NormalisedStack(new StackCalls(profile, library), new PendingErrors());
}

describe('errors, in every way that stacks report them', () => {
  test('errno', () => {
    const { stack } = scriptedStack((script) => ({ recv: () => script().fails(ECONNRESET) }));
    assert.equal(stack.recv(3, BYTES, 8), -ECONNRESET);
  });

  test('a function that gives the number', () => {
    const report = { by: 'call', symbol: 'lastError' } as const;
    const stack = failing({ errorReport: report }, () => -1, { lastError: () => ECONNRESET });
    assert.equal(stack.recv(3, BYTES, 8), -ECONNRESET);
  });

  test('a function that gives the address of the number', () => {
    const report = { by: 'location', symbol: 'location' } as const;
    const stack = failing({ errorReport: report }, () => -1, { location: () => ECONNRESET * 8 });
    assert.equal(stack.recv(3, BYTES, 8), -ECONNRESET);
  });

  test('the negated number as the result', () => {
    const stack = failing({ errorReport: { by: 'negatedResult' } }, () => -ECONNRESET);
    assert.equal(stack.recv(3, BYTES, 8), -ECONNRESET);
  });

  test('a number with a tag as the result, and a result of somebody else', () => {
    const report = { by: 'taggedResult', tag: 0x8041_0100, mask: 0xff } as const;
    let code = 0x8041_0100 | ECONNRESET;
    const stack = failing({ errorReport: report }, () => code | 0);
    assert.equal(stack.recv(3, BYTES, 8), -ECONNRESET);
    code = 0x8002_0005;
    assert.equal(stack.recv(3, BYTES, 8), -0x8002_0005);
  });

  test('numbers that are negative', () => {
    const haiku = PROFILES['haiku'] as StackProfile;
    const { stack } = scriptedStack((script) => ({ recv: () => script().fails(haiku.errors['ECONNRESET'] ?? 0) }), {
      errors: haiku.errors,
    });
    const result = stack.recv(3, BYTES, 8);
    assert.ok(result < 0, `${result}`);
    assert.equal(stack.errors.name(-result), 'ECONNRESET');
  });

  test('two numbers for one error, and an error without a number, which is still a failure', () => {
    let errno = 246;
    const errors = { ...LINUX.errors, EWOULDBLOCK: 246 };
    const { stack } = scriptedStack((script) => ({ recv: () => script().fails(errno) }), {
      errors,
      errorAliases: { ECONNRESET: [1054] },
    });
    assert.equal(stack.recv(3, BYTES, 8), -EAGAIN);
    errno = 1054;
    assert.equal(stack.recv(3, BYTES, 8), -ECONNRESET);
    errno = 0;
    assert.equal(stack.errors.name(-stack.recv(3, BYTES, 8)), 'EIO');
    errno = 9999;
    assert.equal(stack.recv(3, BYTES, 8), -9999);
  });

  test('the wrong sign, in fcntl alone', () => {
    const make = (quirks: StackProfile['quirks']) =>
      scriptedStack((script) => ({ fcntl: () => script().fails(-EALREADY) }), { quirks }).stack;
    assert.equal(make({ fcntlErrnoWrongSign: true }).socket('IPv4', 'stream', true), -EALREADY);
    assert.notEqual(make({}).socket('IPv4', 'stream', true), -EALREADY);
  });
});

describe('a new socket', () => {
  test('is made non-blocking by fcntl, which keeps the other flags', () => {
    const { stack, script } = scriptedStack(() => ({ fcntl: (_fd, command) => (command === 3 ? 2 : 0) }));
    assert.equal(stack.socket('IPv4', 'stream', true), 3);
    assert.deepEqual(script.of('fcntl'), [
      [3, 2, 1],
      [3, 3, 0],
      [3, 4, 0o4002],
    ]);
  });

  test('is made non-blocking by ioctl', () => {
    const { stack, script } = scriptedStack(() => ({}), { nonBlocking: { by: 'ioctl', FIONBIO: 0x8004_667e } });
    assert.equal(stack.socket('IPv4', 'stream', true), 3);
    assert.deepEqual(script.of('ioctl'), [[3, 0x8004_667e, [1, 0, 0, 0]]]);
  });

  test('is made non-blocking by an option, in the byte order of the stack', () => {
    const changes = { nonBlocking: { by: 'option', option: 0x1100 }, byteOrder: 'big' } as const;
    const { stack, script } = scriptedStack(() => ({}), changes);
    assert.equal(stack.socket('IPv4', 'stream', true), 3);
    assert.deepEqual(script.of('setsockopt'), [[3, 1, 0x1100, [0, 0, 0, 1], 4]]);
  });

  test('is closed where it cannot be made non-blocking', () => {
    const { stack, script } = scriptedStack((own) => ({ fcntl: () => own().fails(EALREADY) }));
    assert.equal(stack.socket('IPv4', 'stream', true), -EALREADY);
    assert.deepEqual(script.of('close'), [[3]]);
  });

  test('has the type that the stack swapped', () => {
    const { stack, script } = scriptedStack(() => ({}), { quirks: { socketTypesSwapped: true } });
    stack.socket('IPv4', 'stream', true);
    stack.socket('IPv4', 'datagram', true);
    assert.deepEqual(
      script.of('socket').map(([, type]) => type),
      [2, 1],
    );
  });

  test('has a name where the stack wants one', () => {
    const types = { socket: { result: 'int32', parameters: ['memory', 'int32', 'int32', 'int32'] } } as const;
    const { stack, script } = scriptedStack(() => ({}), { types });
    stack.socket('IPv4', 'stream', true);
    assert.deepEqual(script.of('socket'), [[[...Buffer.from('overlapped\0')], 2, 1, 0]]);
  });

  test('keeps the bits above its number', () => {
    const { stack, script } = scriptedStack(() => ({ socket: () => 0x4000_0003 }), {
      quirks: { descriptorTagBits: 0x4000_0000 },
    });
    assert.equal(stack.socket('IPv4', 'stream', true), 0x4000_0003);
    stack.recv(0x4000_0003, BYTES, 8);
    assert.equal(script.of('recv')[0]?.[0], 0x4000_0003);
  });

  test('of a family that the stack lacks is refused without a call', () => {
    const constants = { ...LINUX.constants, AF_INET6: null };
    const { stack, script } = scriptedStack(() => ({}), { constants });
    assert.equal(stack.errors.name(-stack.socket('IPv6', 'stream', true)), 'EAFNOSUPPORT');
    assert.equal(script.calls.length, 0);
  });

  test('that was accepted is made non-blocking, unless it is already', () => {
    const nonBlocking = { by: 'option', option: 0x1100 } as const;
    const { stack, script } = scriptedStack(() => ({}), { nonBlocking });
    assert.equal(stack.accept(3), 4);
    assert.equal(script.of('setsockopt').length, 1);
    const other = scriptedStack(() => ({}), { nonBlocking, quirks: { acceptInheritsNonBlocking: true } });
    assert.equal(other.stack.accept(3), 4);
    assert.equal(other.script.of('setsockopt').length, 0);
  });

  test('that is accepted is not asked for its name where getpeername can be: lwIP fails for one that is gone', () => {
    const isAsked = (changes: Partial<StackProfile>) => {
      const { stack, script } = scriptedStack(() => ({}), changes);
      assert.equal(stack.accept(3), 4);
      return script.of('accept')[0]?.[1] !== null;
    };
    const { getpeername: _, ...symbols } = scriptedProfile().symbols;
    assert.equal(isAsked({ quirks: { refusedIsReset: true } }), false);
    assert.equal(isAsked({ symbols }), true);
  });

  test('that was accepted is as quick as its listener, where the stack forgets it', () => {
    const forgetful = (noDelay: boolean, quirks: StackProfile['quirks']) => {
      const { stack, script } = scriptedStack(() => ({}), { quirks });
      assert.equal(stack.setOption(3, 'noDelay', noDelay, 'IPv4'), 0);
      assert.equal(stack.accept(3), 4);
      return script.of('setsockopt').map(([descriptor]) => descriptor);
    };
    assert.deepEqual(forgetful(true, { acceptForgetsNoDelay: true }), [3, 4]);
    assert.deepEqual(forgetful(false, { acceptForgetsNoDelay: true }), [3]);
    assert.deepEqual(forgetful(true, {}), [3]);
  });
});

describe('addresses', () => {
  const bound = (changes: Partial<StackProfile>) => {
    const { stack, script } = scriptedStack(() => ({}), changes);
    assert.equal(stack.bind(3, TO), 0);
    const [, address, length] = script.of('bind')[0] as [number, number[], number];
    return address.slice(0, length);
  };
  const layout = (sockaddr: StackProfile['layouts']['sockaddr']) => ({ layouts: { ...LINUX.layouts, sockaddr } });
  const tail = [0, 80, 127, 0, 0, 1];
  const zeros = (count: number) => new Array<number>(count).fill(0);

  test('have two bytes of family, in the order of the stack', () => {
    assert.deepEqual(bound({}), [2, 0, ...tail, ...zeros(8)]);
    assert.deepEqual(bound({ byteOrder: 'big' }), [0, 2, ...tail, ...zeros(8)]);
  });

  test('have a length before the family', () => {
    const sockaddr = { hasLength: true, inBytes: 16, unixPathBytes: 104 };
    assert.deepEqual(bound(layout(sockaddr)), [16, 2, ...tail, ...zeros(8)]);
  });

  test('are as short or as long as the stack wants them', () => {
    assert.deepEqual(bound(layout({ hasLength: true, inBytes: 8, unixPathBytes: 104 })), [8, 2, ...tail]);
    const long = bound(layout({ hasLength: true, inBytes: 32, unixPathBytes: 104 }));
    assert.deepEqual(long, [32, 2, ...tail, ...zeros(24)]);
  });

  test('have the families of the stack', () => {
    assert.deepEqual(bound({ constants: { ...LINUX.constants, AF_INET: 1 } }).slice(0, 2), [1, 0]);
  });
});

describe('a connect', () => {
  test('that would block has begun, where the stack says so', () => {
    const functions = (script: () => { fails(errno: number): number }) => ({ connect: () => script().fails(EAGAIN) });
    const quirky = scriptedStack(functions, { quirks: { connectInProgressIsWouldBlock: true } });
    assert.equal(quirky.stack.connect(3, TO), -EINPROGRESS);
    assert.equal(scriptedStack(functions).stack.connect(3, TO), -EAGAIN);
  });

  test('may fail at once', () => {
    const { stack } = scriptedStack((script) => ({ connect: () => script().fails(ECONNREFUSED) }), {
      quirks: { connectRefusedAtOnce: true },
    });
    assert.equal(stack.connect(3, TO), -ECONNREFUSED);
  });

  test('that was refused says so, whatever the stack calls it; a later reset stays one', () => {
    const quirks = { refusedIsReset: true };
    const reset: NativeCall = (_fd, _level, _name, value) => {
      new DataView((value as Uint8Array).buffer).setInt32(0, ECONNRESET, true);
      return 0;
    };
    const functions = (script: () => { fails(errno: number): number }) => ({
      connect: () => script().fails(EINPROGRESS),
      getsockopt: reset,
      getpeername: () => script().fails(107),
    });
    const { stack } = scriptedStack(functions, { quirks });
    assert.equal(stack.connect(3, TO), -EINPROGRESS);
    assert.equal(stack.takeError(3), ECONNREFUSED);
    assert.equal(stack.takeError(3), ECONNRESET);
    const plain = scriptedStack(functions);
    plain.stack.connect(3, TO);
    assert.equal(plain.stack.takeError(3), ECONNRESET);
  });

  for (const quirk of ['soErrorMissing', 'soErrorStale'] as const) {
    test(`is asked by a second one: ${quirk}`, () => {
      const answers = [EINPROGRESS, EALREADY, ECONNREFUSED];
      const { stack, script } = scriptedStack((own) => ({ connect: () => own().fails(answers.shift() ?? EISCONN) }), {
        quirks: { [quirk]: true },
      });
      assert.equal(stack.connect(3, TO), -EINPROGRESS);
      assert.equal(stack.takeError(3), 0);
      assert.equal(stack.takeError(3), ECONNREFUSED);
      assert.equal(script.of('getsockopt').length, 0);
      assert.equal(stack.connect(5, TO), -EISCONN);
    });
  }

  test('knows its peer without getpeername', () => {
    const { getpeername: _, ...symbols } = scriptedProfile().symbols;
    const answers = [EINPROGRESS, EISCONN];
    const { stack } = scriptedStack((script) => ({ connect: () => script().fails(answers.shift() ?? 0) }), {
      symbols,
      quirks: { soErrorMissing: true },
    });
    stack.connect(3, TO);
    assert.equal(stack.remoteAddress(3), null);
    assert.equal(stack.takeError(3), 0);
    assert.deepEqual(stack.remoteAddress(3), TO);
    stack.close(3);
    assert.equal(stack.remoteAddress(3), null);
  });
});

describe('a send', () => {
  test('that says EPROTOTYPE is repeated until the stack says what it means', () => {
    const answers = [EPROTOTYPE, EPIPE];
    const { stack } = scriptedStack((script) => ({ send: () => script().fails(answers.shift() ?? 0) }), {
      quirks: { sendEprototype: true },
    });
    assert.equal(stack.send(3, BYTES, 8), -EPIPE);
  });

  test('that says nothing but EPROTOTYPE is a broken pipe', () => {
    const { stack, script } = scriptedStack((own) => ({ send: () => own().fails(EPROTOTYPE) }), {
      quirks: { sendEprototype: true },
    });
    assert.equal(stack.send(3, BYTES, 8), -EPIPE);
    assert.ok(script.of('send').length < 20);
  });
});
