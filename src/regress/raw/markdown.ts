import type { Vocabulary } from './bare-platform.js';
import type { CellResult } from './cell.js';
import { type CloseWay, PENDING, type Pending, UNREAD, type Unread } from './matrix.js';
import {
  type PlatformReport,
  platformName,
  platformText,
  type RawReport,
  type ReportedCell,
  type ReportedPlatform,
} from './report.js';
import { endedText, seenText, withCounts } from './words.js';

/** A data file, with its name: the date in front of it says which of two is newer. */
export interface DataFile {
  readonly name: string;
  readonly data: RawReport | ReportedPlatform;
}

/** A platform's own data, the newest of them. */
interface Measured {
  readonly file: string;
  readonly date: string;
  readonly report: PlatformReport;
}

/** The markers between which a document holds what is generated from the data. */
export function markersOf(block: string): { readonly begin: string; readonly end: string } {
  return { begin: `<!-- raw:${block}: made by scripts/closesocket-tables.mjs -->`, end: `<!-- /raw:${block} -->` };
}

/** The blocks of a document by the names in their markers: `windows`, `wine-iocp`, `linux-io_uring`, `linux-epoll`. */
export function renderBlocks(files: readonly DataFile[]): Map<string, string> {
  const newest = new Map<string, Measured>();
  let reported: ReportedPlatform | undefined;
  for (const { name, data } of [...files].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (data.schema === 'overlapped-raw-reported') reported = data;
    else for (const report of data.platforms) newest.set(blockOf(report), { file: name, date: data.date, report });
  }
  const blocks = new Map([...newest].map(([block, measured]) => [block, renderMeasured(measured)]));
  if (reported !== undefined && !blocks.has(reported.system)) blocks.set(reported.system, renderReported(reported));
  return blocks;
}

function blockOf({ platform }: PlatformReport): string {
  return platform.system === 'windows' ? 'windows' : `${platform.system}-${platform.interface}`;
}

/** The document with each block put between its markers. Throws where a block has no place, or a place no block. */
export function replaceBlocks(document: string, blocks: ReadonlyMap<string, string>): string {
  let text = document;
  for (const [block, content] of blocks) {
    const { begin, end } = markersOf(block);
    const from = text.indexOf(begin);
    const to = text.indexOf(end);
    if (from === -1 || to < from) throw new Error(`The document has no place for ${block}`);
    text = `${text.slice(0, from + begin.length)}\n${content}\n${text.slice(to)}`;
  }
  for (const [, block = ''] of document.matchAll(/<!-- raw:([\w-]+):/g)) {
    if (!blocks.has(block)) throw new Error(`There is no data for ${block}`);
  }
  return text;
}

/** Notes that cells refer to by a letter. */
class Notes {
  readonly #texts: string[] = [];

  mark(note: string): string {
    if (note === '') return '';
    if (!this.#texts.includes(note)) this.#texts.push(note);
    return ` (${String.fromCharCode(97 + this.#texts.indexOf(note))})`;
  }

  lines(): string[] {
    return this.#texts.map((text, index) => `- (${String.fromCharCode(97 + index)}) ${capital(text)}.`);
  }
}

function renderMeasured({ file, date, report }: Measured): string {
  const notes = new Notes();
  const wire =
    report.blind === '' ? 'FIN and RST were seen on the wire as well' : `the wire was not watched: ${report.blind}`;
  const intro =
    `**Measured**: ${platformText(report.platform)}, ${date.slice(0, 10)}, each cell ${report.repeat} times; ` +
    `${wire}. Peer: ${report.peer}. Data: [${file}](raw/${file}).`;
  const cell = (pending: Pending, close: CloseWay, unread: Unread) => {
    const found = report.cells.find((one) => one.pending === pending && one.close === close && one.unread === unread);
    return found === undefined ? 'not run' : measuredCell(found, report.vocabulary, notes);
  };
  const tables = UNREAD.map((unread) => renderTable(report, unread, cell));
  return [intro, '', ...tables, ...notes.lines(), ...statusLines(report)].join('\n').trimEnd();
}

function measuredCell(cell: CellResult, { unended }: Vocabulary, notes: Notes): string {
  if (cell.status === 'not-applicable') return `not applicable${notes.mark(cell.note)}`;
  if (cell.status === 'not-reached') return `not reached${notes.mark(cell.note)}`;
  const seen = withCounts(cell, (outcome) => emphasised(seenText(outcome))) + notes.mark(cell.note);
  const ended = withCounts(cell, (outcome) => endedText(outcome, unended[cell.pending]));
  return ended === '' ? seen : `${seen}<br>${ended}`;
}

/** What is not the plain FIN stands out. */
function emphasised(seen: string): string {
  return /^FIN(?!, then)/.test(seen) ? seen : seen.replace(/^(?:FIN, then )?\w+/, '**$&**');
}

/** The numbers behind the names that the table uses. */
function statusLines({ cells }: PlatformReport): string[] {
  const lines = new Set<string>();
  for (const { operations } of cells.flatMap(({ outcomes }) => outcomes)) {
    for (const { status, code, nativeCode } of operations) {
      if (status === null || status.systemError === 0) continue;
      const last = `\`${status.systemErrorName}\` (${status.systemError})`;
      lines.add(
        `- \`${status.name}\` is \`${status.value}\`; WSAGetOverlappedResult makes \`${code}\` (${nativeCode}) of it, ` +
          `GetQueuedCompletionStatus ${last}.`,
      );
    }
  }
  return [...lines].sort();
}

function renderReported(reported: ReportedPlatform): string {
  const names = Object.keys(reported.sources);
  const number = (source: string) => names.indexOf(source) + 1;
  const cell = (pending: Pending, close: CloseWay, unread: Unread) => {
    const found = reported.cells.find((one) => one.pending === pending && one.close === close && one.unread === unread);
    return found === undefined ? 'nothing found' : reportedCell(found, number);
  };
  const tables = UNREAD.map((unread) => renderTable(reported, unread, cell));
  const sources = Object.values(reported.sources).map(
    ({ title, url, says }, index) => `${index + 1}. [${title}](${url}): ${says}`,
  );
  const intro =
    '**Reported, not measured here**: what the sources below say, each cell with its source. Where they say nothing, ' +
    'the cell says so.';
  return [intro, '', ...tables, ...sources].join('\n').trimEnd();
}

function reportedCell({ seen, ended, sources }: ReportedCell, number: (source: string) => number): string {
  const marks = sources.map((source) => `[${number(source)}]`).join(' ');
  const words = seen.includes('RST') ? `**${seen}**` : seen;
  return ended === '' ? `${words} ${marks}` : `${words}<br>${ended} ${marks}`;
}

interface Axes {
  readonly vocabulary: Vocabulary;
  readonly closeWays: readonly CloseWay[];
}

/** One table: the ways to close downwards, what is pending across. */
function renderTable(
  { vocabulary, closeWays }: Axes,
  unread: Unread,
  cell: (pending: Pending, close: CloseWay, unread: Unread) => string,
): string {
  const heads = PENDING.map((pending) => vocabulary.pending[pending]);
  const rows = closeWays.map((close) => {
    const cells = PENDING.map((pending) => cell(pending, close, unread));
    return `| \`${vocabulary.close[close] ?? close}\` | ${cells.join(' | ')} |`;
  });
  const lines = [
    `${capital(vocabulary.unread[unread])}:`,
    '',
    `| at the close | ${heads.join(' | ')} |`,
    `|${'---|'.repeat(heads.length + 1)}`,
    ...rows,
    '',
  ];
  return lines.join('\n');
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The name of a data file that was measured on a day: `2026-11-24-linux-6.18-io_uring.json`. */
export function dataFileName(date: string, report: PlatformReport): string {
  return `${date.slice(0, 10)}-${platformName(report.platform)}.json`;
}
