import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { globMatches } from '../../src/regress/glob.js';
import { parseRegressOptions, selectScenarios, UsageError } from '../../src/regress/options.js';
import type { Scenario } from '../../src/regress/scenario.js';
import { SCENARIOS } from '../../src/regress/scenarios/index.js';

const scenario = (id: string): Scenario => ({
  id,
  checks: 'something',
  contract: 'a rule',
  run: async () => undefined,
});
const ALL = ['close/fin', 'close/unread', 'udp/echo'].map(scenario);
const SERVICE = `127.0.0.1:4711/${'0123456789abcdef'.repeat(2)}`;
const ids = (scenarios: readonly Scenario[]) => scenarios.map(({ id }) => id);

describe('globMatches', () => {
  test('a star is any run of characters, slashes too, and a question mark one', () => {
    assert.ok(globMatches('close/*', 'close/fin'));
    assert.ok(globMatches('*', 'close/fin'));
    assert.ok(globMatches('*fin', 'close/fin'));
    assert.ok(globMatches('close/f?n', 'close/fin'));
    assert.ok(!globMatches('close/f?', 'close/fin'));
    assert.ok(!globMatches('fin', 'close/fin'));
    assert.ok(!globMatches('close', 'close/fin'));
  });

  test('every other character is itself', () => {
    assert.ok(globMatches('a.b+(c)[d]^$|\\', 'a.b+(c)[d]^$|\\'));
    assert.ok(!globMatches('a.b', 'axb'));
    fc.assert(
      fc.property(
        fc.string().filter((text) => !/[*?]/.test(text)),
        fc.string(),
        (glob, text) => {
          assert.equal(globMatches(glob, text), glob === text);
        },
      ),
    );
  });

  test('many stars do not take for ever', () => {
    assert.ok(!globMatches('*'.repeat(200), '') === false);
    assert.ok(!globMatches(`${'a*'.repeat(4)}b`, 'a'.repeat(200)));
  });
});

describe('the command line of regress', () => {
  test('nothing given selects everything', () => {
    const options = parseRegressOptions([], ALL);
    assert.deepEqual(ids(options.scenarios), ids(ALL));
    assert.deepEqual(options.drivers, []);
    assert.equal(options.colour, true);
    assert.equal(options.jsonFile, undefined);
    assert.equal(options.pcapDirectory, undefined);
    assert.equal(options.capture, true);
  });

  test('packets are asked for, or left alone', () => {
    const options = parseRegressOptions(['--pcap', 'packets', '--capture', SERVICE], ALL);
    assert.deepEqual([options.pcapDirectory, options.captureService], ['packets', SERVICE]);
    assert.equal(parseRegressOptions(['--no-capture'], ALL).capture, false);
  });

  test('options can be repeated and combined', () => {
    const args = ['--driver', 'io_uring', '-d', 'readiness', '-d', 'io_uring', '-s', 'udp/*', '--scenario=close/fin'];
    const options = parseRegressOptions([...args, '--json', 'a.json', '--html=b.html', '--no-color', '--list'], ALL);
    assert.deepEqual(options.drivers, ['io_uring', 'readiness']);
    assert.deepEqual(ids(options.scenarios), ['close/fin', 'udp/echo']);
    assert.equal(options.jsonFile, 'a.json');
    assert.equal(options.htmlFile, 'b.html');
    assert.equal(options.colour, false);
    assert.equal(options.list, true);
  });

  const wrong: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['an unknown option', ['--frobnicate'], /--frobnicate/],
    ['an argument', ['close/fin'], /close\/fin/],
    ['an unknown driver', ['--driver', 'kqueue'], /kqueue.*io_uring, readiness, iocp/],
    ['a scenario that is not there', ['--scenario', 'nope/*'], /nope\/\*.*--list/],
    ['a scenario that is not there, next to one that is', ['-s', 'udp/*', '-s', 'nope'], /nope/],
    ['files of packets without packets', ['--pcap', 'x', '--no-capture'], /--pcap and --no-capture/],
    ['a service without a capture', ['--capture', SERVICE, '--no-capture'], /--capture and --no-capture/],
    ['an address of no service', ['--capture', '10.0.0.1:80'], /127\.0\.0\.1:PORT/],
    ['a directory without a name', ['--pcap', ''], /--pcap.*directory/],
    ['a file without a name', ['--json', ''], /--json/],
    ['a missing value', ['--html'], /--html/],
  ];
  for (const [what, args, message] of wrong) {
    test(`${what} is refused with its name`, () => {
      assert.throws(
        () => parseRegressOptions(args, ALL),
        (error) => error instanceof UsageError && message.test(error.message),
      );
    });
  }
});

describe('the scenarios', () => {
  test('have ids of their own, of the form group/name, and say what they check', () => {
    assert.equal(new Set(ids(SCENARIOS)).size, SCENARIOS.length);
    for (const { id, checks, contract } of SCENARIOS) {
      assert.match(id, /^[a-z]+\/[a-z0-9-]+$/);
      assert.match(checks, /^\S.{10,160}$/u);
      assert.doesNotMatch(checks, /\.$/);
      assert.match(contract, /^(?:close|operations), \S/);
    }
  });

  test('of a group stand together, so that the table has each heading once', () => {
    const groups = SCENARIOS.map(({ id }) => id.split('/')[0]);
    const changes = groups.filter((group, index) => group !== groups[index - 1]);
    const seenTwice = changes.filter((group, index) => changes.indexOf(group) !== index);
    assert.deepEqual(seenTwice, []);
  });

  test('cover every row of the close table and every rule of operations that a socket shows', () => {
    const contracts = SCENARIOS.map(({ contract }) => contract).join('\n');
    for (const row of [1, 2, 3, 4, 5]) assert.match(contracts, new RegExp(`close, rows? (?:\\d and )?${row}\\b`));
    for (const rule of [1, 2, 3, 4, 5, 6, 7, 8, 9])
      assert.match(contracts, new RegExp(`operations, rules? (?:\\d and )?${rule}\\b`));
  });

  test('are selected in their own order', () => {
    assert.deepEqual(
      ids(selectScenarios(['repair/*', 'defect/*'], SCENARIOS))
        .map((id) => id.split('/')[0])
        .at(0),
      'defect',
    );
  });
});
