import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type CellResult, groupRuns, type OperationOutcome, type RunOutcome } from '../../src/regress/raw/cell.js';
import { renderRawPage } from '../../src/regress/raw/html.js';
import { type DataFile, dataFileName, markersOf, renderBlocks, replaceBlocks } from '../../src/regress/raw/markdown.js';
import { plainRelease } from '../../src/regress/raw/platforms.js';
import {
  type PlatformReport,
  platformName,
  type RawReport,
  type ReportedPlatform,
  rawReportToJson,
} from '../../src/regress/raw/report.js';
import { outcomeOf } from '../../src/regress/raw/wire-watch.js';
import { seenText, wireText } from '../../src/regress/raw/words.js';
import type { Segment, TcpFlag } from '../../src/regress/wire/segment.js';
import { FakePlatform } from '../support/fake-bare.js';

/** From dist/test/unit up to the package. */
const DOCS = fileURLToPath(new URL('../../../docs', import.meta.url));

const aborted: OperationOutcome = {
  call: 'WSARecv',
  ended: 'close',
  code: 'WSA_OPERATION_ABORTED',
  nativeCode: 995,
  status: {
    value: '0xC0000120',
    name: 'STATUS_CANCELLED',
    systemError: 995,
    systemErrorName: 'ERROR_OPERATION_ABORTED',
  },
  bytes: 0,
};

function run(ending: 'FIN' | 'RST', more: Partial<RunOutcome> = {}): RunOutcome {
  const peer = { ending, code: '', afterMs: 1, bytes: 0, lastSend: '' };
  return { peer, wire: null, operations: [], sends: null, ...more };
}

function measured(cell: Pick<CellResult, 'pending' | 'close' | 'unread'>, runs: readonly RunOutcome[]): CellResult {
  return { ...cell, status: 'measured', note: '', outcomes: groupRuns(runs) };
}

const CELL = { pending: 'recv-n', close: 'close', unread: 'empty' } as const;

function reportOf(cells: readonly CellResult[], system: 'wine' | 'windows' | 'linux' = 'wine', version = '8.0') {
  const { vocabulary } = new FakePlatform([]);
  const platform: PlatformReport = {
    platform: { system, version, interface: 'iocp' },
    peer: 'somebody',
    blind: '',
    repeat: 2,
    observedMs: 400,
    vocabulary,
    closeWays: ['close'],
    cells,
  };
  const date = '2026-11-24T10:00:00.000Z';
  const report: RawReport = {
    schema: 'overlapped-raw',
    version: 1,
    date,
    node: '20',
    overlapped: '1',
    platforms: [platform],
  };
  return report;
}

const REPORTED: ReportedPlatform = {
  schema: 'overlapped-raw-reported',
  version: 1,
  system: 'windows',
  vocabulary: new FakePlatform([]).vocabulary,
  closeWays: ['close'],
  sources: { somebody: { title: 'Somebody, 2010', url: 'https://example.org/', says: 'a RST goes out.' } },
  cells: [{ ...CELL, seen: 'RST', ended: '', sources: ['somebody'] }],
};

const file = (name: string, data: DataFile['data']): DataFile => ({ name, data });

describe('tables from data', () => {
  test('a cell has what the peer saw, and how the request ended', () => {
    const data = reportOf([measured(CELL, [run('RST', { operations: [aborted] })])]);
    const block = renderBlocks([file('2026-11-24-wine-8.0-iocp.json', data)]).get('wine-iocp') ?? '';
    assert.match(block, /\| `close` \| not run \| not run \| \*\*RST\*\*<br>STATUS_CANCELLED \| not run \|/);
    assert.match(block, /`STATUS_CANCELLED` is `0xC0000120`.*`WSA_OPERATION_ABORTED` \(995\)/);
    assert.match(block, /Wine 8\.0, iocp, 2026-11-24, each cell 2 times/);
    assert.doesNotMatch(block, /Windows/);
  });

  test('a cell that cannot exist says why, in a note', () => {
    const cell: CellResult = { ...CELL, status: 'not-applicable', note: 'the bytes would complete it', outcomes: [] };
    const block = renderBlocks([file('a.json', reportOf([cell]))]).get('wine-iocp') ?? '';
    assert.match(block, /not applicable \(a\)/);
    assert.match(block, /- \(a\) The bytes would complete it\./);
  });

  test('of two measurements of a platform the newer one counts', () => {
    const older = file('2026-01-01-wine-8.0-iocp.json', reportOf([measured(CELL, [run('RST')])]));
    const newer = file('2026-02-01-wine-9.0-iocp.json', reportOf([measured(CELL, [run('FIN')])], 'wine', '9.0'));
    for (const files of [
      [older, newer],
      [newer, older],
    ]) {
      assert.match(renderBlocks(files).get('wine-iocp') ?? '', /Wine 9\.0/);
    }
  });

  test('reports stand for Windows, marked as such and with their sources, until it was measured', () => {
    const block = renderBlocks([file('windows-reported.json', REPORTED)]).get('windows') ?? '';
    assert.match(block, /^\*\*Reported, not measured here\*\*/);
    assert.match(block, /\| nothing found \| nothing found \| \*\*RST\*\* \[1\] \| nothing found \|/);
    assert.match(block, /1\. \[Somebody, 2010\]\(https:\/\/example\.org\/\): a RST goes out\./);
    const data = reportOf([measured(CELL, [run('FIN')])], 'windows', '10.0.26100');
    const both = [file('2026-11-24-windows-10.0-iocp.json', data), file('windows-reported.json', REPORTED)];
    assert.match(renderBlocks(both).get('windows') ?? '', /^\*\*Measured\*\*: Windows 10\.0\.26100/);
  });

  test('are put between their markers, and nothing else is touched', () => {
    const { begin, end } = markersOf('wine-iocp');
    const document = `before\n${begin}\nold\n${end}\nafter\n`;
    assert.equal(replaceBlocks(document, new Map([['wine-iocp', 'new']])), `before\n${begin}\nnew\n${end}\nafter\n`);
    assert.throws(() => replaceBlocks('nothing', new Map([['wine-iocp', 'new']])), /no place for wine-iocp/);
    assert.throws(() => replaceBlocks(document, new Map()), /no data for wine-iocp/);
  });

  test('docs/closesocket.md says what docs/raw says', () => {
    const names = readdirSync(join(DOCS, 'raw')).filter((name) => name.endsWith('.json'));
    const files = names.map((name) => file(name, JSON.parse(readFileSync(join(DOCS, 'raw', name), 'utf8'))));
    const document = readFileSync(join(DOCS, 'closesocket.md'), 'utf8');
    assert.equal(replaceBlocks(document, renderBlocks(files)), document, 'run node scripts/closesocket-tables.mjs');
  });

  test('every report of Windows names a source that is there', () => {
    const text = readFileSync(join(DOCS, 'raw', 'windows-reported.json'), 'utf8');
    const { cells, sources } = JSON.parse(text) as ReportedPlatform;
    for (const cell of cells) {
      assert.ok(cell.sources.length > 0);
      for (const source of cell.sources) assert.ok(sources[source], `${source} of ${JSON.stringify(cell)}`);
    }
    for (const name of Object.keys(sources))
      assert.ok(
        cells.some((cell) => cell.sources.includes(name)),
        name,
      );
  });
});

describe('a data file', () => {
  test('is named after the day, the system, its version and the interface', () => {
    const [platform] = reportOf([]).platforms as [PlatformReport];
    assert.equal(dataFileName('2026-11-24T10:00:00.000Z', platform), '2026-11-24-wine-8.0-iocp.json');
    const name = (version: string) => platformName({ system: 'linux', version, interface: 'io_uring' });
    assert.equal(name('6.18.44'), 'linux-6.18-io_uring');
    assert.equal(platformName({ system: 'wine', version: '9', interface: 'iocp' }), 'wine-9-iocp');
  });

  test('leaves out what the builder of a kernel put behind its version', () => {
    assert.equal(plainRelease('6.18.44-some-cloud-3'), '6.18.44');
    assert.equal(plainRelease('5.15.167.4-microsoft-standard-WSL2'), '5.15.167.4');
    assert.equal(plainRelease('10.0.26100'), '10.0.26100');
  });

  test('reads back as what was written, a line a cell', () => {
    const report = reportOf([measured(CELL, [run('RST', { operations: [aborted] })]), measured(CELL, [run('FIN')])]);
    const text = rawReportToJson(report);
    assert.deepEqual(JSON.parse(text), report);
    assert.equal(text.split('\n').filter((line) => line.includes('"outcomes"')).length, 2);
  });
});

describe('an outcome in words', () => {
  const words = (one: RunOutcome) => groupRuns([one]).map(seenText).join('');

  test('says so where the wire shows something else than the peer saw', () => {
    const wire = { order: 'FIN', afterMs: 1 };
    assert.equal(words(run('FIN', { wire })), 'FIN');
    assert.equal(words(run('RST', { wire })), 'RST (on the wire: FIN)');
    assert.equal(
      groupRuns([run('FIN')])
        .map(wireText)
        .join(''),
      '',
    );
  });

  test('says whether what was sent arrived, and whether the completions tell the truth', () => {
    const sent = (bytes: number, takenBytes: number) =>
      words({ ...run('FIN'), peer: { ...run('FIN').peer, bytes }, sends: { postedBytes: 100, takenBytes } });
    assert.equal(sent(100, 100), 'FIN, complete');
    assert.equal(sent(60, 60), 'FIN, cut off');
    assert.equal(sent(50, 60), 'FIN, cut off, taken bytes lost');
    assert.equal(sent(60, 0), 'FIN, cut off, more than reported');
  });
});

describe('the wire', () => {
  const segment = (port: number, flags: readonly TcpFlag[], atMs: number): Segment => ({
    protocol: 'TCP',
    atMs,
    source: { address: '127.0.0.1', port },
    destination: { address: '127.0.0.1', port: 3 - port },
    flags,
    sequence: 0,
    acknowledgement: 0,
    window: 0,
    payloadBytes: 0,
  });
  const seen = (segments: readonly Segment[], dropped = 0) => outcomeOf({ segments, frames: [], dropped }, 1, 10);

  test('shows FIN and RST of our end, in order, each once', () => {
    assert.deepEqual(seen([]), { order: '', afterMs: null });
    assert.deepEqual(seen([segment(1, ['PSH', 'ACK'], 11)]), { order: '', afterMs: null });
    assert.deepEqual(seen([segment(1, ['FIN', 'ACK'], 12)]), { order: 'FIN', afterMs: 2 });
    const repeated = [segment(1, ['FIN', 'ACK'], 12), segment(1, ['FIN', 'ACK'], 13), segment(1, ['RST'], 14)];
    assert.deepEqual(seen(repeated), { order: 'FIN RST', afterMs: 2 });
  });

  test("leaves out what the peer's end sends", () => {
    assert.deepEqual(seen([segment(2, ['RST'], 11), segment(1, ['RST', 'ACK'], 12)]), { order: 'RST', afterMs: 2 });
  });

  test('proves nothing where frames were lost', () => {
    assert.throws(() => seen([], 1), /1 frames were lost/);
  });
});

describe('the page', () => {
  test('shows each cell, and escapes what is not its own', () => {
    const report = reportOf([
      measured(CELL, [run('RST', { operations: [{ ...aborted, status: null, code: '<b>' }] })]),
    ]);
    const page = renderRawPage(report);
    assert.match(page, /<span class="rst">RST<\/span><span class="ended">&lt;b&gt;<\/span>/);
    assert.match(page, /Wine 8\.0, iocp/);
    assert.doesNotMatch(page, /<script/);
  });
});
