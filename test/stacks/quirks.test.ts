import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { onLinux, onStack, PLAIN } from './bench.js';
import { QUIRKS } from './quirk-table.js';

// Each quirk by itself: a stack that has it, and a library that is told of it or not. Told, nothing is to be seen of it;
// not told, or with what makes up for it taken out of the code, it shows.
for (const { name, stack = {}, flags = {}, told = {}, untold = {}, probe, expected } of QUIRKS) {
  describe(name, () => {
    const simulated = { ...PLAIN, ...stack };
    const wanted = expected === undefined ? () => onLinux(probe) : () => JSON.stringify(expected);

    test('is made up for', () => {
      assert.equal(onStack(simulated, flags, { ...simulated, ...told }, probe), wanted());
    });

    test('shows, where nobody makes up for it', () => {
      assert.notEqual(onStack(simulated, flags, { ...simulated, ...told, ...untold }, probe), wanted());
    });
  });
}
