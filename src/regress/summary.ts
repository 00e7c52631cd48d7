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

/** Results of scenarios that the stack under trial forbids. */
export function beyondStack(results: readonly ScenarioResult[]): readonly ScenarioResult[] {
  return results.filter(({ scenario, status }) => status === 'skip' && scenario.limit !== undefined);
}

/** What may be said where nothing has failed. That a contract holds is not said of one of which parts were left out. */
export function praise({ passed, skipped }: Totals, beyond: number): string {
  // On a stack of which most goes untried that is no praise at all.
  if (skipped > passed) return 'What could be tried holds';
  return beyond > 0 ? 'What the stack allows holds' : 'The contract holds';
}

const GROUP_COLUMNS = 16;
const CELL_COLUMNS = 14;
/** How wide sentences are where the terminal does not say. */
const TEXT_COLUMNS = 116;

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
  writeLimits(terminal, results);
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
    const columns = terminal.live ? terminal.columns() - 4 : TEXT_COLUMNS;
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

/** Each reason for which the stack forbids scenarios, with those. */
function writeLimits(terminal: Terminal, results: readonly ScenarioResult[]): void {
  const byReason = new Map<string, string[]>();
  for (const { scenario, failure } of beyondStack(results)) {
    const reason = failure?.saw ?? '';
    byReason.set(reason, [...(byReason.get(reason) ?? []), scenario.id]);
  }
  for (const [reason, ids] of byReason) {
    writeWrapped(terminal, 'yellow', 'Beyond the stack', `: ${ids.join(', ')}; ${reason}`, TEXT_COLUMNS);
  }
}

function writeVerdict(terminal: Terminal, results: readonly ScenarioResult[], drivers: readonly DriverName[]): void {
  const totals = totalsOf(results);
  const { failed, skipped } = totals;
  const seconds = results.reduce((total, result) => total + result.durationMs, 0);
  const scenarios = new Set(results.map((result) => result.scenario.id)).size;
  const extent = `${count(scenarios, 'scenario')} on ${drivers.join(', ') || 'no driver'}, ${formatDuration(seconds)}`;
  const beyond = beyondStack(results).length;
  const others = skipped - beyond;
  const left = [beyond > 0 && `${beyond} beyond the stack`, others > 0 && `${others} skipped`].filter(Boolean);
  const more = left.length > 0 ? `: ${[`${totals.passed + failed} ran`, ...left].join(', ')}` : '';
  if (contractHolds(results, drivers)) {
    const words = praise(totals, beyond);
    return writeWrapped(terminal, skipped > totals.passed ? 'yellow' : 'green', words, ` (${extent}${more})`);
  }
  const why = failed > 0 ? `${count(failed, 'failure')}` : 'not every driver has passed a scenario';
  writeWrapped(terminal, 'red', 'The contract does NOT hold', `: ${why} (${extent}${more})`);
}

/** A line that is a painted beginning and more, wrapped at the terminal's edge. */
function writeWrapped(terminal: Terminal, colour: Colour, beginning: string, more: string, columns = 400): void {
  const [first = '', ...rest] = wrap(`${beginning}${more}`, terminal.live ? terminal.columns() - 2 : columns);
  const painted = terminal.paint(colour, beginning) + first.slice(beginning.length);
  terminal.write(`\n${[painted, ...rest.map((line) => `  ${line}`)].join('\n')}\n`);
}
