import type { DriverName } from '../port/driver.js';
import { openProactor } from '../sockets/default-proactor.js';
import { ScenarioContext } from './context.js';
import { ExpectationError, SkipScenario } from './expectations.js';
import { Peer } from './peer.js';
import type { PeerEvent } from './peer-protocol.js';
import type { Scenario } from './scenario.js';
import { count } from './text.js';
import { type PeerView, peerView, Trace, type TraceEntry } from './trace.js';

export type Status = 'pass' | 'fail' | 'skip';

/** One scenario on one driver. */
export interface ScenarioResult {
  readonly scenario: Scenario;
  readonly driver: DriverName;
  readonly status: Status;
  readonly startedAt: string;
  readonly durationMs: number;
  /** Expectations that held, in order. */
  readonly held: readonly string[];
  /** What did not hold, or why the scenario was skipped; null where it passed. */
  readonly failure: { readonly expectation: string; readonly saw: string } | null;
  readonly peer: PeerView;
  readonly events: readonly TraceEntry[];
  readonly droppedEvents: number;
}

/** Who is told how a run goes. */
export interface RunObserver {
  started(scenario: Scenario, driver: DriverName): void;
  finished(result: ScenarioResult): void;
}

export interface RunOptions {
  readonly scenarios: readonly Scenario[];
  readonly drivers: readonly DriverName[];
  readonly observer: RunObserver;
  /** How long a scenario may take that does not say so itself. */
  readonly watchdogMs?: number;
}

const DEFAULT_WATCHDOG_MS = 15_000;

/** How long the end of a scenario may take: every socket closed, everything reaped. */
const TIDY_WITHIN_MS = 5000;

/** Runs each scenario on each driver, one after the other: what is measured must not compete. */
export async function runScenarios(options: RunOptions): Promise<ScenarioResult[]> {
  const results: ScenarioResult[] = [];
  let peer = new Peer();
  try {
    for (const scenario of options.scenarios) {
      for (const driver of options.drivers) {
        options.observer.started(scenario, driver);
        const watchdogMs = scenario.watchdogMs ?? options.watchdogMs ?? DEFAULT_WATCHDOG_MS;
        const result = await runScenario(scenario, driver, peer, watchdogMs);
        results.push(result);
        options.observer.finished(result);
        if (result.status === 'fail') {
          // Whatever state the failure left behind, the next scenario does not inherit it.
          await peer.terminate();
          peer = new Peer();
        }
      }
    }
  } finally {
    await peer.terminate();
  }
  return results;
}

async function runScenario(
  scenario: Scenario,
  driver: DriverName,
  peer: Peer,
  watchdogMs: number,
): Promise<ScenarioResult> {
  const startedAt = new Date().toISOString();
  const trace = new Trace();
  let held: readonly string[] = [];
  let failure: ScenarioResult['failure'] = null;
  let status: Status = 'pass';
  let seen: readonly PeerEvent[] | null = null;
  try {
    const proactor = openProactor({ driver });
    const context = new ScenarioContext(driver, proactor, peer, trace);
    held = context.held;
    peer.onEvent = (event) => trace.peerEvent(event);
    try {
      const pending = () => `${count(proactor.outstanding, 'operation')} had not ended`;
      await guarded(scenario.run(context), `the scenario ends within ${watchdogMs} ms`, watchdogMs, pending);
      // What the peer sees from here on is the tidying, not the scenario.
      seen = [...peer.events];
      peer.onEvent = () => undefined;
      await guarded(context.tidy(), `all sockets close within ${TIDY_WITHIN_MS} ms`, TIDY_WITHIN_MS, pending);
      expectNothingLeft(context);
    } finally {
      proactor.destroy();
    }
  } catch (error) {
    status = error instanceof SkipScenario ? 'skip' : 'fail';
    failure = describeFailure(error);
  }
  const durationMs = trace.now();
  const view = peerView(seen ?? peer.events);
  if (status !== 'fail') await peer.clear();
  return {
    scenario,
    driver,
    status,
    startedAt,
    durationMs,
    held,
    failure,
    peer: view,
    events: trace.entries,
    droppedEvents: trace.dropped,
  };
}

/** After every scenario: nothing in flight, nothing lent, and nothing came for an operation that was gone. */
function expectNothingLeft(context: ScenarioContext): void {
  const { proactor } = context;
  const { openSockets, pendingRequests, lentBuffers, staleCompletions } = proactor.driver.statistics();
  const counts = {
    'operations outstanding': proactor.outstanding,
    'deadlines armed': proactor.armedDeadlines,
    'sockets open': openSockets,
    'requests in the kernel': pendingRequests,
    'buffers lent': lentBuffers,
    'completions of operations that were gone': staleCompletions,
  };
  const left = Object.entries(counts).filter(([, count]) => count !== 0);
  const saw = left.map(([what, count]) => `${count} ${what}`).join(', ');
  context.expect('nothing is left pending, open, armed or lent afterwards', left.length === 0, `there were ${saw}`);
}

/** The work's end, or its failure: by the clock, or by an error that nobody awaited. */
async function guarded(work: Promise<void>, what: string, withinMs: number, saw: () => string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let onError: ((error: Error) => void) | undefined;
  const interrupted = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ExpectationError(what, saw())), withinMs);
    onError = (error) =>
      reject(new ExpectationError('nothing is thrown outside of a promise', `${error?.stack ?? error}`));
    process.on('uncaughtException', onError);
    process.on('unhandledRejection', onError);
  });
  try {
    await Promise.race([work, interrupted]);
  } finally {
    clearTimeout(timer);
    if (onError) {
      process.off('uncaughtException', onError);
      process.off('unhandledRejection', onError);
    }
    // The loser may fail later, when nobody looks any more.
    work.catch(() => undefined);
  }
}

function describeFailure(error: unknown): { expectation: string; saw: string } {
  if (error instanceof ExpectationError) return { expectation: error.expectation, saw: error.saw };
  if (error instanceof SkipScenario) return { expectation: 'skipped', saw: error.message };
  const { stack } = error as Error;
  return { expectation: 'the scenario runs to its end', saw: stack ?? String(error) };
}
