import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { OpenStack } from '../../src/bsd/open-stack.js';
import { probeStack } from '../../src/bsd/probe/probe.js';
import { findStack } from '../../src/bsd/stack-source.js';
import { openProactor } from '../../src/index.js';
import { globMatches } from '../../src/regress/glob.js';
import { runScenarios } from '../../src/regress/runner.js';
import { SCENARIOS } from '../../src/regress/scenarios/index.js';
import { ANY_STACK_LIMITS } from '../../src/regress/stack/limits/any-stack.js';
import { applyLimits, limitsOf } from '../../src/regress/stack/limits/apply.js';
import type { ScenarioLimit, StackTrial } from '../../src/regress/stack/limits/limit.js';
import { LWIP_LIMITS } from '../../src/regress/stack/limits/lwip.js';
import { readsResetAsEnd } from '../../src/regress/stack/limits/trials.js';
import { WINSOCK_LIMITS } from '../../src/regress/stack/limits/winsock.js';
import { openStackPeer } from '../../src/regress/stack-peer/transport.js';
import { LINUX, openStack } from '../../src/stack.js';
import { deafToResets } from '../support/deaf-library.js';

const ALL: readonly ScenarioLimit[] = [...ANY_STACK_LIMITS, ...LWIP_LIMITS, ...WINSOCK_LIMITS];

function selected({ scenarios }: ScenarioLimit) {
  return SCENARIOS.filter(({ id }) => scenarios.some((glob) => globMatches(glob, id)));
}

function trialOn(open: OpenStack, more: Partial<StackTrial> = {}): StackTrial {
  return { open, findings: [], openPeer: openStackPeer(open), ...more };
}

async function limited(limits: readonly ScenarioLimit[], trial: StackTrial): Promise<string[]> {
  const scenarios = await applyLimits(SCENARIOS, limits, trial);
  return scenarios.filter(({ limit }) => limit !== undefined).map(({ id }) => id);
}

describe('the limits of stacks', () => {
  test('each names scenarios that there are, and says where it is from', () => {
    for (const limit of ALL) {
      for (const glob of limit.scenarios) {
        assert.ok(
          SCENARIOS.some(({ id }) => globMatches(glob, id)),
          `${glob} names no scenario`,
        );
      }
      assert.match(limit.reason, /\([^)]*(?:\.[ch]|\.ts)[^)]*\)/, limit.reason);
    }
  });

  test('those of a stack are for its library, whatever the profile is called', () => {
    assert.deepEqual(limitsOf('liblwip.so.0'), [...ANY_STACK_LIMITS, ...LWIP_LIMITS]);
    assert.deepEqual(limitsOf('ws2_32.dll'), [...ANY_STACK_LIMITS, ...WINSOCK_LIMITS]);
    assert.deepEqual(limitsOf(null), ANY_STACK_LIMITS);
  });

  const onLinux = { skip: process.platform === 'linux' ? false : 'it is for Linux' };

  test('one that is tried does not hold for a stack that can do it', onLinux, async () => {
    const open = openStack({ ...LINUX, waits: ['poll'] });
    const tried = ALL.filter(({ holds }) => holds !== undefined);
    assert.equal(tried.length, 4);
    assert.deepEqual(await limited(tried, trialOn(open)), []);
    open.close();
  });

  test('a stack that reads resets as ends has that limit', onLinux, async () => {
    const open = openStack({ ...LINUX, waits: ['poll'] }, deafToResets());
    assert.equal(await readsResetAsEnd(trialOn(open)), true);
    assert.deepEqual(await limited(WINSOCK_LIMITS, trialOn(open)), [
      'operation/one-end-each',
      'tcp/peer-reset',
      'accept/client-reset',
    ]);
    open.close();
  });

  test('a limit of which no scenario was selected is not tried', async () => {
    const holds = () => assert.fail('it was tried');
    const [first] = SCENARIOS.filter(({ id }) => id === 'close/fin');
    assert.ok(first);
    const kept = await applyLimits([first], [{ scenarios: ['udp/*'], reason: 'none', holds }], {} as StackTrial);
    assert.deepEqual(kept, [first]);
  });
});

describe("lwIP's limits", { skip: process.platform === 'linux' ? false : 'it is for Linux' }, () => {
  const source = findStack('lwip');

  test('all hold, and each of their scenarios comes to nothing without them', async () => {
    const findings = probeStack(source.profile, source.makeLibrary());
    const open = source.open();
    const limits = limitsOf(source.profile.library);
    const openPeer = openStackPeer(open, source.abort);
    const scenarios = limits.flatMap(selected);
    assert.deepEqual(
      (await limited(limits, { open, findings, openPeer })).sort(),
      scenarios.map(({ id }) => id).sort(),
    );
    const makeProactor = () => openProactor({ stack: open });
    const observer = { started: () => undefined, finished: () => undefined };
    const results = await runScenarios({ scenarios, drivers: ['readiness'], observer, makeProactor, openPeer });
    const passed = results.filter(({ status }) => status === 'pass').map(({ scenario }) => scenario.id);
    assert.deepEqual(passed, [], 'the stack can do what a limit says it cannot');
    open.close();
  });
});
