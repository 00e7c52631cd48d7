import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openProactor } from '../../src/index.js';
import { runScenarios } from '../../src/regress/runner.js';
import type { Scenario } from '../../src/regress/scenario.js';
import { SCENARIOS } from '../../src/regress/scenarios/index.js';
import { openStackPeer } from '../../src/regress/stack-peer/transport.js';
import { LINUX, openStack, type StackProfile } from '../../src/stack.js';

// The scenarios with a peer that lives on the stack, on a stack that can do all that they need: Linux's.

async function resultsOf(scenarios: readonly Scenario[], profile: StackProfile) {
  const stack = openStack(profile);
  try {
    const observer = { started: () => undefined, finished: () => undefined };
    const makeProactor = () => openProactor({ stack });
    return await runScenarios({
      scenarios,
      drivers: ['readiness'],
      observer,
      makeProactor,
      openPeer: openStackPeer(stack),
    });
  } finally {
    stack.close();
  }
}

/** An expectation of the other ending than the one that the close makes. */
function wrong(how: 'close' | 'abort'): Scenario {
  return {
    id: `wrong/${how}`,
    checks: 'that the peer is believed',
    contract: 'none',
    run: async (context) => {
      const { ours, peer } = await context.pair();
      await ours[how]();
      await context.expectEnding(peer, how === 'close' ? 'RST' : 'FIN');
    },
  };
}

describe('scenarios whose peer lives on the stack', { skip: process.platform === 'linux' ? false : 'on Linux' }, () => {
  test('all hold', async () => {
    // Those of scale have no peer to speak of, and take seconds.
    const scenarios = SCENARIOS.filter(({ id }) => !id.startsWith('scale/'));
    const results = await resultsOf(scenarios, { ...LINUX, waits: ['poll'] });
    const others = results.filter(({ status }) => status !== 'pass');
    // This peer has no paths: node:net reaches those of any stack that has some.
    assert.deepEqual(
      others.map(({ scenario, status, failure }) => [scenario.id, status, failure?.saw]),
      [['tcp/unix-path', 'skip', 'this platform has no such sockets: EAFNOSUPPORT']],
    );
    assert.equal(results.length, scenarios.length);
  });

  test('fail where the library does not do what it should', async () => {
    const results = await resultsOf([wrong('close'), wrong('abort')], LINUX);
    assert.deepEqual(
      results.map(({ status, failure }) => [status, failure?.saw]),
      [
        ['fail', 'it saw FIN'],
        ['fail', 'it saw RST'],
      ],
    );
  });
});
