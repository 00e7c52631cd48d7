import { pad, type Terminal } from '../terminal.js';
import { wrap } from '../text.js';
import type { BarePlatform } from './bare-platform.js';
import type { CellResult } from './cell.js';
import type { Cell } from './matrix.js';
import { endedText, peerText, seenText, wireText, withCounts } from './words.js';

const SEEN_COLUMNS = 26;
const GAP = 2;

/** Writes the cells as they come, a table for each state that the socket is in before the close. */
export class CellTable {
  readonly #terminal: Terminal;
  readonly #platform: BarePlatform;
  readonly #closeColumns: number;
  #heading = '';
  #lastNote = '';

  constructor(terminal: Terminal, platform: BarePlatform) {
    this.#terminal = terminal;
    this.#platform = platform;
    this.#closeColumns = Math.max(...Object.values(platform.vocabulary.close).map(({ length }) => length)) + GAP;
  }

  write(cell: Cell, result: CellResult): void {
    const { paint } = this.#terminal;
    const { pending, close, unread } = this.#platform.vocabulary;
    const heading = `${pending[cell.pending]}, ${unread[cell.unread]}`;
    if (heading !== this.#heading) this.#terminal.write(`\n${paint('bold', heading)}\n`);
    if (heading !== this.#heading) this.#lastNote = '';
    this.#heading = heading;
    const way = pad(close[cell.close] ?? cell.close, this.#closeColumns);
    this.#terminal.write(`  ${way}${this.#outcomeOf(result)}\n`);
    if (result.note === '' || result.note === this.#lastNote) return;
    this.#lastNote = result.note;
    for (const line of wrap(result.note, 100)) this.#terminal.write(`      ${paint('dim', line)}\n`);
  }

  #outcomeOf(result: CellResult): string {
    const { paint } = this.#terminal;
    if (result.status !== 'measured') return paint('yellow', result.status.replace('-', ' '));
    const seen = withCounts(result, seenText);
    const plain = result.outcomes.every((outcome) => peerText(outcome) === 'FIN');
    const unended = this.#platform.vocabulary.unended[result.pending];
    const ended = withCounts(result, (outcome) => endedText(outcome, unended));
    const painted = paint(plain ? 'green' : 'red', pad(seen, SEEN_COLUMNS));
    const watched = result.outcomes.every((outcome) => wireText(outcome) === peerText(outcome));
    return [painted, watched ? paint('dim', 'on the wire too') : '', ended].filter((text) => text !== '').join('  ');
  }
}

/** How many cells came out how, in a line. */
export function summaryLine(results: readonly CellResult[]): string {
  const of = (status: CellResult['status']) => results.filter((result) => result.status === status).length;
  const unsteady = results.filter(({ outcomes }) => outcomes.length > 1).length;
  const parts = [`${of('measured')} of ${results.length} cells measured`];
  if (of('not-applicable') > 0) parts.push(`${of('not-applicable')} not applicable`);
  if (of('not-reached') > 0) parts.push(`${of('not-reached')} NOT REACHED`);
  parts.push(
    unsteady === 0 ? 'every cell came out alike each time' : `${unsteady} came out differently from run to run`,
  );
  return parts.join(', ');
}
