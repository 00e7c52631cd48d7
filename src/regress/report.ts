import type { DriverName, DriverReport } from '../port/driver.js';
import type { Machine } from './machine.js';
import type { ScenarioResult, Status } from './runner.js';
import { groupOf, type Scenario } from './scenario.js';
import { beyondStack, contractHolds, type Totals, totalsOf } from './summary.js';
import type { PeerView, TraceEntry } from './trace.js';
import type { EvidenceReport } from './wire/evidence.js';
import type { WireView } from './wire/view.js';

/**
 * The report of a run, as `--json` writes it. The shape is stable: `version` grows when a field changes its meaning or
 * goes away; a field may be added without that. All times are milliseconds; those of events count from the scenario's
 * start, on one monotonic clock for both ends.
 */
export interface Report {
  readonly schema: 'overlapped-regress';
  readonly version: 1;
  /** Whether the contract holds on every driver that was run, as far as the stack under trial allows (`beyondStack`). */
  readonly holds: boolean;
  /** When the run began: ISO 8601, UTC. */
  readonly date: string;
  readonly durationMs: number;
  readonly machine: Machine;
  /** Every driver of the library, those that were not run included. */
  readonly drivers: readonly ReportedDriver[];
  /** Whether packets were captured, and if not, why. */
  readonly capture: EvidenceReport;
  /** Who the other end of each scenario is. */
  readonly peerIs: string;
  readonly totals: Totals;
  /** Results, among those skipped, of scenarios that the stack under trial forbids. */
  readonly beyondStack: number;
  readonly scenarios: readonly ReportedScenario[];
}

export interface ReportedDriver extends DriverReport {
  /** Whether this run used it. */
  readonly ran: boolean;
}

export interface ReportedScenario {
  readonly id: string;
  readonly group: string;
  readonly checks: string;
  /** The part of the contract. */
  readonly contract: string;
  /** Why the stack under trial forbids it; null where it does not. */
  readonly limit: string | null;
  readonly results: readonly ReportedResult[];
}

export interface ReportedResult {
  readonly driver: DriverName;
  readonly status: Status;
  readonly startedAt: string;
  readonly durationMs: number;
  /** The expectations that held, in order. */
  readonly held: readonly string[];
  /** The expectation that did not hold and what was seen instead; a skipped scenario's reason; otherwise null. */
  readonly failure: { readonly expectation: string; readonly saw: string } | null;
  /** What the peer saw, counted. */
  readonly peer: PeerView;
  /** What was on the wire; null where nothing was captured. */
  readonly wire: WireView | null;
  /** What happened at both ends, in the order in which it was recorded. */
  readonly events: readonly TraceEntry[];
  /** Events beyond the limit of 400 that were not kept. */
  readonly droppedEvents: number;
}

export interface Run {
  readonly startedAt: Date;
  readonly durationMs: number;
  readonly machine: Machine;
  readonly driverReports: readonly DriverReport[];
  readonly drivers: readonly DriverName[];
  readonly results: readonly ScenarioResult[];
  readonly capture: EvidenceReport;
  readonly peerIs: string;
}

export function buildReport(run: Run): Report {
  const { results, drivers } = run;
  const scenarios = [...new Set(results.map((result) => result.scenario))];
  return {
    schema: 'overlapped-regress',
    version: 1,
    holds: contractHolds(results, drivers),
    date: run.startedAt.toISOString(),
    durationMs: run.durationMs,
    machine: run.machine,
    drivers: run.driverReports.map((report) => ({ ...report, ran: drivers.includes(report.name) })),
    capture: run.capture,
    peerIs: run.peerIs,
    totals: totalsOf(results),
    beyondStack: beyondStack(results).length,
    scenarios: scenarios.map((scenario) => reportScenario(scenario, results)),
  };
}

function reportScenario(scenario: Scenario, results: readonly ScenarioResult[]): ReportedScenario {
  const { id, checks, contract, limit = null } = scenario;
  const own = results.filter((result) => result.scenario === scenario);
  const reported = own.map(({ scenario: _, ...result }): ReportedResult => result);
  return { id, group: groupOf(scenario), checks, contract, limit, results: reported };
}

/** The report as text. A microsecond is what the clock is worth here. */
export function reportToJson(report: Report): string {
  const round = (_key: string, value: unknown) =>
    typeof value === 'number' && !Number.isInteger(value) ? Math.round(value * 1000) / 1000 : value;
  return `${JSON.stringify(report, round, 2)}\n`;
}
