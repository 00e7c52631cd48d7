import type { Report, ReportedResult, ReportedScenario } from '../report.js';
import { praise } from '../summary.js';
import { formatDuration } from '../terminal.js';
import { count } from '../text.js';
import { describePeerView } from '../trace.js';
import type { WireView } from '../wire/view.js';
import { renderDiagram } from './diagram.js';
import { escapeMarkup, slug } from './escape.js';
import { STYLE } from './style.js';
import { describeCount, wireNotes } from './wire-marks.js';

/** The report as one self-contained page: no script, and nothing is fetched. */
export function renderPage(report: Report): string {
  const title = verdict(report);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeMarkup(title)} - overlapped regress</title>
<style>${STYLE}</style>
</head>
<body>
${renderHeader(report)}
<main>
${renderStory(report)}
<h2 id="matrix">Scenarios and drivers</h2>
${renderMatrix(report)}
<h2>What happened</h2>
${renderKey(report)}
${report.scenarios.map((scenario) => renderScenario(scenario)).join('\n')}
<footer>The peer is ${escapeMarkup(report.peerIs)}, and both ends are timed on one clock. Made by <code>overlapped regress</code>.</footer>
</main>
</body>
</html>
`;
}

function verdict(report: Report): string {
  return report.holds ? praise(report.totals, report.beyondStack) : 'The contract does not hold';
}

function renderHeader(report: Report): string {
  const { totals, machine } = report;
  const ran = report.drivers.filter((driver) => driver.ran).map((driver) => driver.name);
  const counts = [`${totals.passed} passed`, `${totals.failed} failed`];
  if (totals.skipped > 0) counts.push(`${totals.skipped} skipped`);
  const notRun = report.drivers.filter((driver) => !driver.ran);
  const facts: readonly (readonly [string, string])[] = [
    ['Results', counts.join(', ')],
    ['Scenarios', String(report.scenarios.length)],
    ['Drivers', ran.join(', ') || 'none'],
    ['Platform', machine.platform],
    ['Node', machine.node],
    ['koffi', machine.koffi],
    ['Date', report.date.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')],
    ['Took', formatDuration(report.durationMs)],
    ['Wire', report.capture.captured ? wireFact(report) : 'not captured'],
  ];
  const list = facts.map(([name, value]) => `<div><dt>${name}</dt><dd>${escapeMarkup(value)}</dd></div>`).join('');
  const others = notRun.map(({ name, reason, usable }) => `${name}: ${usable ? 'not asked for' : reason}`);
  if (report.capture.reason !== '') others.unshift(`the capture of packets: ${report.capture.reason}`);
  const notes =
    others.length > 0 ? `<p class="soft" style="margin:12px 0 0">Not run: ${escapeMarkup(others.join('; '))}</p>` : '';
  return `<header><div>
<p class="kicker">overlapped ${escapeMarkup(machine.overlapped)}: timeout, cancel and close, seen from both ends</p>
<h1 class="${report.holds ? 'holds' : 'broken'}">${report.holds ? '✓' : '✗'} ${verdict(report)}</h1>
${renderFailed(report)}<dl class="facts">${list}</dl>${notes}
</div></header>`;
}

/** How many packets the report stands on; that some were lost is said first. */
function wireFact(report: Report): string {
  const wires = report.scenarios.flatMap(({ results }) => results.flatMap(({ wire }) => (wire === null ? [] : [wire])));
  const segments = wires.reduce((total, { ours, peer }) => total + ours.segments + peer.segments, 0);
  const dropped = wires.reduce((total, wire) => total + wire.dropped, 0);
  const claims = wires.reduce((total, wire) => total + wire.claims, 0);
  return `${dropped > 0 ? `${dropped} LOST, ` : ''}${count(segments, 'segment')}, ${count(claims, 'close')} borne out`;
}

/** What failed, where nobody has to scroll for it. */
function renderFailed(report: Report): string {
  const failed = report.scenarios.flatMap(({ id, results }) =>
    results.filter((result) => result.status === 'fail').map((result) => ({ id, driver: result.driver })),
  );
  if (failed.length === 0) return '';
  const links = failed.map(({ id, driver }) => {
    return `<a class="id fail" href="#${slug(id)}">${escapeMarkup(id)}</a> on ${escapeMarkup(driver)}`;
  });
  return `<p>Failed: ${links.join(', ')}</p>`;
}

const STORY = ['defect/leave-pending-closesocket', 'repair/cancel-close'] as const;

/** The defect and its repair next to each other, where both were run. */
function renderStory(report: Report): string {
  const [defect, repair] = STORY.map((id) => report.scenarios.find((scenario) => scenario.id === id)?.results[0]);
  if (!defect || !repair || defect.status === 'skip' || repair.status === 'skip') return '';
  const panel = (heading: string, text: string, result: ReportedResult, id: string) =>
    `<section class="panel"><h3>${heading}</h3><p class="soft">${text}</p>${renderDiagram(result.events, `story-${slug(id)}`, heading, result.wire)}</section>`;
  return `<h2>The defect, and its repair</h2>
<p>A receive is timed out by a timer. If its IO stays pending when the socket is closed, the connection is reset, and
the server's last send fails. If the timeout cancels the IO first, the server sees the end of the stream and its send
succeeds. (Driver: ${escapeMarkup(defect.driver)})</p>
<div class="pair">
${panel('The defect', 'onTimeout: leavePending, then closesocket()', defect, STORY[0])}
${panel('The repair', 'onTimeout: cancel, then close()', repair, STORY[1])}
</div>`;
}

function renderMatrix(report: Report): string {
  const drivers = report.drivers.filter((driver) => driver.ran).map((driver) => driver.name);
  const heads = drivers.map((driver) => `<th scope="col">${escapeMarkup(driver)}</th>`).join('');
  const groups = [...new Set(report.scenarios.map((scenario) => scenario.group))];
  const rows = groups.map((group) => {
    const own = report.scenarios.filter((scenario) => scenario.group === group);
    const heading = `<tr><th scope="rowgroup" colspan="${drivers.length + 3}">${escapeMarkup(group)}</th></tr>`;
    return `<tbody>${heading}${own.map((scenario) => matrixRow(scenario, drivers)).join('')}</tbody>`;
  });
  return `<div class="scroll"><table>
<thead><tr><th scope="col">Scenario</th>${heads}<th scope="col">The peer saw</th><th scope="col">What it checks</th></tr></thead>
${rows.join('\n')}
</table></div>`;
}

function matrixRow(scenario: ReportedScenario, drivers: readonly string[]): string {
  const cells = drivers.map((driver) => {
    const result = scenario.results.find((candidate) => candidate.driver === driver);
    return `<td>${result ? statusText(result) : '<span class="soft">not run</span>'}</td>`;
  });
  const seen = [...new Set(scenario.results.map((result) => describePeerView(result.peer)))].join(' | ');
  const link = `<a class="id" href="#${slug(scenario.id)}">${escapeMarkup(scenario.id)}</a>`;
  const checks = `<td class="checks soft">${escapeMarkup(scenario.checks)}</td>`;
  return `<tr><td>${link}</td>${cells.join('')}<td>${escapeMarkup(seen)}</td>${checks}</tr>`;
}

const MARKS = { pass: '✓', fail: '✗', skip: '-' } as const;

function statusText(result: ReportedResult): string {
  const word = result.status === 'pass' ? 'passed' : result.status === 'fail' ? 'FAILED' : 'skipped';
  const mark = `<span class="${result.status}" title="${word}">${MARKS[result.status]}</span>`;
  const label = result.status === 'fail' ? ' <span class="fail">failed</span>' : '';
  return `${mark}${label}<span class="ms">${formatDuration(result.durationMs)}</span>`;
}

function renderKey(report: Report): string {
  return `<p class="key">
<span><i style="background:var(--bar)"></i>an operation of ours, pending</span>
<span><i style="background:var(--bar-warn)"></i>one that timed out</span>
<span><i style="background:var(--warn-soft);outline:1px dashed var(--bar-warn)"></i>its IO, left pending</span>
<span><i style="background:var(--bar-bad)"></i>one that was aborted, cancelled or failed</span>
<span>Time runs down; long waits are drawn shorter.</span>
<span>${report.capture.captured ? CAPTURED : INFERRED}</span>
</p>`;
}

const CAPTURED =
  'Arrows are the segments that were on the wire, without bare acknowledgements; dashed ones were sent again.';
const INFERRED = 'Arrows are inferred from what both ends saw.';

function renderScenario(scenario: ReportedScenario): string {
  const failed = scenario.results.some((result) => result.status === 'fail');
  const chips = scenario.results
    .map((result) => `<span>${escapeMarkup(result.driver)} ${statusText(result)}</span>`)
    .join(' ');
  const panels = scenario.results.map((result) => renderResult(scenario, result)).join('\n');
  return `<details${failed ? ' open' : ''}><summary><span class="id">${escapeMarkup(scenario.id)}</span><span class="checks">${escapeMarkup(scenario.checks)}</span>${chips}</summary>
<div class="body" id="${slug(scenario.id)}"><p class="soft">Contract: ${escapeMarkup(scenario.contract)}</p><div class="pair">${panels}</div></div></details>`;
}

function renderResult(scenario: ReportedScenario, result: ReportedResult): string {
  const id = `${slug(scenario.id)}-${slug(result.driver)}`;
  const title = `${scenario.id} on ${result.driver}: ${result.status}; the peer saw ${describePeerView(result.peer)}`;
  const diagram =
    result.events.length > 0 ? renderDiagram(result.events, id, title, result.wire) : '<p class="soft">No events.</p>';
  const dropped =
    result.droppedEvents > 0 ? `<p class="soft">${count(result.droppedEvents, 'further event')} not recorded.</p>` : '';
  const wire = result.wire === null ? '' : `<p class="wire soft">${describeWire(result.wire)}</p>`;
  const held = result.held.length > 0 ? `<ul class="held">${grouped(result.held)}</ul>` : '';
  return `<section class="panel"><h3>${escapeMarkup(result.driver)} ${statusText(result)}</h3>${renderFailure(result)}${diagram}${dropped}${wire}${held}</section>`;
}

function describeWire(wire: WireView): string {
  const notes = wireNotes(wire);
  const sent = `overlapped sent ${describeCount(wire.ours)}; the peer ${describeCount(wire.peer)}`;
  return escapeMarkup(`On the wire: ${sent}${notes === '' ? '' : ` (${notes})`}.`);
}

/** The expectations, each once, with how often it held. */
function grouped(held: readonly string[]): string {
  const times = new Map<string, number>();
  for (const text of held) times.set(text, (times.get(text) ?? 0) + 1);
  return [...times].map(([text, n]) => `<li>${escapeMarkup(text)}${n > 1 ? ` ×${n}` : ''}</li>`).join('');
}

function renderFailure(result: ReportedResult): string {
  if (result.failure === null) return '';
  const { expectation, saw } = result.failure;
  if (result.status === 'skip') return `<div class="failure skip">Skipped: ${escapeMarkup(saw)}</div>`;
  return `<div class="failure"><strong>Expected:</strong> ${escapeMarkup(expectation)}\n<strong>But</strong> ${escapeMarkup(saw)}</div>`;
}
