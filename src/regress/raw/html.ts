import { escapeMarkup } from '../html/escape.js';
import { STYLE } from '../html/style.js';
import type { Vocabulary } from './bare-platform.js';
import type { CellResult, Outcome } from './cell.js';
import { type CloseWay, PENDING, UNREAD } from './matrix.js';
import { type PlatformReport, platformText, type RawReport } from './report.js';
import { endedText, peerText, seenText, withCounts } from './words.js';

const RAW_STYLE = `
main h3 { margin-top: 20px; }
table.raw td, table.raw th { white-space: normal; min-width: 110px; }
table.raw tbody th { padding-top: 5px; font-weight: 400; max-width: 260px; border-top: 1px solid var(--faint); }
table.raw .ended { display: block; font-size: 12px; color: var(--soft); }
.fin { color: var(--good); font-weight: 600; } .rst { color: var(--bad); font-weight: 600; }
.nothing { color: var(--warn); font-weight: 600; }
`;

/** The matrices as one self-contained page: no script, and nothing is fetched. */
export function renderRawPage(report: RawReport): string {
  const date = report.date.replace('T', ' ').replace(/\.\d+Z$/, ' UTC');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>What a close does by itself - overlapped regress --raw</title>
<style>${STYLE}${RAW_STYLE}</style>
</head>
<body>
<header><div>
<p class="kicker">overlapped ${escapeMarkup(report.overlapped)}: the bare platform, no driver and no policy</p>
<h1>What a close does by itself</h1>
<dl class="facts"><div><dt>Date</dt><dd>${escapeMarkup(date)}</dd></div><div><dt>Node</dt><dd>${escapeMarkup(report.node)}</dd></div></dl>
</div></header>
<main>
${report.platforms.map(renderPlatform).join('\n')}
<footer>Upper line: what the peer saw. Lower line: how the pending request ended. Made by
<code>overlapped regress --raw</code>.</footer>
</main>
</body>
</html>
`;
}

function renderPlatform(platform: PlatformReport): string {
  const { blind, peer, repeat } = platform;
  const wire = blind === '' ? 'FIN and RST were seen on the wire as well' : `the wire was not watched: ${blind}`;
  const tables = UNREAD.map((unread) => {
    const heading = platform.vocabulary.unread[unread];
    const own = platform.cells.filter((cell) => cell.unread === unread);
    return own.length === 0 ? '' : `<h3>${escapeMarkup(heading)}</h3>\n${renderTable(platform, own)}`;
  });
  return `<h2>${escapeMarkup(platformText(platform.platform))}</h2>
<p class="soft">Each cell ${repeat} times; ${escapeMarkup(wire)}. Peer: ${escapeMarkup(peer)}.</p>
${tables.join('\n')}`;
}

function renderTable({ vocabulary, closeWays }: PlatformReport, cells: readonly CellResult[]): string {
  const heads = PENDING.map((pending) => `<th scope="col">${escapeMarkup(vocabulary.pending[pending])}</th>`);
  const row = (close: CloseWay) => {
    const found = PENDING.map((pending) => cells.find((cell) => cell.pending === pending && cell.close === close));
    const way = `<th scope="row"><code>${escapeMarkup(vocabulary.close[close] ?? close)}</code></th>`;
    return `<tr>${way}${found.map((cell) => renderCell(cell, vocabulary)).join('')}</tr>`;
  };
  return `<div class="scroll"><table class="raw"><thead><tr><th scope="col">at the close</th>${heads.join('')}</tr></thead>
<tbody>${closeWays.map(row).join('\n')}</tbody></table></div>`;
}

function renderCell(cell: CellResult | undefined, { unended }: Vocabulary): string {
  if (cell === undefined) return '<td class="soft">not run</td>';
  const title = cell.note === '' ? '' : ` title="${escapeMarkup(cell.note)}"`;
  if (cell.status !== 'measured') return `<td class="soft"${title}>${cell.status.replace('-', ' ')}</td>`;
  const seen = escapeMarkup(withCounts(cell, seenText));
  const ended = escapeMarkup(withCounts(cell, (outcome) => endedText(outcome, unended[cell.pending])));
  const lower = ended === '' ? '' : `<span class="ended">${ended}</span>`;
  return `<td${title}><span class="${classOf(cell.outcomes)}">${seen}</span>${lower}</td>`;
}

function classOf(outcomes: readonly Outcome[]): string {
  const seen = outcomes.map(peerText);
  if (seen.some((text) => text.includes('RST'))) return 'rst';
  return seen.every((text) => text === 'FIN') ? 'fin' : 'nothing';
}
