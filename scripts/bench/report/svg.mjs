// The chart: CPU per message and throughput, a bar per contender, a row of panels per scenario.

/** @typedef {import('../measure.mjs').ScenarioResult} ScenarioResult */

const WIDTH = 900;
const MARGIN = 16;
const LABEL_WIDTH = 215;
const GAP = 24;
const VALUE_WIDTH = 62;
const ROW_HEIGHT = 24;
const BAR_HEIGHT = 14;
const TITLE_HEIGHT = 44;
const HEADER_HEIGHT = 56;
const PANEL_WIDTH = (WIDTH - 2 * MARGIN - LABEL_WIDTH - GAP) / 2;

const STYLE = `
    text { font: 12px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #424a53; }
    .heading { font-size: 16px; font-weight: 600; fill: #1f2328; }
    .title { font-size: 13px; font-weight: 600; fill: #1f2328; }
    .small { font-size: 11px; fill: #6e7781; }
    .track { fill: #eaeef2; }
    .bar { fill: #8c959f; }
    .ours { fill: #2f7d6d; }
    @media (prefers-color-scheme: dark) {
      text { fill: #b1bac4; }
      .heading, .title { fill: #e6edf3; }
      .small { fill: #8b949e; }
      .track { fill: #21262d; }
      .bar { fill: #6e7681; }
      .ours { fill: #4fb3a0; }
    }`;

/** @type {{ metric: string, caption: string, text: (value: number) => string }[]} */
const PANELS = [
  {
    metric: 'cpuUs',
    caption: 'server CPU, µs per message (less is better)',
    text: (value) => `${value.toFixed(2)} µs`,
  },
  {
    metric: 'throughput',
    caption: 'messages per second (more is better)',
    text: (value) => `${Math.round(value / 1000)}k`,
  },
];

/** @param {string} text */
function escapeXml(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** @param {number} x @param {number} y @param {string} text @param {string} [kind] */
function label(x, y, text, kind) {
  const attribute = kind === undefined ? '' : ` class="${kind}"`;
  return `<text x="${x}" y="${y}"${attribute}>${escapeXml(text)}</text>`;
}

/**
 * @param {(typeof PANELS)[number]} panel
 * @param {number} x
 * @param {number} y
 * @param {import('../measure.mjs').ContenderResult[]} rows
 */
function drawPanel({ metric, caption, text }, x, y, rows) {
  const longest = PANEL_WIDTH - VALUE_WIDTH;
  const most = Math.max(...rows.map(({ median }) => median[metric] ?? 0));
  const parts = [label(x, y - 8, caption, 'small')];
  rows.forEach(({ id, median }, index) => {
    const value = median[metric] ?? 0;
    const top = y + index * ROW_HEIGHT + (ROW_HEIGHT - BAR_HEIGHT) / 2;
    const length = ((value / most) * longest).toFixed(1);
    const kind = id.startsWith('overlapped') ? 'ours' : 'bar';
    const box = `x="${x}" y="${top}" height="${BAR_HEIGHT}" rx="2"`;
    parts.push(`<rect class="track" ${box} width="${longest}"/>`);
    parts.push(`<rect class="${kind}" ${box} width="${length}"/>`);
    parts.push(label(x + longest + 8, top + BAR_HEIGHT - 3, text(value)));
  });
  return parts;
}

/** @param {ScenarioResult} scenario @param {number} top */
function drawScenario({ title, contenders }, top) {
  const rows = contenders.filter(({ rounds }) => rounds.length > 0);
  const y = top + TITLE_HEIGHT;
  const parts = [label(MARGIN, y - 8, title, 'title')];
  rows.forEach(({ label: name }, index) => {
    parts.push(label(MARGIN, y + index * ROW_HEIGHT + ROW_HEIGHT / 2 + 4, name));
  });
  PANELS.forEach((panel, index) => {
    const x = MARGIN + LABEL_WIDTH + index * (PANEL_WIDTH + GAP);
    parts.push(...drawPanel(panel, x, y, rows));
  });
  return { parts, height: TITLE_HEIGHT + rows.length * ROW_HEIGHT };
}

/** @param {import('./report.mjs').Report} report */
export function toSvg({ scenarios, machine, date }) {
  const echoes = scenarios.filter(
    ({ run, id, contenders }) =>
      run.endsWith('-echo') && id !== 'latency' && contenders.some((row) => row.rounds.length > 0),
  );
  const body = [
    label(MARGIN, 28, 'Echo servers on loopback, one core', 'heading'),
    label(MARGIN, 46, `${machine.cpu}, ${machine.kernel}, Node ${machine.node}, ${date}`, 'small'),
  ];
  let top = HEADER_HEIGHT;
  for (const scenario of echoes) {
    const { parts, height } = drawScenario(scenario, top);
    body.push(...parts);
    top += height;
  }
  const height = top + MARGIN;
  const size = `viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}"`;
  const title = 'CPU per message and throughput of echo servers';
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-label="${title}">
  <style>${STYLE}
  </style>
  ${body.join('\n  ')}
</svg>
`;
}
