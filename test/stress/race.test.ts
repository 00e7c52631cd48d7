import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { driversUnderTest } from '../support/drivers.js';
import { newSeed } from '../support/random.js';
import { assertFlat } from './footprint.js';
import { runRace } from './race.js';

const RECEIVES = 20_000;

/** The short race. The long one: node scripts/stress.mjs */
for (const { name } of driversUnderTest()) {
  describe(`${name}: receives whose timeouts fall around the arrival of the data`, { timeout: 120_000 }, () => {
    for (const [sentence, closeRate] of [
      [`${RECEIVES} receives with timeouts and aborts lose, double and swap no byte`, 0],
      [`${RECEIVES} receives with closes at random points besides leave nothing behind`, 0.02],
    ] as const) {
      test(sentence, async () => {
        const seed = newSeed();
        console.log(`seed ${seed}`);
        const report = await runRace({ driver: name, seed, receives: RECEIVES, sockets: 100, closeRate });
        console.log(JSON.stringify(report));
        // Each way of ending has been met many times, or the race was none.
        assert.ok(report.received > RECEIVES / 20, 'receives that got bytes');
        assert.ok(report.timedOut > RECEIVES / 20, 'receives that timed out');
        assert.ok(report.aborted > RECEIVES / 100, 'receives that were aborted');
        if (closeRate > 0) assert.ok(report.ended > 20, 'receives that a close ended');
        assertFlat(report.before, report.after);
      });
    }
  });
}
