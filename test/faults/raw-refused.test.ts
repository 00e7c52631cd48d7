import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EPERM } from '../../native-bindings/linux/errno.js';
import { SYS_io_uring_setup } from '../../native-bindings/linux/io-uring.js';
import { runChild } from '../support/child.js';

/** Runs one cell of `regress --raw` where the kernel refuses io_uring, as many a container's filter does. */
async function withoutIoUring(...args: string[]): Promise<string> {
  const all = [String(SYS_io_uring_setup), String(EPERM), '--cell', 'none/close/empty', '--repeat', '1', ...args];
  const { output, errors } = await runChild(import.meta.url, 'programs/raw-without-io-uring.js', all);
  return output + errors;
}

describe('regress --raw where the kernel refuses io_uring', { skip: process.platform !== 'linux' }, () => {
  test('says so, and measures the rest', async () => {
    const output = await withoutIoUring();
    assert.match(output, /io_uring cannot be measured here: io_uring_setup failed: EPERM/);
    assert.match(output, /, epoll\n/);
    assert.match(output, /status 0$/m);
  });

  test('fails where io_uring was asked for', async () => {
    const output = await withoutIoUring('--driver', 'io_uring', '--driver', 'epoll');
    assert.match(output, /io_uring cannot be measured here/);
    assert.match(output, /status 1$/m);
  });
});
