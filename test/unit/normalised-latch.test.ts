import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isManaged } from '../../src/port/datagram-features.js';
import type { DatagramBatch } from '../../src/port/datagrams.js';
import { NotImplementedError } from '../../src/port/errors.js';
import { LINUX, type NativeCall } from '../../src/stack.js';
import { type ScriptedStack, scriptedProfile, scriptedStack } from '../support/scripted-stack.js';

const EAGAIN = 11;
const EINTR = 4;
const ECONNRESET = 104;
const ECONNREFUSED = 111;
const EMSGSIZE = 90;
const EPIPE = 32;
const BYTES = new Uint8Array(8);
const TO = { family: 'IPv4', address: '127.0.0.1', port: 9 } as const;

/** A stack whose calls of this name give these results, one after the other: negative ones are errors. */
function answering(name: string, results: number[], quirks = {}): ScriptedStack {
  return scriptedStack(
    (script) => ({
      [name]: () => {
        const result = results.shift() ?? -EAGAIN;
        return result < 0 ? script().fails(-result) : result;
      },
    }),
    { quirks },
  );
}

describe('an error that came to light while somebody else was asked', () => {
  test('is told by the next receive, once, and after what had arrived before it', () => {
    const { stack, pending } = answering('recv', [5, 0, 0]);
    pending.keep(3, ECONNRESET);
    pending.keep(7, ECONNREFUSED);
    assert.equal(stack.recv(3, BYTES, 8), 5);
    assert.equal(stack.recv(3, BYTES, 8), -ECONNRESET);
    assert.equal(stack.recv(3, BYTES, 8), 0);
    assert.ok(pending.has(7));
  });

  test('is told once where the stack still tells of it, too', () => {
    const { stack, pending } = answering('recv', [-ECONNRESET, 0]);
    pending.keep(3, ECONNRESET);
    assert.equal(stack.recv(3, BYTES, 8), -ECONNRESET);
    assert.equal(stack.recv(3, BYTES, 8), 0);
  });

  test('is not lost to an interruption', () => {
    const { stack, pending } = answering('recv', [-EINTR, -EAGAIN]);
    pending.keep(3, ECONNRESET);
    assert.equal(stack.recv(3, BYTES, 8), -EINTR);
    assert.equal(stack.recv(3, BYTES, 8), -ECONNRESET);
  });

  test('is told by the next send in place of sending, once', () => {
    const { stack, pending, script } = answering('send', [-EPIPE]);
    pending.keep(3, ECONNRESET);
    assert.equal(stack.send(3, BYTES, 8), -ECONNRESET);
    assert.equal(script.of('send').length, 0);
    // It may still be in the socket: whoever asks that must not hear of it again.
    assert.equal(script.of('getsockopt').length, 1);
    assert.equal(stack.send(3, BYTES, 8), -EPIPE);
  });

  test('is told by an accept, by a connect and by SO_ERROR, once each', () => {
    const { stack, pending } = scriptedStack();
    for (const ask of [() => -stack.accept(3), () => -stack.connect(3, TO), () => stack.takeError(3)]) {
      pending.keep(3, ECONNREFUSED);
      assert.equal(ask(), ECONNREFUSED);
      assert.ok(!pending.has(3));
    }
    assert.equal(stack.accept(3), 4);
    assert.equal(stack.connect(3, TO), 0);
    assert.equal(stack.takeError(3), 0);
  });

  test('is told by datagrams, too', () => {
    const { stack, pending } = answering('recvfrom', []);
    const batch = stack.createBatch(2, 8);
    pending.keep(3, ECONNREFUSED);
    assert.equal(stack.recvBatch(3, batch), -ECONNREFUSED);
    assert.equal(stack.recvBatch(3, batch), -EAGAIN);
    pending.keep(3, ECONNREFUSED);
    batch.add(BYTES, TO);
    assert.equal(stack.sendBatch(3, batch, 0), -ECONNREFUSED);
    assert.equal(stack.sendBatch(3, batch, 0), 1);
  });

  test('goes with its socket', () => {
    const { stack, pending } = answering('recv', [0]);
    pending.keep(3, ECONNRESET);
    stack.close(3);
    assert.equal(stack.recv(3, BYTES, 8), 0);
  });
});

describe('datagrams', () => {
  const connected = (batch: DatagramBatch): DatagramBatch => {
    assert.ok(isManaged(batch));
    batch.failsOnErrors = true;
    return batch;
  };

  test('a reset is about another datagram, and is passed over where the profile says so', () => {
    const results = [-ECONNRESET, -ECONNRESET, 4, -EAGAIN];
    const { stack } = answering('recvfrom', [...results], { udpReset: true });
    const batch = stack.createBatch(4, 8);
    assert.equal(stack.recvBatch(3, batch), 1);
    assert.equal(batch.byteLength(0), 4);
    const plain = answering('recvfrom', [...results]);
    assert.equal(plain.stack.recvBatch(3, plain.stack.createBatch(4, 8)), -ECONNRESET);
  });

  test('resets without end do not hold the loop', () => {
    const { stack, script } = answering('recvfrom', new Array<number>(1000).fill(-ECONNRESET), { udpReset: true });
    assert.equal(stack.recvBatch(3, stack.createBatch(4, 8)), -EAGAIN);
    assert.ok(script.of('recvfrom').length < 20);
  });

  test('a reset on a connected socket says that nobody listens there', () => {
    const { stack } = answering('recvfrom', [-ECONNRESET], { udpReset: true });
    assert.equal(stack.recvBatch(3, connected(stack.createBatch(4, 8))), -ECONNREFUSED);
  });

  test('an error behind datagrams is heard by the next receive', () => {
    const { stack } = answering('recvfrom', [4, -ECONNREFUSED, -EAGAIN]);
    const batch = connected(stack.createBatch(4, 8));
    assert.equal(stack.recvBatch(3, batch), 1);
    assert.equal(stack.recvBatch(3, batch), -ECONNREFUSED);
    assert.equal(stack.recvBatch(3, batch), -EAGAIN);
  });

  test('one that is too long is known by its length, or by an error', () => {
    for (const result of [9, -EMSGSIZE]) {
      const { stack } = answering('recvfrom', [result, 8]);
      const batch = stack.createBatch(4, 8);
      assert.equal(stack.recvBatch(3, batch), 2);
      assert.deepEqual([batch.byteLength(0), batch.truncated(0)], [8, true]);
      assert.deepEqual([batch.byteLength(1), batch.truncated(1)], [8, false]);
    }
  });

  test('a send that is refused for one destination goes on with the others', () => {
    const { stack } = answering('sendto', [8, -ECONNREFUSED, 8]);
    const batch = stack.createBatch(4, 8);
    assert.ok(isManaged(batch));
    batch.skipsRefused = true;
    for (let i = 0; i < 3; i++) batch.add(BYTES, TO);
    assert.equal(stack.sendBatch(3, batch, 0), 3);
    assert.deepEqual([batch.refused, batch.refusal], [1, ECONNREFUSED]);
  });
});

describe('a call that the stack lacks', () => {
  const without = (...names: string[]) => {
    const symbols = Object.entries(scriptedProfile().symbols).filter(([name]) => !names.includes(name));
    return scriptedStack(() => ({}), { symbols: Object.fromEntries(symbols) });
  };
  const lacks = (call: string) => (error: unknown) => {
    assert.ok(error instanceof NotImplementedError);
    assert.equal(error.code, 'ENOSYS');
    assert.equal(error.syscall, call);
    assert.match(error.message, new RegExp(`scripted has no ${call}\\b`));
    return true;
  };

  test('is named by a NotImplementedError', () => {
    const { stack } = without('listen', 'setsockopt', 'getsockopt');
    assert.throws(() => stack.listen(3, 1), lacks('listen'));
    assert.throws(() => stack.setOption(3, 'noDelay', true, 'IPv4'), lacks('setsockopt'));
    assert.throws(() => stack.getOption(3, 'noDelay', 'IPv4'), lacks('getsockopt'));
    assert.throws(() => without('accept').stack.listen(3, 1), lacks('accept'));
  });

  test('is missed when the socket is opened that needs it, and not in the midst of an operation', () => {
    assert.throws(() => without('recvfrom').stack.socket('IPv4', 'datagram', true), lacks('recvfrom'));
    assert.throws(() => without('sendto').stack.socket('IPv4', 'datagram', true), lacks('sendto'));
    assert.equal(without('recvfrom').stack.socket('IPv4', 'stream', true), 3);
  });

  test('does not keep a socket from being closed', () => {
    const { stack } = without('shutdown', 'setsockopt', 'ioctl');
    assert.equal(stack.errors.name(-stack.shutdown(3, 'send')), 'ENOSYS');
    assert.equal(stack.errors.name(-stack.lingerZero(3)), 'ENOSYS');
    assert.equal(stack.unreadBytes(3), 0);
    assert.equal(stack.close(3), 0);
  });

  test('is done without where another one says as much', () => {
    const peek: NativeCall = (_fd, _target, _length, flags) => (flags === 0x42 ? 5 : 0);
    const { ioctl: _, getsockname: __, ...symbols } = scriptedProfile().symbols;
    const { stack } = scriptedStack(() => ({ recv: peek }), { symbols });
    assert.equal(stack.unreadBytes(3), 5);
    assert.equal(stack.localAddress(3), null);
    stack.bind(3, TO);
    assert.deepEqual(stack.localAddress(3), TO);
  });

  test('a port is chosen for a stack that cannot tell which one it chose', () => {
    const { getsockname: _, ...symbols } = scriptedProfile().symbols;
    const taken = [98, 98];
    const { stack, script } = scriptedStack(
      (own) => ({ bind: () => (taken.length ? own().fails(taken.pop() ?? 0) : 0) }),
      {
        symbols,
      },
    );
    assert.equal(stack.bind(3, { ...TO, port: 0 }), 0);
    const ports = script
      .of('bind')
      .map(([, bytes]) => ((bytes as number[])[2] ?? 0) * 256 + ((bytes as number[])[3] ?? 0));
    assert.equal(ports.length, 3);
    assert.ok(ports.every((port) => port >= 49_152));
    assert.deepEqual(stack.localAddress(3), { ...TO, port: ports[2] });
    const full = scriptedStack((own) => ({ bind: () => own().fails(98) }), { symbols });
    assert.equal(full.stack.bind(3, { ...TO, port: 0 }), -98);
    assert.ok(full.script.of('bind').length <= 64);
  });

  test('an option that the stack lacks is ENOPROTOOPT', () => {
    const { stack } = scriptedStack(() => ({}), { constants: { ...LINUX.constants, SO_REUSEPORT: null } });
    assert.equal(stack.errors.name(-stack.setOption(3, 'reusePort', true, 'IPv4')), 'ENOPROTOOPT');
    assert.equal(stack.errors.name(-stack.getOption(3, 'udpGro', 'IPv4')), 'ENOPROTOOPT');
  });
});
