import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SYS_io_uring_enter, SYS_io_uring_register, SYS_io_uring_setup } from '../../native-bindings/linux/io-uring.js';
import { runChild } from '../support/child.js';

const ERRORS = { EPERM: 1, ENOSYS: 38, EINVAL: 22, ENOMEM: 12 } as const;
type Code = keyof typeof ERRORS;

function run(call: number, code: Code, env: Record<string, string> = {}) {
  const args = [String(call), String(ERRORS[code])];
  return runChild(import.meta.url, 'programs/without-io-uring.js', args, {
    env: { OVERLAPPED_DRIVER: 'auto', ...env },
  });
}

/** A sandbox, a sysctl or an old kernel refuses io_uring: everything works all the same, and the reason is told. */
describe('io_uring refused', { skip: process.platform !== 'linux', timeout: 60_000 }, () => {
  test('where it is allowed, io_uring carries the sockets', async () => {
    const { status, output, errors } = await run(0, 'EPERM');
    assert.match(output, /probe io_uring true/);
    assert.match(output, /driver io_uring\nechoed 10/);
    assert.equal(status, 0, errors);
  });

  for (const code of ['EPERM', 'ENOSYS', 'EINVAL', 'ENOMEM'] as const) {
    test(`${code} from io_uring_setup: the readiness driver carries them, and the probe names ${code}`, async () => {
      const { status, output, errors } = await run(SYS_io_uring_setup, code);
      assert.match(output, new RegExp(`probe io_uring false .*io_uring_setup.*${code}`));
      assert.match(output, /driver readiness\nechoed 10/);
      assert.equal(status, 0, errors);
    });
  }

  for (const [name, call] of [
    ['io_uring_register', SYS_io_uring_register],
    ['io_uring_enter', SYS_io_uring_enter],
  ] as const) {
    test(`${name} refused after setup was allowed: the probe notices, and readiness carries them`, async () => {
      const { status, output, errors } = await run(call, 'EPERM');
      assert.match(output, new RegExp(`probe io_uring false .*${name}.*EPERM`));
      assert.match(output, /driver readiness\nechoed 10/);
      assert.equal(status, 0, errors);
    });
  }

  test('whoever insists on io_uring gets ERR_DRIVER_UNAVAILABLE with the reason', async () => {
    const { output } = await run(SYS_io_uring_setup, 'EPERM', { OVERLAPPED_DRIVER: 'io_uring' });
    assert.match(output, /failed ERR_DRIVER_UNAVAILABLE .*io_uring.*EPERM/);
  });

  test('OVERLAPPED_DRIVER names the driver, and a name that there is not is refused', async () => {
    const { output } = await run(0, 'EPERM', { OVERLAPPED_DRIVER: 'readiness' });
    assert.match(output, /driver readiness\nechoed 10/);
    const wrong = await run(0, 'EPERM', { OVERLAPPED_DRIVER: 'kqueue' });
    assert.match(wrong.output, /failed ERR_INVALID_ARG_VALUE .*kqueue/);
  });
});
