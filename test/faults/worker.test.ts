import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runChild } from '../support/child.js';
import { driversUnderTest } from '../support/drivers.js';

// In a process of its own: a write into freed memory ends a process, and not by an exception.
for (const { name } of driversUnderTest()) {
  describe(`${name}: worker threads`, { timeout: 60_000 }, () => {
    test('workers that are terminated with operations in flight harm nobody, and the main thread goes on', async () => {
      const { status, signal, output, errors } = await runChild(import.meta.url, 'programs/worker-terminated.js', [], {
        env: { OVERLAPPED_DRIVER: name },
      });
      assert.equal(signal, null, `${output}${errors}`);
      assert.equal(status, 0, `${output}${errors}`);
      assert.match(output, new RegExp(`terminated 8\ndriver ${name}\nechoed 20`));
    });
  });
}
