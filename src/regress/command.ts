import { closeSync, openSync, writeFileSync } from 'node:fs';
import { probeDrivers } from '../drivers/choose.js';
import type { DriverName, DriverReport } from '../port/driver.js';
import type { Proactor } from '../port/proactor.js';
import { nowMs } from './clock.js';
import { renderPage } from './html/page.js';
import { describeMachine } from './machine.js';
import { parseRegressOptions, type RegressOptions, UsageError } from './options.js';
import { type OpenPeer, WORKER_PEER } from './peer-transport.js';
import { type Progress, progressOn } from './progress.js';
import { buildReport, reportToJson } from './report.js';
import { type RunObserver, runScenarios } from './runner.js';
import type { Scenario } from './scenario.js';
import { SCENARIOS } from './scenarios/index.js';
import { writeSummary } from './summary.js';
import { standardTerminal, type Terminal } from './terminal.js';
import { count, wrap } from './text.js';
import { WireEvidence } from './wire/evidence.js';
import { preparePcapDirectory } from './wire/pcap.js';

export const REGRESS_HELP = `overlapped regress: runs the contract, scenario by scenario, on every driver that can be used here.

The peer of each scenario is Node's own node:net or node:dgram in a thread of its own, so that FIN and RST are
seen by somebody else than the library; on a stack that node:net does not reach (--stack lwip) it uses the stack's own
calls, and none of the drivers and sockets that are tried. Where the process may capture packets (on Linux: root, or CAP_NET_RAW), what
each close says it sent is also held against what was on the wire.

  -d, --driver NAME     only this driver: io_uring, readiness or iocp (may be repeated)
  -s, --scenario GLOB   only these scenarios, as 'close/*' (may be repeated)
  -l, --list            lists the scenarios and what each one checks
      --stack STACK     on this socket stack instead, by the name of an included profile or by a profile's file; every
                        flag that the stack needs is held against its profile (docs/porting.md)
      --simulation STACK  takes that stack's functions from a simulation of this one, on this machine
      --json FILE       writes the results and everything that happened as JSON
      --html FILE       writes one self-contained page: the matrix and a sequence diagram of each scenario
      --pcap DIR        writes each scenario's packets as a file that Wireshark and tcpdump open
      --capture ADDRESS asks the capture service there for the packets, for a run under Wine (overlapped capture --help)
      --no-capture      leaves the packets alone
      --no-color        no colours (NO_COLOR works too)
      --raw             measures the bare platform instead: --raw --help tells more
  -h, --help            this text

The exit status is 0 if the contract holds on every driver that was run, 1 if it does not, 2 for a wrong command line.
`;

const MAX_TEXT_COLUMNS = 120;

/** What a run is made of; tests bring their own. */
export interface RegressSetting {
  readonly scenarios?: readonly Scenario[];
  readonly terminal?: Terminal;
}

/** `overlapped regress`; gives the exit status. Throws UsageError for a wrong command line. */
export async function regress(args: readonly string[], setting: RegressSetting = {}): Promise<number> {
  if (args.includes('--raw')) {
    const { rawRegress } = await import('./raw/command.js');
    return rawRegress(args, setting.terminal);
  }
  const options = parseRegressOptions(args, setting.scenarios ?? SCENARIOS);
  const terminal = setting.terminal ?? standardTerminal(options.colour);
  if (options.help) {
    terminal.write(REGRESS_HELP);
    return 0;
  }
  if (options.list) {
    writeList(terminal, options.scenarios);
    return 0;
  }
  checkWritable(options.jsonFile);
  checkWritable(options.htmlFile);
  checkDirectory(options.pcapDirectory);
  const reports = probeDrivers();
  if (options.stack !== undefined) {
    const { onStack } = await import('./stack/on-stack.js');
    return onStack(options.stack, options, (target) => run(terminal, options, reports, target));
  }
  const drivers = usableDrivers(options, reports, terminal);
  if (drivers === null) return 1;
  return run(terminal, options, reports, { title: drivers.join(' and '), drivers, scenarios: options.scenarios });
}

/** What is run, and on what. */
export interface RunTarget {
  readonly title: string;
  readonly drivers: readonly DriverName[];
  readonly scenarios: readonly Scenario[];
  /** Absent: the platform's own. */
  readonly makeProactor?: () => Proactor;
  /** Absent: as many as the process may open. */
  readonly mostSockets?: number;
  /** Where the peer lives; absent: in a thread of its own, on node:net. */
  readonly openPeer?: OpenPeer | undefined;
  /** Who the peer is, for people. Absent: WORKER_PEER. */
  readonly peer?: string | undefined;
}

async function run(
  terminal: Terminal,
  options: RegressOptions,
  reports: readonly DriverReport[],
  target: RunTarget,
): Promise<number> {
  const { title, drivers, scenarios, peer = WORKER_PEER } = target;
  const machine = describeMachine();
  const { platform, node, koffi, overlapped } = machine;
  terminal.write(`overlapped ${overlapped}, ${platform}, Node ${node}, koffi ${koffi}\n`);
  terminal.write(`${count(scenarios.length, 'scenario')} on ${title}\n`);
  if (target.peer !== undefined) terminal.write(`The peer is ${peer}\n`);
  const evidence = await openEvidence(options, terminal);
  const progress = progressOn(terminal, scenarios, drivers);
  const startedAt = new Date();
  const beganMs = nowMs();
  const observer = observeBoth(progress, evidence);
  const { makeProactor, mostSockets, openPeer } = target;
  const { capture } = evidence;
  const results = await runScenarios({ scenarios, drivers, observer, capture, makeProactor, mostSockets, openPeer });
  progress.end();
  await evidence.close();
  writeSummary(terminal, results, drivers, evidence.report);
  const durationMs = nowMs() - beganMs;
  const report = buildReport({
    startedAt,
    durationMs,
    machine,
    driverReports: reports,
    drivers,
    results,
    capture: evidence.report,
    peerIs: peer,
  });
  if (options.jsonFile !== undefined) writeReport(terminal, options.jsonFile, reportToJson(report));
  if (options.htmlFile !== undefined) writeReport(terminal, options.htmlFile, renderPage(report));
  return report.holds ? 0 : 1;
}

/** The wire evidence of this run. Where there is none, the terminal says why, and the peers alone are witnesses. */
async function openEvidence(options: RegressOptions, terminal: Terminal): Promise<WireEvidence> {
  const { capture: wanted, captureService: service, pcapDirectory } = options;
  const evidence = await WireEvidence.open({ wanted, service, pcapDirectory });
  const { captured, reason } = evidence.report;
  if (captured || !wanted) return evidence;
  const files = pcapDirectory === undefined ? '' : `, and ${pcapDirectory} stays empty`;
  const note = `No packets are captured: ${reason}. FIN and RST are what the peers saw${files}`;
  for (const line of wrap(note, textColumns(terminal))) terminal.write(`${line}\n`);
  return evidence;
}

function observeBoth(progress: Progress, evidence: WireEvidence): RunObserver {
  return {
    started: (scenario, driver) => progress.started(scenario, driver),
    finished: (result) => progress.finished(result),
    captured: (scenario, driver, trace) => evidence.keep(scenario, driver, trace),
    captureLost: (reason) => evidence.lost(reason),
  };
}

/** The drivers to run; null where there is none, or where one that was asked for cannot be used. */
function usableDrivers(
  options: RegressOptions,
  reports: readonly DriverReport[],
  terminal: Terminal,
): readonly DriverName[] | null {
  const wanted = options.drivers;
  const missing = reports.filter((report) => wanted.includes(report.name) && !report.usable);
  for (const { name, reason } of missing) terminal.write(`The driver ${name} cannot be used here: ${reason}\n`);
  if (missing.length > 0) return null;
  if (wanted.length > 0) return wanted;
  const usable = reports.filter((report) => report.usable).map((report) => report.name);
  if (usable.length > 0) return usable;
  terminal.write('No driver can be used here: overlapped doctor says why\n');
  return null;
}

/** How wide running text is made: no wider than the terminal, nor than is pleasant to read. */
function textColumns(terminal: Terminal): number {
  return Math.min(terminal.live ? terminal.columns() : MAX_TEXT_COLUMNS, MAX_TEXT_COLUMNS);
}

function writeList(terminal: Terminal, scenarios: readonly Scenario[]): void {
  const { paint } = terminal;
  const columns = textColumns(terminal) - 4;
  for (const { id, checks, contract } of scenarios) {
    terminal.write(`${paint('bold', id)}\n`);
    for (const line of wrap(checks, columns)) terminal.write(`    ${line}\n`);
    for (const line of wrap(`contract: ${contract}`, columns)) terminal.write(`    ${paint('dim', line)}\n`);
  }
  terminal.write(`\n${count(scenarios.length, 'scenario')}\n`);
}

/** Asks early, before minutes of work would be lost to a name that cannot be written. */
function checkWritable(file: string | undefined): void {
  if (file === undefined) return;
  try {
    closeSync(openSync(file, 'a'));
  } catch (error) {
    throw new UsageError(`Cannot write ${file}: ${(error as Error).message}`);
  }
}

function checkDirectory(directory: string | undefined): void {
  if (directory === undefined) return;
  try {
    preparePcapDirectory(directory);
  } catch (error) {
    throw new UsageError(`Cannot write to ${directory}: ${(error as Error).message}`);
  }
}

function writeReport(terminal: Terminal, file: string, text: string): void {
  writeFileSync(file, text);
  terminal.write(`Wrote ${file}\n`);
}
