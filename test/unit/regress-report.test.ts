import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { renderDiagram } from '../../src/regress/html/diagram.js';
import { escapeMarkup } from '../../src/regress/html/escape.js';
import { renderPage } from '../../src/regress/html/page.js';
import { sequenceOf } from '../../src/regress/html/sequence.js';
import type { PeerEventKind } from '../../src/regress/peer-protocol.js';
import { type Report, type ReportedResult, reportToJson } from '../../src/regress/report.js';
import {
  describePeerView,
  formatBytes,
  type OperationEntry,
  type PeerEntry,
  peerView,
  type TraceEntry,
} from '../../src/regress/trace.js';

function operation(verb: string, startMs: number, endMs: number, more: Partial<OperationEntry> = {}): OperationEntry {
  const base = { detail: '', outcome: 'done', code: '', bytes: 0, sent: '', pendingUntilMs: 0 } as const;
  return { end: 'ours', socket: 'A', verb, startMs, endMs, ...base, ...more };
}

function peerEntry(kind: PeerEventKind, atMs: number, more: Partial<PeerEntry> = {}): PeerEntry {
  return { end: 'peer', socket: 'A', kind, atMs, sinceMs: atMs, bytes: 0, code: '', reads: 0, untilMs: atMs, ...more };
}

/** The original defect, as a scenario records it. */
const DEFECT: readonly TraceEntry[] = [
  operation('connect', 1, 1.4),
  peerEntry('connected', 1.6),
  operation('recv', 2, 52.1, { detail: 'timeoutMs 50', outcome: 'timedOut', code: 'ETIMEDOUT', pendingUntilMs: 53 }),
  operation('closesocket()', 52.4, 53, { sent: 'RST' }),
  peerEntry('sendFailed', 54, { bytes: 16, code: 'ECONNRESET' }),
  peerEntry('rst', 54.2, { code: 'ECONNRESET' }),
];

function reportWith(result: Partial<ReportedResult>, id = 'close/fin'): Report {
  const full: ReportedResult = {
    driver: 'io_uring',
    status: 'pass',
    startedAt: '2026-01-01T00:00:00.000Z',
    durationMs: 12.345678,
    held: ['the peer sees FIN'],
    failure: null,
    peer: { fin: 1, rst: 0, dataBytes: 0, datagrams: 0, failedSends: [] },
    wire: null,
    events: DEFECT,
    droppedEvents: 0,
    ...result,
  };
  return {
    schema: 'overlapped-regress',
    version: 1,
    holds: full.status === 'pass',
    date: '2026-01-01T00:00:00.000Z',
    durationMs: 100,
    machine: { platform: 'linux 6.18.0 x64', kernel: '#1', node: '20.19.0', koffi: '3.3.4', overlapped: '0.1.0' },
    drivers: [{ name: 'io_uring', usable: true, reason: '', findings: [], ran: true }],
    capture: { captured: false, reason: 'it was not wanted' },
    peerIs: 'somebody',
    beyondStack: 0,
    totals: { passed: full.status === 'pass' ? 1 : 0, failed: full.status === 'fail' ? 1 : 0, skipped: 0 },
    scenarios: [
      {
        id,
        group: id.split('/')[0] ?? '',
        checks: 'what it checks',
        contract: 'close, row 1',
        limit: null,
        results: [full],
      },
    ],
  };
}

/** Throws unless the text is one well-formed XML element. */
function assertWellFormed(xml: string): void {
  const open: string[] = [];
  const token = /<(\/?)([A-Za-z][\w:-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|[^<]+/gy;
  while (token.lastIndex < xml.length) {
    const at = token.lastIndex;
    const match = token.exec(xml);
    assert.ok(match, `not well-formed at ${at}: ${xml.slice(at, at + 60)}`);
    const [whole, closing, name = '', , empty] = match;
    assert.doesNotMatch(whole, /&(?!(?:amp|lt|gt|quot|#\d+);)/, 'an ampersand stands for itself');
    if (name === '') assert.ok(open.length > 0 || whole.trim() === '', 'text outside of the element');
    else if (closing) assert.equal(open.pop(), name);
    else if (!empty) open.push(name);
  }
  assert.deepEqual(open, [], 'elements are left open');
}

interface Placed {
  readonly text: string;
  readonly left: number;
  readonly right: number;
  readonly y: number;
}

/** Where the texts of a diagram are, by a narrow estimate of a letter's width. */
function placedTexts(svg: string): Placed[] {
  const texts = svg.matchAll(
    /<text class="([^"]*)" x="([\d.]+)" y="([\d.]+)"(?: text-anchor="(\w+)")?>(?:<title>[^<]*<\/title>)?([^<]*)<\/text>/g,
  );
  return [...texts].map(([, , x, y, anchor, text = '']) => {
    const width = text.replace(/&[^;]+;/g, '.').length * 5.8;
    const left = Number(x) - (anchor === 'end' ? width : anchor === 'middle' ? width / 2 : 0);
    return { text, left, right: left + width, y: Number(y) };
  });
}

function assertNoOverlap(svg: string): void {
  const texts = placedTexts(svg);
  texts.forEach((one, index) => {
    for (const other of texts.slice(index + 1)) {
      const apart = one.right <= other.left || other.right <= one.left || Math.abs(one.y - other.y) >= 10;
      assert.ok(apart, `'${one.text}' and '${other.text}' lie on each other`);
    }
  });
}

describe('the sequence of a scenario', () => {
  test('tells a reset once, though the peer hears of it twice', () => {
    const { arrows, marks } = sequenceOf(DEFECT);
    assert.deepEqual(
      arrows.map((arrow) => [arrow.label, arrow.from]),
      [
        ['connect', 'ours'],
        ['RST', 'ours'],
      ],
    );
    assert.deepEqual(
      marks.filter((mark) => mark.tone === 'rst').map((mark) => mark.text),
      ['send of 16 B failed: ECONNRESET'],
    );
  });

  test('shows how long the IO stayed pending after its timeout', () => {
    const bar = sequenceOf(DEFECT).bars.find((candidate) => candidate.tone === 'warn');
    assert.equal(bar?.endMs, 52.1);
    assert.equal(bar?.pendingUntilMs, 53);
  });

  test('lays operations that overlap in time side by side', () => {
    const { bars } = sequenceOf([
      operation('recv', 1, 9),
      operation('send', 2, 4),
      operation('send', 5, 6),
      operation('recv', 5, 9),
    ]);
    assert.deepEqual(
      bars.map((bar) => bar.lane),
      [0, 1, 1, 2],
    );
  });

  test('keeps the beginning and the end of what is too long, and says how much is left out', () => {
    const many = Array.from({ length: 200 }, (_, index) => operation('recv', index * 2, index * 2 + 1));
    const sequence = sequenceOf(many);
    assert.equal(sequence.omitted, 400 - 42);
    assert.equal(sequence.marks.length, 43);
    assert.equal(sequence.marks.filter((mark) => mark.gap).length, 1);
    assert.equal(sequence.marks.at(-1)?.atMs, 399);
  });
});

describe('the diagram', () => {
  test('is well-formed and has a title', () => {
    const svg = renderDiagram(DEFECT, 'some-id', 'A <title> & more');
    assertWellFormed(svg);
    assertNoOverlap(svg);
    assert.match(svg, /<title id="some-id-title">A &lt;title&gt; &amp; more<\/title>/);
    assert.match(svg, /aria-labelledby="some-id-title"/);
  });

  test('stays well-formed and readable for whatever happens', () => {
    const kinds: PeerEventKind[] = [
      'connected',
      'data',
      'datagram',
      'fin',
      'rst',
      'error',
      'closed',
      'sent',
      'sendFailed',
      'ended',
      'reset',
    ];
    const ms = fc.double({ min: 0, max: 3000, noNaN: true });
    const text = fc.string({ unit: 'binary', maxLength: 60 });
    const ours = fc.record({
      verb: fc.oneof(fc.constantFrom('recv', 'send', 'close()', 'accept', 'sendBatch'), text),
      detail: text,
      start: ms,
      took: ms,
      outcome: fc.constantFrom('done', 'timedOut', 'cancelled', 'aborted', 'failed', 'pending') as fc.Arbitrary<
        OperationEntry['outcome']
      >,
      code: text,
      bytes: fc.nat(),
      more: fc.constantFrom(0, 20),
    });
    const theirs = fc.record({
      kind: fc.constantFrom(...kinds),
      at: ms,
      bytes: fc.nat(),
      code: text,
      socket: fc.constantFrom('A', 'B', ''),
    });
    const event = fc.oneof(
      ours.map(({ verb, start, took, more, ...rest }) =>
        operation(verb, start, start + took, { ...rest, pendingUntilMs: more === 0 ? 0 : start + took + more }),
      ),
      theirs.map(({ kind, at, ...rest }) => peerEntry(kind, at, rest)),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 70 }), (events) => {
        const svg = renderDiagram(events, 'id', 'title');
        assertWellFormed(svg);
        assertNoOverlap(svg);
        assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the page', () => {
  test('says first whether the contract holds', () => {
    assert.match(renderPage(reportWith({})), /<h1 class="holds">✓ The contract holds<\/h1>/);
    const failure = { expectation: 'the peer sees FIN', saw: 'it saw RST' };
    const page = renderPage(reportWith({ status: 'fail', failure }));
    assert.match(page, /<h1 class="broken">✗ The contract does not hold<\/h1>/);
    assert.match(page, /<details open>/, 'a failure is open to see');
    assert.match(page, /it saw RST/);
  });

  test('fetches nothing and runs nothing', () => {
    const page = renderPage(reportWith({}));
    const withoutNamespaces = page.replaceAll('xmlns="http://www.w3.org/2000/svg"', '');
    assert.doesNotMatch(withoutNamespaces, /https?:|url\(|@import|<script|<link|<img|<iframe|<object|\ssrc=/i);
    for (const [, target] of page.matchAll(/href="([^"]*)"/g)) {
      assert.match(target ?? '', /^#/);
      assert.ok(page.includes(`id="${(target ?? '').slice(1)}"`), `${target} is on the page`);
    }
    assert.match(page, /Content-Security-Policy" content="default-src 'none'/);
  });

  test('escapes everything that comes from outside', () => {
    const evil = '<script>alert("1")</script>\u0000 & \'';
    const events = [
      operation(evil, 1, 20, { code: evil, outcome: 'failed', detail: evil }),
      peerEntry('error', 3, { code: evil }),
    ];
    const page = renderPage(
      reportWith({ status: 'fail', failure: { expectation: evil, saw: evil }, held: [evil], events }, `a/${evil}`),
    );
    assert.doesNotMatch(page, /<script/);
    assert.doesNotMatch(page, /\u0000/);
    assert.match(page, /&lt;script&gt;alert\(&quot;1&quot;\)/);
  });

  test('has no id twice', () => {
    const ids = [...renderPage(reportWith({})).matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
    assert.equal(new Set(ids).size, ids.length);
  });
});

describe('reports in words and JSON', () => {
  test('escapeMarkup() leaves nothing that markup could take for its own', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) =>
        assertWellFormed(`<p a="${escapeMarkup(text)}">${escapeMarkup(text)}</p>`),
      ),
    );
  });

  test('JSON rounds to microseconds and comes back as it was', () => {
    const report = JSON.parse(reportToJson(reportWith({}))) as Report;
    assert.equal(report.scenarios[0]?.results[0]?.durationMs, 12.346);
    assert.deepEqual(report.scenarios[0]?.results[0]?.events, DEFECT);
  });

  test('the view of the peer counts a RST that only its send has told', () => {
    const event = { atMs: 1, connection: 1, bytes: 0, sinceMs: 1, remotePort: 0, code: '' };
    const view = peerView([
      { ...event, kind: 'data', bytes: 12 },
      { ...event, kind: 'sendFailed', bytes: 3, code: 'ECONNRESET' },
      { ...event, kind: 'rst', code: 'ECONNRESET' },
      { ...event, kind: 'fin', connection: 2 },
    ]);
    assert.deepEqual(view, { fin: 1, rst: 1, dataBytes: 12, datagrams: 0, failedSends: ['ECONNRESET'] });
    assert.equal(describePeerView(view), 'FIN, RST, 12 B');
  });

  test('sizes are short', () => {
    const sizes = [0, 9999, 10_240, 12 * 2 ** 20, 3.75 * 2 ** 20];
    assert.deepEqual(sizes.map(formatBytes), ['0 B', '9999 B', '10 KiB', '12 MiB', '3.8 MiB']);
  });
});
