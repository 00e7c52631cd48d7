import assert from 'node:assert/strict';
import net from 'node:net';
import { describe, test } from 'node:test';
import { chooseCarrier } from '../../src/net/carrier.js';
import overlappedNet from '../../src/net/index.js';
import { driversUnderTest } from '../support/drivers.js';
import { soon, until } from '../support/waiting.js';
import { Journal, type NetModule, type Scenario } from './scenario.js';
import { connectScenarios } from './scenarios/connects.js';
import { endScenarios } from './scenarios/ends.js';
import { pathScenarios } from './scenarios/paths.js';
import { progressScenarios } from './scenarios/progress.js';
import { serverScenarios } from './scenarios/servers.js';
import { streamScenarios } from './scenarios/streams.js';

const scenarios: readonly Scenario[] = [
  ...streamScenarios,
  ...endScenarios,
  ...connectScenarios,
  ...serverScenarios,
  ...(process.platform === 'win32' ? [] : [...pathScenarios, ...progressScenarios]),
];

async function journalOf(scenario: Scenario, module: NetModule): Promise<readonly string[]> {
  const journal = new Journal();
  await soon(scenario.run(module, journal), scenario.name, 20_000);
  return journal.byActor();
}

/** node:net is the oracle: what a program sees must be the same, in the same order. */
for (const { name, makeProactor } of driversUnderTest()) {
  describe(`overlapped/net on ${name} does what node:net does`, { timeout: 120_000 }, () => {
    for (const scenario of scenarios) {
      test(scenario.name, async () => {
        const expected = await journalOf(scenario, net);
        assert.ok(expected.length > 0, 'the scenario must note something');
        const proactor = makeProactor();
        chooseCarrier({ proactor });
        const seen = await journalOf(scenario, overlappedNet as unknown as NetModule);
        assert.deepEqual(seen, expected);
        // 'close' of a server comes before its handle is closed, in Node too.
        await until(() => proactor.driver.statistics().openSockets === 0, 'no socket to be left open');
        assert.equal(proactor.outstanding, 0, 'no operation is left');
        proactor.destroy();
      });
    }
  });
}
