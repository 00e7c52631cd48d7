import assert from 'node:assert/strict';
import type { SocketOptionName, SocketOptions } from '../../src/index.js';
import { SystemError } from '../../src/index.js';
import { describe, test } from '../support/contract-test.js';
import { type DriverUnderTest, type OnStage, useStage } from '../support/stage.js';

/** Socket options by name. */
export function describeOptions(driver: DriverUnderTest): void {
  describe('options', () => {
    const stage = useStage(driver);
    describeValues(stage);
    describeMistakes(stage);
  });
}

const ON_EVERY_PLATFORM: [SocketOptionName, SocketOptions[SocketOptionName][]][] = [
  ['noDelay', [true, false, true]],
  ['keepAlive', [true, false]],
  ['reuseAddress', [true, false]],
  ['ttl', [5, 64]],
];
const WHERE_THERE_IS_ONE: [SocketOptionName, number[]][] = [
  ['keepAliveIdleSeconds', [1, 77, 32767]],
  ['keepAliveIntervalSeconds', [1, 7]],
  ['keepAliveCount', [1, 9, 127]],
  ['userTimeoutMs', [0, 5000]],
];

function describeValues(stage: OnStage): void {
  for (const [name, values] of ON_EVERY_PLATFORM) {
    test(`${name} reads as it was set`, async () => {
      const { socket } = await stage().connected();
      for (const value of values) {
        assert.equal(socket.setOption(name, value as never), socket);
        assert.equal(socket.getOption(name), value);
      }
    });
  }

  for (const [name, values] of WHERE_THERE_IS_ONE) {
    test(`${name} reads as it was set, or is ENOPROTOOPT where there is none`, async () => {
      const { socket } = await stage().connected();
      for (const value of values) {
        try {
          socket.setOption(name, value);
        } catch (error) {
          assert.ok(error instanceof SystemError);
          assert.equal(error.code, 'ENOPROTOOPT');
          // A stack of its own has what its profile says.
          const isHost = stage().name === stage().driverName;
          assert.ok(process.platform !== 'linux' || !isHost, `${error.message}: Linux has it`);
          return;
        }
        assert.equal(socket.getOption(name), value);
      }
    });
  }

  test('buffer sizes are at least what was asked for', async () => {
    const { socket } = await stage().connected();
    for (const name of ['sendBufferBytes', 'receiveBufferBytes'] as const) {
      socket.setOption(name, 65536);
      assert.ok(socket.getOption(name) >= 65536, `${name} is ${socket.getOption(name)}`);
    }
  });

  test('a listener has options too', async () => {
    const listener = await stage().listen();
    listener.setOption('receiveBufferBytes', 65536);
    assert.ok(listener.getOption('receiveBufferBytes') >= 65536);
  });
}

function describeMistakes(stage: OnStage): void {
  test('an option that there is not is refused, whatever its name', async () => {
    const { socket } = await stage().connected();
    for (const name of ['nagle', '', 'toString', '__proto__', 'constructor', 5, null, undefined]) {
      const bad = name as never;
      assert.throws(() => socket.setOption(bad, true as never), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
      assert.throws(() => socket.getOption(bad), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
    }
  });

  test('a value of the wrong type or range is refused, and changes nothing', async () => {
    const { socket } = await stage().connected();
    for (const value of [1, 0, 'yes', null, undefined, {}])
      assert.throws(() => socket.setOption('keepAlive', value as never), { code: 'ERR_INVALID_ARG_TYPE' }, `${value}`);
    for (const value of [true, '5', null, undefined, {}, 5n])
      assert.throws(() => socket.setOption('ttl', value as never), { code: 'ERR_INVALID_ARG_TYPE' }, `${value}`);
    for (const value of [0, 256, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
      assert.throws(() => socket.setOption('ttl', value), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }, `${value}`);
    assert.equal(socket.getOption('keepAlive'), false);
  });

  test('what the platform refuses is a SystemError that names the option and the call', async () => {
    const { socket } = await stage().connected();
    // A socket that is connected over IPv4 has no IPV6_V6ONLY.
    assert.throws(
      () => socket.setOption('ipv6Only', true),
      (error: unknown) => {
        assert.ok(error instanceof SystemError);
        assert.equal(error.syscall, 'setsockopt');
        assert.match(error.message, /ipv6Only/);
        assert.ok(['ENOPROTOOPT', 'EINVAL', 'EOPNOTSUPP'].includes(error.code), error.code);
        return true;
      },
    );
  });
}
