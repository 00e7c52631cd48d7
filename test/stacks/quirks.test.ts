import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { onLinux, onStack, PLAIN } from './bench.js';
import { QUIRKS } from './quirk-table.js';

const ATTEMPTS = 3;

// Each quirk by itself: a stack that has it, and a library that is told of it or not. Told, nothing is to be seen of it;
// not told, or with what makes up for it taken out of the code, it shows.
for (const { name, stack = {}, flags = {}, told = {}, untold = {}, probe, expected } of QUIRKS) {
  describe(name, () => {
    const simulated = { ...PLAIN, ...stack };
    const wanted = expected === undefined ? () => onLinux(probe) : () => JSON.stringify(expected);

    test('is made up for', () => {
      const play = () => onStack(simulated, flags, { ...simulated, ...told }, probe);
      let said = play();
      // Loopback delivers within the call that sends, unless a loaded kernel leaves that to ksoftirqd.
      for (let i = 1; i < ATTEMPTS && said !== wanted(); i++) said = play();
      assert.equal(said, wanted());
    });

    test('shows, where nobody makes up for it', () => {
      assert.notEqual(onStack(simulated, flags, { ...simulated, ...told, ...untold }, probe), wanted());
    });
  });
}
