import type { DriverName } from '../port/driver.js';
import { failureLines } from './progress.js';
import type { ScenarioResult } from './runner.js';
import { groupOf } from './scenario.js';
import { type Colour, formatDuration, pad, type Terminal } from './terminal.js';
import { count, wrap } from './text.js';
import type { EvidenceReport } from './wire/evidence.js';

export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function totalsOf(results: readonly ScenarioResult[]): Totals {
  const of = (status: string) => results.filter((result) => result.status === status).length;
  return { passed: of('pass'), failed: of('fail'), skipped: of('skip') };
}

/** The contract holds where something was tried, nothing failed, and every driver has shown something. */
export function contractHolds(results: readonly ScenarioResult[], drivers: readonly DriverName[]): boolean {
  const shown = (driver: DriverName) => results.some((result) => result.driver === driver && result.status === 'pass');
  return drivers.length > 0 && drivers.every(shown) && totalsOf(results).failed === 0;
}

const GROUP_COLUMNS = 16;
const CELL_COLUMNS = 14;

/** The matrix of groups and drivers, the failures once more, and the verdict. */
export function writeSummary(
  terminal: Terminal,
  results: readonly ScenarioResult[],
  drivers: readonly DriverName[],
  capture: EvidenceReport,
): void {
  const { paint } = terminal;
  const groups = [...new Set(results.map((result) => groupOf(result.scenario)))];
  const heading = drivers.map((driver) => pad(driver, CELL_COLUMNS)).join('');
  terminal.write(`\n${paint('bold', pad('Summary', GROUP_COLUMNS))}${paint('dim', heading.trimEnd())}\n`);
  for (const group of [...groups, '']) {
    const cells = drivers.map((driver) => {
      const own = results.filter(
        (result) => result.driver === driver && (group === '' || groupOf(result.scenario) === group),
      );
      return cell(terminal, own);
    });
    terminal.write(`  ${pad(group === '' ? 'all' : group, GROUP_COLUMNS - 2)}${cells.join('').trimEnd()}\n`);
  }
  writeFailures(terminal, results);
  writeWire(terminal, results, capture);
  writeVerdict(terminal, results, drivers);
}

function cell(terminal: Terminal, results: readonly ScenarioResult[]): string {
  const { passed, failed, skipped } = totalsOf(results);
  const ran = passed + failed;
  const text = `${passed}/${ran}${skipped > 0 ? ` (-${skipped})` : ''}`;
  const colour: Colour = failed > 0 ? 'red' : passed > 0 ? 'green' : 'yellow';
  const mark = failed > 0 ? 'FAIL ' : '';
  return terminal.paint(colour, pad(mark + text, CELL_COLUMNS));
}

function writeFailures(terminal: Terminal, results: readonly ScenarioResult[]): void {
  for (const { scenario, driver, failure, status } of results) {
    if (status !== 'fail' || failure === null) continue;
    const columns = terminal.live ? terminal.columns() - 4 : 116;
    terminal.write(`\n${terminal.paint('red', `FAIL ${scenario.id} on ${driver}`)}\n`);
    for (const line of wrap(`${scenario.checks} (contract: ${scenario.contract})`, columns))
      terminal.write(`  ${line}\n`);
    for (const line of failureLines(failure).flatMap((text) => wrap(text, columns))) terminal.write(`  ${line}\n`);
  }
}

/** What the wire showed, in a line; that packets were lost is never left out. */
function writeWire(terminal: Terminal, results: readonly ScenarioResult[], capture: EvidenceReport): void {
  const seen = results.flatMap(({ wire }) => (wire === null ? [] : [wire]));
  if (seen.length > 0) {
    const segments = seen.reduce((total, { ours, peer }) => total + ours.segments + peer.segments, 0);
    const dropped = seen.reduce((total, wire) => total + wire.dropped, 0);
    const claims = seen.reduce((total, wire) => total + wire.claims, 0);
    const agreed = `${count(claims, 'close')} sent what ${claims === 1 ? 'it says' : 'they say'}`;
    const lost = dropped === 0 ? 'none lost' : `${count(dropped, 'packet')} LOST`;
    writeWrapped(
      terminal,
      dropped === 0 ? 'bold' : 'yellow',
      'On the wire',
      `: ${count(segments, 'segment')}, ${lost}; ${agreed}`,
    );
  }
  if (capture.captured && capture.reason !== '')
    writeWrapped(terminal, 'yellow', 'Not all was captured', `: ${capture.reason}`);
}

function writeVerdict(terminal: Terminal, results: readonly ScenarioResult[], drivers: readonly DriverName[]): void {
  const { passed, failed, skipped } = totalsOf(results);
  const seconds = results.reduce((total, result) => total + result.durationMs, 0);
  const scenarios = new Set(results.map((result) => result.scenario.id)).size;
  const extent = `${count(scenarios, 'scenario')} on ${drivers.join(', ') || 'no driver'}, ${formatDuration(seconds)}`;
  const more = skipped > 0 ? `, ${skipped} skipped` : '';
  if (contractHolds(results, drivers)) {
    // On a stack that the peer cannot reach most of the contract goes untried, and that is no praise.
    if (skipped > passed) return writeWrapped(terminal, 'yellow', 'What could be tried holds', ` (${extent}${more})`);
    return writeWrapped(terminal, 'green', 'The contract holds', ` (${extent}${more})`);
  }
  const why = failed > 0 ? `${count(failed, 'failure')}` : 'not every driver has passed a scenario';
  writeWrapped(terminal, 'red', 'The contract does NOT hold', `: ${why} (${extent}${more})`);
}

/** A line that is a painted beginning and more, wrapped at the terminal's edge. */
function writeWrapped(terminal: Terminal, colour: Colour, beginning: string, more: string): void {
  const [first = '', ...rest] = wrap(`${beginning}${more}`, terminal.live ? terminal.columns() - 2 : 400);
  const painted = terminal.paint(colour, beginning) + first.slice(beginning.length);
  terminal.write(`\n${[painted, ...rest.map((line) => `  ${line}`)].join('\n')}\n`);
}
