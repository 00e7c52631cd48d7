import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Child } from '../support/child.js';
import { driversUnderTest } from '../support/drivers.js';

// In a process of its own: a write into freed memory ends a process, and not by an exception.
for (const { name } of driversUnderTest()) {
  describe(`${name}: worker threads`, { timeout: 150_000 }, () => {
    test('workers that are terminated with operations in flight harm nobody, and the main thread goes on', async () => {
      const child = new Child(import.meta.url, 'programs/worker-terminated.js', [], {
        env: { OVERLAPPED_DRIVER: name },
      });
      // Eight workers one after the other: under Wine each takes seconds to begin on a machine that is busy.
      const { status, signal, output, errors } = await child.end(120_000);
      assert.equal(signal, null, `${output}${errors}`);
      assert.equal(status, 0, `${output}${errors}`);
      assert.match(output, new RegExp(`terminated 8\ndriver ${name}\nechoed 20`));
    });
  });
}
