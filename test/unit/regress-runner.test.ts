import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { probeDrivers } from '../../src/drivers/choose.js';
import { regress } from '../../src/regress/command.js';
import { UsageError } from '../../src/regress/options.js';
import { pattern } from '../../src/regress/pattern.js';
import { Peer, type PeerConnection } from '../../src/regress/peer.js';
import type { Report } from '../../src/regress/report.js';
import { runScenarios, type ScenarioResult } from '../../src/regress/runner.js';
import type { Scenario } from '../../src/regress/scenario.js';
import type { Terminal } from '../../src/regress/terminal.js';
import { openCapture, WireCapture } from '../../src/regress/wire/capture.js';
import type { FrameSource } from '../../src/regress/wire/frame.js';

const driver = probeDrivers().find((report) => report.usable)?.name;
assert.ok(driver, 'a driver can be used');

const QUIET = { started: () => undefined, finished: () => undefined };

function scenario(id: string, run: Scenario['run'], more: Partial<Scenario> = {}): Scenario {
  return { id, checks: 'something or other', contract: 'close, row 1', run, ...more };
}

async function resultOf(one: Scenario): Promise<ScenarioResult> {
  const results = await runScenarios({ scenarios: [one], drivers: [driver as 'io_uring'], observer: QUIET });
  assert.equal(results.length, 1);
  return results[0] as ScenarioResult;
}

/** A terminal that keeps what is written. */
function memoryTerminal(live = false): Terminal & { text: () => string } {
  const written: string[] = [];
  const write = (text: string) => void written.push(text);
  return { write, live, paint: (_, text) => text, columns: () => 80, text: () => written.join('') };
}

const passes = scenario('test/passes', async (context) => {
  const { ours, peer } = await context.pair();
  await ours.close();
  await context.expectEnding(peer, 'FIN');
});
const fails = scenario('test/fails', async (context) => {
  const { ours, peer } = await context.pair();
  await ours.abort();
  await context.expectEnding(peer, 'FIN');
});

describe('runScenarios()', () => {
  test('reports a scenario that holds, with what the peer saw', async () => {
    const result = await resultOf(passes);
    assert.equal(result.status, 'pass');
    assert.equal(result.failure, null);
    assert.equal(result.peer.fin, 1);
    assert.equal(result.peer.rst, 0);
    assert.ok(result.held.includes('the peer sees FIN'));
    assert.ok(result.durationMs > 0);
  });

  test('reports the expectation that failed and what was seen instead', async () => {
    const result = await resultOf(fails);
    assert.equal(result.status, 'fail');
    assert.deepEqual(result.failure, { expectation: 'the peer sees FIN', saw: 'it saw RST' });
    assert.equal(result.peer.rst, 1);
  });

  test('ends a scenario that hangs, and says what was pending', async () => {
    const hangs = scenario(
      'test/hangs',
      async (context) => {
        const { ours } = await context.pair();
        await ours.recv();
      },
      { watchdogMs: 1500 },
    );
    const result = await resultOf(hangs);
    assert.equal(result.status, 'fail');
    assert.match(result.failure?.expectation ?? '', /within 1500 ms/);
    assert.match(result.failure?.saw ?? '', /1 operations? had not ended/);
  });

  test('fails a scenario for an error that nobody awaited', async () => {
    // In a process of its own: the test runner would take the error for the test's.
    const script = `
      import { runScenarios } from ${JSON.stringify(new URL('../../src/regress/runner.js', import.meta.url).href)};
      const run = async (context) => {
        setTimeout(() => { throw new Error('stray'); }, 5);
        await context.wait(500);
      };
      const scenarios = [{ id: 'test/throws', checks: '', contract: '', run }];
      const observer = { started() {}, finished: ({ status, failure }) => console.log(status, failure?.saw) };
      runScenarios({ scenarios, drivers: [${JSON.stringify(driver)}], observer });
    `;
    const out = await new Promise<string>((resolve, reject) => {
      const args = ['--input-type=module', '--eval', script];
      execFile(process.execPath, args, (error, text) => (error ? reject(error) : resolve(text)));
    });
    assert.match(out, /^fail Error: stray/);
  });

  test('skips a scenario that the machine cannot run', async () => {
    const result = await resultOf(
      scenario('test/skips', async (context) => context.notApplicable('no such thing here')),
    );
    assert.equal(result.status, 'skip');
    assert.equal(result.failure?.saw, 'no such thing here');
  });

  test('fails a scenario that leaves something behind', async () => {
    const leaves = scenario('test/leaves', async (context) => {
      const { ours } = await context.pair();
      context.proactor.acquire();
      await ours.close();
    });
    const result = await resultOf(leaves);
    assert.equal(result.status, 'fail');
    assert.match(result.failure?.saw ?? '', /1 operations outstanding/);
  });

  /** A close that says FIN where the wire has a RST, and a peer that is not asked. */
  const lies = scenario('test/lies', async (context) => {
    const { ours } = await context.pair();
    const { name, socket } = ours;
    await socket.abort();
    context.trace.closed(name, 'close()', 'FIN');
  });

  async function capturedResults(capture: WireCapture, ...scenarios: Scenario[]): Promise<ScenarioResult[]> {
    return runScenarios({ scenarios, drivers: [driver as 'io_uring'], observer: QUIET, capture });
  }

  test('fails a close that the wire contradicts, and nothing else', async () => {
    const opened = await openCapture();
    if ('reason' in opened) return assert.notEqual(process.getuid?.(), 0, opened.reason);
    const results = await capturedResults(opened.capture, passes, lies, passes);
    await opened.capture.close();
    assert.deepEqual(
      results.map(({ status }) => status),
      ['pass', 'fail', 'pass'],
    );
    const [holds, failed] = results;
    assert.equal(failed?.failure?.expectation, 'the FIN that close() says it sent is on the wire');
    assert.equal(failed?.failure?.saw, 'A: it sent RST');
    assert.deepEqual([failed?.wire?.ours.fin, failed?.wire?.ours.rst, failed?.wire?.claims], [0, 1, 0]);
    assert.equal(holds?.wire?.claims, 1);
    assert.equal(holds?.wire?.ours.fin, 1);
  });

  test('goes on without a capture that fails, and says so once', async () => {
    const broken: FrameSource = {
      begin: async () => undefined,
      include: async () => {
        throw new Error('gone');
      },
      take: async () => ({ frames: [], dropped: 0, clockAheadMs: 0 }),
      close: async () => undefined,
    };
    const lost: string[] = [];
    const results = await runScenarios({
      scenarios: [passes, passes],
      drivers: [driver],
      observer: { ...QUIET, captureLost: (reason) => lost.push(reason) },
      capture: new WireCapture(broken),
    });
    assert.deepEqual(
      results.map(({ status, wire }) => [status, wire]),
      [
        ['pass', null],
        ['pass', null],
      ],
    );
    assert.deepEqual(lost, ['gone']);
  });

  test('goes on with a fresh peer after a failure', async () => {
    const results = await runScenarios({ scenarios: [fails, passes], drivers: [driver], observer: QUIET });
    assert.deepEqual(
      results.map((result) => result.status),
      ['fail', 'pass'],
    );
  });
});

describe('regress()', () => {
  test('gives 0 where every scenario holds', async () => {
    const terminal = memoryTerminal();
    assert.equal(await regress(['--driver', driver], { scenarios: [passes], terminal }), 0);
    assert.match(terminal.text(), /^pass .*test\/passes.*peer saw: FIN$/m);
    assert.match(terminal.text(), /The contract holds/);
    assert.doesNotMatch(terminal.text(), /\u001B/, 'a log has no escape sequences');
  });

  test('does not say that the contract holds where most of it could not be tried', async () => {
    const skips = ['a', 'b'].map((name) =>
      scenario(`test/skips-${name}`, async (context) => context.notApplicable('not here')),
    );
    const terminal = memoryTerminal();
    assert.equal(await regress(['--driver', driver], { scenarios: [passes, ...skips], terminal }), 0);
    assert.match(terminal.text(), /What could be tried holds .*2 skipped/);
    assert.doesNotMatch(terminal.text(), /The contract holds/);
  });

  test('does not say that the contract holds where the stack forbids some of it, and says what and why', async () => {
    const skips = (name: string, limit: string) =>
      scenario(`test/${name}`, async (context) => context.notApplicable(limit), { limit });
    const limit = 'it has no such thing (its manual)';
    const scenarios = [passes, scenario('test/too', passes.run), skips('one', limit), skips('other', limit)];
    const terminal = memoryTerminal();
    assert.equal(await regress(['--driver', driver], { scenarios, terminal }), 0);
    assert.match(terminal.text(), /^Beyond the stack: test\/one, test\/other; it has no such thing \(its manual\)$/m);
    assert.match(terminal.text(), /^What the stack allows holds \(4 scenarios .*: 2 ran, 2 beyond the stack\)$/m);
    assert.doesNotMatch(terminal.text(), /The contract holds/);
  });

  test('gives 1 where one does not, and says which and why', async () => {
    const terminal = memoryTerminal();
    assert.equal(await regress(['--driver', driver], { scenarios: [passes, fails], terminal }), 1);
    assert.match(terminal.text(), /FAIL test\/fails/);
    assert.match(terminal.text(), /expected: the peer sees FIN/);
    assert.match(terminal.text(), /but it saw RST/);
    assert.match(terminal.text(), /does NOT hold: 1 failure /);
  });

  test('gives 1 where every scenario was skipped: nothing has been shown', async () => {
    const skips = scenario('test/skips', async (context) => context.notApplicable('not here'));
    assert.equal(await regress(['--driver', driver], { scenarios: [skips], terminal: memoryTerminal() }), 1);
  });

  test('gives 1 where a driver that was asked for cannot be used', async () => {
    const elsewhere = probeDrivers().find((report) => !report.usable)?.name ?? 'iocp';
    const terminal = memoryTerminal();
    assert.equal(await regress(['--driver', elsewhere], { scenarios: [passes], terminal }), 1);
    assert.match(terminal.text(), new RegExp(`${elsewhere} cannot be used here`));
  });

  test('redraws a table on a terminal, no line of it wider than the terminal', async () => {
    const terminal = memoryTerminal(true);
    const long = scenario(`test/${'long-'.repeat(30)}name`, passes.run);
    await regress(['--driver', driver], { scenarios: [passes, long, fails], terminal });
    const plain = terminal.text().replace(/\u001B\[\d*[A-Za-z]/g, '');
    const lines = plain.split(/[\r\n]+/).filter((line) => !line.startsWith('overlapped '));
    for (const line of lines) assert.ok([...line].length <= 80, `${[...line].length} columns: ${line}`);
    assert.match(terminal.text(), /✓/);
    assert.match(terminal.text(), /✗/);
  });

  test('refuses a report that it could not write, before it starts', async () => {
    const args = ['--driver', driver, '--json', join(tmpdir(), 'no-such-folder', 'x', 'y.json')];
    await assert.rejects(regress(args, { scenarios: [passes], terminal: memoryTerminal() }), UsageError);
  });

  test('refuses a directory for packets that it could not write to, before it starts', async () => {
    const args = ['--driver', driver, '--pcap', join(process.execPath, 'packets')];
    await assert.rejects(regress(args, { scenarios: [passes], terminal: memoryTerminal() }), UsageError);
  });

  test('writes the JSON report', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'overlapped-regress-'));
    try {
      const file = join(folder, 'report.json');
      await regress(['--driver', driver, '--json', file], { scenarios: [passes, fails], terminal: memoryTerminal() });
      const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
      assert.equal(report.schema, 'overlapped-regress');
      assert.equal(report.version, 1);
      assert.equal(report.holds, false);
      assert.deepEqual(report.totals, { passed: 1, failed: 1, skipped: 0 });
      assert.deepEqual(
        report.drivers.filter((entry) => entry.ran).map((entry) => entry.name),
        [driver],
      );
      const [first, second] = report.scenarios;
      assert.equal(first?.group, 'test');
      assert.equal(first?.results[0]?.peer.fin, 1);
      assert.equal(second?.results[0]?.failure?.saw, 'it saw RST');
      const events = first?.results[0]?.events ?? [];
      assert.ok(events.some((event) => event.end === 'ours' && event.verb === 'close()' && event.sent === 'FIN'));
      assert.ok(events.some((event) => event.end === 'peer' && event.kind === 'fin'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the program', () => {
  const cli = fileURLToPath(new URL('../../src/cli.js', import.meta.url));
  const run = (...args: string[]) =>
    new Promise<{ status: number; out: string; err: string }>((resolve) => {
      execFile(process.execPath, [cli, ...args], (error, out, err) => {
        resolve({ status: typeof error?.code === 'number' ? error.code : 0, out, err });
      });
    });

  test('runs a scenario and exits with 0', async () => {
    const { status, out } = await run('regress', '--scenario', 'repair/cancel-close', '--driver', driver);
    assert.equal(status, 0, out);
    assert.match(out, /repair\/cancel-close/);
  });

  test('exits with 2 for what it does not know, and says so on the standard error', async () => {
    const wrong = [['frobnicate'], ['regress', '--frobnicate'], ['regress', '-s', 'nope'], ['doctor', 'x'], []];
    // All at once: under Wine a program takes seconds to start, most of them spent waiting.
    await Promise.all(
      wrong.map(async (args) => {
        const { status, out, err } = await run(...args);
        assert.equal(status, 2, args.join(' '));
        assert.notEqual(out + err, '');
      }),
    );
  });

  test('doctor names the driver that would be chosen', async () => {
    const { status, out } = await run('doctor', '--json');
    assert.equal(status, 0);
    const diagnosis = JSON.parse(out) as { chosen: string; drivers: { name: string; usable: boolean }[] };
    assert.ok(diagnosis.drivers.some((entry) => entry.name === diagnosis.chosen && entry.usable));
    assert.match((await run('doctor')).out, /Choice\n +\w+/);
  });
});

describe('the peer', () => {
  const withPeer = async (
    reading: boolean,
    act: (peer: Peer, connection: PeerConnection, ours: ReturnType<typeof connect>) => Promise<void>,
  ) => {
    const peer = new Peer();
    try {
      const server = await peer.listen({ reading });
      const ours = connect({ host: server.host, port: server.port, allowHalfOpen: true });
      ours.on('error', () => undefined);
      await new Promise<void>((resolve) => ours.once('connect', () => resolve()));
      await act(peer, await server.connectionFrom(ours.localPort ?? 0), ours);
      ours.destroy();
    } finally {
      await peer.terminate();
    }
  };

  test('tells a FIN', () =>
    withPeer(true, async (_peer, connection, ours) => {
      ours.end('bytes');
      assert.equal(await connection.ending(), 'FIN');
      assert.equal(connection.bytesSeen, 5);
    }));

  test('tells a RST', () =>
    withPeer(true, async (_peer, connection, ours) => {
      ours.resetAndDestroy();
      assert.equal(await connection.ending(), 'RST');
    }));

  test('tells a RST that came while it did not read, though libuv calls it an end', () =>
    withPeer(false, async (_peer, connection, ours) => {
      await new Promise<void>((resolve) => ours.write(pattern(70_000), () => resolve()));
      await new Promise<void>((resolve) => ours.resetAndDestroy().once('close', () => resolve()));
      await connection.resume();
      assert.equal(await connection.ending(), 'RST');
    }));

  test('hears of a RST from its send where it does not read', () =>
    withPeer(false, async (_peer, connection, ours) => {
      await new Promise<void>((resolve) => ours.resetAndDestroy().once('close', () => resolve()));
      assert.equal((await connection.send(pattern(1))).code, 'ECONNRESET');
    }));
});
