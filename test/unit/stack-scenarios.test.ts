import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Finding } from '../../src/bsd/probe/finding.js';
import type { QuirkFlags } from '../../src/bsd/profile/quirks.js';
import { LINUX } from '../../src/bsd/profiles/linux.js';
import { regress } from '../../src/regress/command.js';
import { UsageError } from '../../src/regress/options.js';
import { runScenarios } from '../../src/regress/runner.js';
import { probeStackCommand } from '../../src/regress/stack/probe-command.js';
import { stackScenarios } from '../../src/regress/stack/scenarios.js';
import type { Terminal } from '../../src/regress/terminal.js';

/** How the scenario of one flag ends, for a profile with these flags. */
async function outcome(finding: Finding, quirks: QuirkFlags): Promise<string> {
  const scenarios = stackScenarios({ ...LINUX, quirks }, [finding]);
  const observer = { started: () => undefined, finished: () => undefined };
  const [result] = await runScenarios({ scenarios, drivers: ['readiness'], observer });
  return result?.status ?? 'nothing';
}

function recorder(): Terminal & { readonly lines: string[] } {
  const lines: string[] = [];
  const write = (text: string) => lines.push(text);
  return { lines, live: false, write, columns: () => 80, paint: (_: string, text: string) => text } as never;
}

describe('the scenarios of a stack', () => {
  test('a flag that the stack needs is in the profile, or the scenario fails', async () => {
    const needed: Finding = { flag: 'refusedIsReset', value: true, how: 'seen' };
    assert.equal(await outcome(needed, { refusedIsReset: true }), 'pass');
    assert.equal(await outcome(needed, {}), 'fail');
  });

  test('a value is the one that was measured', async () => {
    const tagged: Finding = { flag: 'descriptorTagBits', value: 0x4000_0000, how: 'seen' };
    assert.equal(await outcome(tagged, { descriptorTagBits: 0x4000_0000 }), 'pass');
    assert.equal(await outcome(tagged, { descriptorTagBits: 0x2000_0000 }), 'fail');
  });

  test('a flag that is not needed does no harm, unless it changes the calls', async () => {
    assert.equal(await outcome({ flag: 'udpReset', value: false, how: 'seen' }, { udpReset: true }), 'pass');
    const unit: Finding = { flag: 'timeoutUnit', value: 'milliseconds', how: 'seen' };
    assert.equal(await outcome(unit, { timeoutUnit: 'microseconds' }), 'fail');
    assert.equal(await outcome(unit, {}), 'pass');
  });

  test('what could not be tried is skipped', async () => {
    assert.equal(await outcome({ flag: 'noTearDown', value: null, how: 'no way' }, {}), 'skip');
  });
});

describe('the command lines', () => {
  test('a stack that there is not is a wrong command line, and is named', async () => {
    await assert.rejects(regress(['--stack', 'no-such-stack'], { terminal: recorder() }), (error: Error) => {
      return error instanceof UsageError && error.message.includes("'no-such-stack'");
    });
    assert.throws(() => probeStackCommand(['no-such-stack'], recorder()), UsageError);
    assert.throws(() => probeStackCommand([], recorder()), UsageError);
    assert.throws(() => probeStackCommand(['linux', '--simulation', 'no-such-stack'], recorder()), UsageError);
  });

  test('options that do not go together are refused', async () => {
    const refused = (...args: string[]) => assert.rejects(regress(args, { terminal: recorder() }), UsageError);
    await refused('--simulation', 'ps3');
    await refused('--stack', 'ps3', '--driver', 'io_uring');
  });
});
