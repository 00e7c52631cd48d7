import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CallName, NativeCall } from '../../src/stack.js';
import {
  CALL_NAMES,
  CALL_TYPES,
  PROFILES,
  type SimulatedStack,
  type StackProfile,
  simulatePs3,
} from '../../src/stack.js';

const PS3 = PROFILES['ps3'] as StackProfile;
const EBADF = 9;
const EFAULT = 14;
const EBUSY = 16;
const EINVAL = 22;
const EMFILE = 24;
const EAGAIN = 35;
const AFNOSUPPORT = 47;

/** The simulation as a program on the console would see it: symbols, big-endian memory, an errno at an address. */
class Console {
  readonly stack: SimulatedStack = simulatePs3();

  constructor(isUp = true) {
    if (isUp) assert.equal(this.setUp(), 0);
  }

  call(name: CallName): NativeCall {
    const call = this.stack.find(PS3.symbols[name] ?? name, PS3.types?.[name] ?? CALL_TYPES[name]);
    assert.ok(call !== null, `${name} is there`);
    return call;
  }

  setUp(): number {
    const call = this.stack.find('sys_net_initialize_network_ex', { result: 'int32', parameters: ['memory'] });
    const parameters = Buffer.alloc(12);
    parameters.writeInt32BE(0x20000, 4);
    return call?.(parameters) ?? -1;
  }

  get errno(): number {
    const location = this.stack.find('_sys_net_errno_loc', { result: 'address', parameters: [] })?.() ?? 0;
    assert.ok(location > 0x1000, 'errno lies in mapped memory');
    return this.stack.readInt32(location);
  }

  fails(result: number, error: number): void {
    assert.deepEqual([result, this.errno], [-1, error]);
  }

  socket(): number {
    return this.call('socket')(2, 1, 0);
  }

  /** A listening socket and its address, with the length that 4.4BSD put in front. */
  listener(): { readonly descriptor: number; readonly address: Buffer } {
    const descriptor = this.socket();
    const address = Buffer.from([16, 2, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert.equal(this.call('bind')(descriptor, address, 16), 0);
    assert.equal(this.call('listen')(descriptor, 5), 0);
    assert.equal(this.call('getsockname')(descriptor, address, Buffer.from([0, 0, 0, 16])), 0);
    return { descriptor, address };
  }
}

describe('the simulation of a PlayStation 3', () => {
  test('has the calls of its headers, and no other', () => {
    const { stack } = new Console();
    const there = CALL_NAMES.filter((name) => stack.find(PS3.symbols[name] ?? name, CALL_TYPES[name]) !== null);
    const missing = CALL_NAMES.filter((name) => !there.includes(name));
    const absent = ['fcntl', 'ioctl', 'epoll_create', 'epoll_ctl', 'epoll_wait', 'epoll_close', 'kqueue', 'kevent'];
    assert.deepEqual(missing, absent);
    for (const symbol of ['close', 'poll', 'select', 'read', 'write']) {
      assert.equal(stack.find(symbol, { result: 'int32', parameters: [] }), null);
    }
  });

  test('is EBUSY before its set-up', () => {
    const before = new Console(false);
    before.fails(before.socket(), EBUSY);
    assert.equal(before.setUp(), 0);
    assert.equal(before.socket(), 24);
    before.stack.destroy();
  });

  test('gives 1,000 sockets from 24 on, and EMFILE for the next', () => {
    const ps3 = new Console();
    const given = Array.from({ length: 1000 }, () => ps3.socket());
    assert.deepEqual(
      given,
      Array.from({ length: 1000 }, (_, i) => 24 + i),
    );
    ps3.fails(ps3.socket(), EMFILE);
    assert.equal(ps3.call('close')(500), 0);
    assert.equal(ps3.socket(), 500);
    ps3.stack.destroy();
    assert.equal(ps3.stack.openDescriptors, 0);
  });

  test('refuses what RPCS3 refuses: backlogs of 0, receives of 0 bytes, short addresses, IPv6', () => {
    const ps3 = new Console();
    const { descriptor, address } = ps3.listener();
    ps3.fails(ps3.call('listen')(ps3.socket(), 0), EINVAL);
    ps3.fails(ps3.call('recv')(descriptor, Buffer.alloc(1), 0, 0), EINVAL);
    ps3.fails(ps3.call('accept')(descriptor, Buffer.alloc(16), Buffer.from([0, 0, 0, 15])), EINVAL);
    ps3.fails(ps3.call('connect')(ps3.socket(), address, 15), EINVAL);
    ps3.fails(ps3.call('socket')(24, 1, 0), AFNOSUPPORT);
    ps3.stack.destroy();
  });

  test('answers wrong pointers and lengths with EFAULT, and wrong descriptors with EBADF', () => {
    const ps3 = new Console();
    const descriptor = ps3.socket();
    ps3.fails(ps3.call('bind')(descriptor, null, 16), EFAULT);
    ps3.fails(ps3.call('recv')(descriptor, Buffer.alloc(4), 5, 0), EFAULT);
    ps3.fails(ps3.call('poll')(Buffer.alloc(8), 2, 0), EFAULT);
    ps3.fails(ps3.call('getsockname')(descriptor, Buffer.alloc(16), null), EFAULT);
    ps3.fails(ps3.call('send')(23, Buffer.alloc(4), 4, 0), EBADF);
    ps3.stack.destroy();
  });

  test('an accepted socket blocks or not as its listener does', () => {
    for (const nbio of [0, 1]) {
      const ps3 = new Console();
      const { descriptor, address } = ps3.listener();
      assert.equal(ps3.call('setsockopt')(descriptor, 0xffff, 0x1100, Buffer.from([0, 0, 0, nbio]), 4), 0);
      assert.equal(ps3.call('connect')(ps3.socket(), address, 16), 0);
      const accepted = ps3.call('accept')(descriptor, null, null);
      const value = Buffer.alloc(4);
      assert.equal(ps3.call('getsockopt')(accepted, 0xffff, 0x1100, value, Buffer.from([0, 0, 0, 4])), 0);
      assert.equal(value.readInt32BE(), nbio);
      if (nbio === 1) ps3.fails(ps3.call('recv')(accepted, Buffer.alloc(4), 4, 0), EAGAIN);
      ps3.stack.destroy();
    }
  });

  test('poll of nothing returns at once, select of nothing and of too much is EINVAL', () => {
    const ps3 = new Console();
    assert.equal(ps3.call('poll')(Buffer.alloc(8), 0, 10_000), 0);
    assert.equal(ps3.call('poll')(Buffer.alloc(8), -1, 10_000), 0);
    ps3.fails(ps3.call('select')(0, Buffer.alloc(128), null, null, Buffer.alloc(16)), EINVAL);
    ps3.fails(ps3.call('select')(1025, Buffer.alloc(136), null, null, Buffer.alloc(16)), EINVAL);
    ps3.stack.destroy();
  });

  test('select and poll fail with the error that is pending on a socket, and have filled in their answers', () => {
    const ps3 = new Console();
    const { descriptor, address } = ps3.listener();
    const client = ps3.socket();
    assert.equal(ps3.call('connect')(client, address, 16), 0);
    const accepted = ps3.call('accept')(descriptor, null, null);
    ps3.call('setsockopt')(client, 0xffff, 0x80, Buffer.from([0, 0, 0, 1, 0, 0, 0, 0]), 8);
    assert.equal(ps3.call('close')(client), 0);
    const entry = Buffer.alloc(8);
    entry.writeInt32BE(accepted);
    entry.writeInt16BE(1, 4);
    ps3.fails(ps3.call('poll')(entry, 1, 0), 54);
    assert.equal(entry.readInt16BE(6), 1 | 8);
    const set = Buffer.alloc(128);
    set.writeUInt32BE(1 << accepted);
    ps3.fails(ps3.call('select')(accepted + 1, set, null, null, Buffer.alloc(16)), 54);
    assert.equal(set.readUInt32BE(), 1 << accepted);
    ps3.fails(ps3.call('recv')(accepted, Buffer.alloc(1), 1, 0), 54);
    assert.equal(ps3.call('poll')(entry, 1, 0), 1);
    ps3.stack.destroy();
  });
});
