import type { DriverName } from '../port/driver.js';
import type { Proactor } from '../port/proactor.js';
import { openProactor } from '../sockets/default-proactor.js';
import { ScenarioContext } from './context.js';
import { ExpectationError, SkipScenario } from './expectations.js';
import { Peer } from './peer.js';
import type { PeerEvent } from './peer-protocol.js';
import type { OpenPeer } from './peer-transport.js';
import type { Scenario } from './scenario.js';
import { count } from './text.js';
import { type PeerView, peerView, Trace, type TraceEntry } from './trace.js';
import type { WireCapture, WireTrace } from './wire/capture.js';
import { type WireView, wireView } from './wire/view.js';
import { expectClaims, WireWitness } from './wire/witness.js';

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
  /** What was on the wire; null where nothing was captured. */
  readonly wire: WireView | null;
  readonly events: readonly TraceEntry[];
  readonly droppedEvents: number;
}

/** Who is told how a run goes. */
export interface RunObserver {
  started(scenario: Scenario, driver: DriverName): void;
  finished(result: ScenarioResult): void;
  /** Before `finished`, where the scenario's packets were captured. */
  captured?(scenario: Scenario, driver: DriverName, trace: WireTrace): void;
  /** Once, if the capture fails; the run goes on without. */
  captureLost?(reason: string): void;
}

export interface RunOptions {
  readonly scenarios: readonly Scenario[];
  readonly drivers: readonly DriverName[];
  readonly observer: RunObserver;
  /** How long a scenario may take that does not say so itself. */
  readonly watchdogMs?: number;
  /** Captures the packets of each scenario. Stays the caller's. */
  readonly capture?: WireCapture | undefined;
  /** Absent: a new proactor of the driver. */
  readonly makeProactor?: ((driver: DriverName) => Proactor) | undefined;
  /** Sockets that there can be at most; absent: as many as the process may open. */
  readonly mostSockets?: number | undefined;
  /** Where the peer lives; absent: in a thread of its own, on node:net. */
  readonly openPeer?: OpenPeer | undefined;
}

const DEFAULT_WATCHDOG_MS = 15_000;

/** How long the end of a scenario may take: every socket closed, everything reaped. */
const TIDY_WITHIN_MS = 5000;

/** Runs each scenario on each driver, one after the other: what is measured must not compete. */
export async function runScenarios(options: RunOptions): Promise<ScenarioResult[]> {
  const results: ScenarioResult[] = [];
  const { makeProactor = (driver) => openProactor({ driver }) } = options;
  let { capture } = options;
  let peer = new Peer(options.openPeer);
  try {
    for (const scenario of options.scenarios) {
      for (const driver of options.drivers) {
        options.observer.started(scenario, driver);
        const witness = capture && new WireWitness(capture);
        const watchdogMs = scenario.watchdogMs ?? options.watchdogMs ?? DEFAULT_WATCHDOG_MS;
        const one = new ScenarioRun(scenario, driver, peer, witness, makeProactor);
        if (options.mostSockets !== undefined) one.mostSockets = options.mostSockets;
        const result = await one.run(watchdogMs);
        results.push(result);
        if (one.wire) options.observer.captured?.(scenario, driver, one.wire);
        options.observer.finished(result);
        if (witness && witness.lost !== '') {
          capture = undefined;
          options.observer.captureLost?.(witness.lost);
        }
        if (result.status === 'fail') {
          // Whatever state the failure left behind, the next scenario does not inherit it.
          await peer.terminate();
          peer = new Peer(options.openPeer);
        }
      }
    }
  } finally {
    await peer.terminate();
  }
  return results;
}

/** One scenario on one driver, once. */
class ScenarioRun {
  readonly #scenario: Scenario;
  readonly #driver: DriverName;
  readonly #peer: Peer;
  readonly #witness: WireWitness | undefined;
  readonly #makeProactor: (driver: DriverName) => Proactor;
  readonly #trace = new Trace();
  #held: string[] = [];
  #claims = 0;
  /** How long the wire was read, which is no part of what the scenario takes. */
  #readingMs = 0;
  #seen: readonly PeerEvent[] | null = null;
  mostSockets = Number.POSITIVE_INFINITY;
  /** What was on the wire, where that was captured. */
  wire: WireTrace | null = null;

  constructor(
    scenario: Scenario,
    driver: DriverName,
    peer: Peer,
    witness: WireWitness | undefined,
    makeProactor: (driver: DriverName) => Proactor,
  ) {
    this.#scenario = scenario;
    this.#driver = driver;
    this.#peer = peer;
    this.#witness = witness;
    this.#makeProactor = makeProactor;
  }

  async run(watchdogMs: number): Promise<ScenarioResult> {
    const startedAt = new Date().toISOString();
    let failure: ScenarioResult['failure'] = null;
    let status: Status = 'pass';
    try {
      await this.#act(watchdogMs);
    } catch (error) {
      status = error instanceof SkipScenario ? 'skip' : 'fail';
      failure = this.#alsoOnTheWire(describeFailure(error));
    }
    const durationMs = this.#trace.now() - this.#readingMs;
    const peer = peerView(this.#seen ?? this.#peer.events);
    const wire = this.#wireView();
    if (status !== 'fail') await this.#peer.clear();
    const { entries: events, dropped: droppedEvents } = this.#trace;
    const { scenario, driver, held } = { scenario: this.#scenario, driver: this.#driver, held: this.#held };
    return { scenario, driver, status, startedAt, durationMs, held, failure, peer, wire, events, droppedEvents };
  }

  async #act(watchdogMs: number): Promise<void> {
    await this.#witness?.begin();
    const proactor = this.#makeProactor(this.#driver);
    const context = new ScenarioContext(this.#driver, proactor, this.#peer, this.#trace);
    context.mostSockets = this.mostSockets;
    this.#held = context.held;
    this.#peer.onEvent = (event) => this.#trace.peerEvent(event);
    this.#peer.onPort = async (port) => this.#witness?.own([port], 'peer');
    context.onPorts = async (ports) => this.#witness?.own(ports, 'ours');
    try {
      const pending = () => `${count(proactor.outstanding, 'operation')} had not ended`;
      const run = this.#scenario.run(context);
      await guarded(run, `the scenario ends within ${watchdogMs} ms`, watchdogMs, pending).finally(() => this.#look());
      this.#expectClaims();
      await guarded(context.tidy(), `all sockets close within ${TIDY_WITHIN_MS} ms`, TIDY_WITHIN_MS, pending);
      expectNothingLeft(context);
    } finally {
      proactor.destroy();
    }
  }

  /** What the peer and the wire see from here on is the tidying, not the scenario. */
  async #look(): Promise<void> {
    this.#seen = [...this.#peer.events];
    this.#peer.onEvent = () => undefined;
    this.#peer.onPort = async () => undefined;
    const beganMs = this.#trace.now();
    this.wire = (await this.#witness?.end(this.#trace.claims)) ?? null;
    this.#readingMs = this.#trace.now() - beganMs;
  }

  #expectClaims(): void {
    if (this.wire === null) return;
    const held = expectClaims(this.#trace.claims, this.wire);
    this.#claims = held.length;
    this.#held.push(...held);
  }

  /** Where the wire contradicts a close as well, that says more than what came of it. */
  #alsoOnTheWire(failure: { expectation: string; saw: string }): { expectation: string; saw: string } {
    try {
      if (this.#claims === 0) this.#expectClaims();
    } catch (error) {
      const { expectation, saw } = describeFailure(error);
      if (expectation !== failure.expectation) return { ...failure, saw: `${failure.saw}; ${expectation}? ${saw}` };
    }
    return failure;
  }

  #wireView(): WireView | null {
    const { wire } = this;
    if (wire === null || this.#witness === undefined) return null;
    const { scope } = this.#witness;
    for (const { name, ourPort, peerPort } of this.#trace.connections) scope.name(name, ourPort, peerPort);
    return wireView(wire, scope, this.#trace.startedAtMs, this.#claims);
  }
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
