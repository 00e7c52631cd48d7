import assert from 'node:assert/strict';
import net from 'node:net';
import { after, describe, test } from 'node:test';
import { driversUnderTest } from '../support/drivers.js';
import { programOf } from './fuzz/generator.js';
import { compare, DriverSubject, playWith, type Subject, type Verdict } from './fuzz/one-case.js';
import type { NetModule } from './scenario.js';

/** The whole run is `node scripts/fuzz-net.mjs`; this many say that it still works. */
const CASES = 200;
const FIRST_SEED = 1;
const DEFECTIVE_CASES = 60;

interface Tally {
  racy: number;
  readonly different: number[];
}

async function tally(subject: Subject, cases: number): Promise<Tally> {
  const found: Tally = { racy: 0, different: [] };
  for (let seed = FIRST_SEED; seed < FIRST_SEED + cases; seed++) {
    const verdict: Verdict = await compare(programOf(seed), subject);
    if (verdict === 'racy') found.racy++;
    else if (verdict !== 'same') found.different.push(seed);
  }
  return found;
}

/** node:net with a defect that a program sees at times: what was written is not waited for. */
class HastySocket extends net.Socket {
  override destroySoon(): void {
    this.destroy();
  }
}

const hasty: Subject = {
  name: 'a hasty net',
  strict: true,
  play: (run) => {
    const connect = (...args: unknown[]) => {
      const options = typeof args[0] === 'object' ? (args[0] as net.SocketConstructorOpts) : {};
      return new HastySocket(options).connect(...(args as [number]));
    };
    return playWith({ ...net, Socket: HastySocket, connect } as unknown as NetModule, true, run);
  },
};

describe('random programs', { timeout: 300_000 }, () => {
  const subjects = driversUnderTest().map(({ name }) => new DriverSubject(name));
  after(() => {
    for (const subject of subjects) subject.destroy();
  });

  for (const subject of subjects) {
    test(`see on ${subject.name} what they see of node:net, in ${CASES} cases`, async () => {
      const { racy, different } = await tally(subject, CASES);
      const [seed] = different;
      const hint = `node scripts/fuzz-net.mjs --driver ${subject.name} --cases 1 --seed ${seed}`;
      assert.equal(seed, undefined, `${hint}; all that differ: ${different.join()}`);
      assert.ok(racy <= CASES / 20, `${racy} programs say nothing, since node:net differs from itself`);
    });
  }

  test('see a defect', async () => {
    const { different } = await tally(hasty, DEFECTIVE_CASES);
    assert.ok(different.length > 0);
  });

  test('are the same programs again for the same seeds', () => {
    assert.deepEqual(programOf(4711), programOf(4711));
    assert.notDeepEqual(programOf(4711), programOf(4712));
  });
});
