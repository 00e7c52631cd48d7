/** The page's style: readable in light and dark, on paper and on a phone; no font or image is fetched. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #fbfbfa; --card: #ffffff; --ink: #1d2228; --soft: #5c6670; --line: #d9dde1; --faint: #eef0f2;
  --good: #1a7f4b; --good-soft: #e2f3e9; --bad: #c0302b; --bad-soft: #fbe6e4; --warn: #9a6200; --warn-soft: #f8ecd2;
  --data: #2563b8; --bar: #8fb8a3; --bar-warn: #e0ad4b; --bar-bad: #dd7a74;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --card: #1b1f24; --ink: #e4e7ea; --soft: #9aa4ae; --line: #343b43; --faint: #252a30;
    --good: #5cc98d; --good-soft: #163323; --bad: #ff7b72; --bad-soft: #43201f; --warn: #e3ae4a; --warn-soft: #3b2e12;
    --data: #76aef5; --bar: #3f7a5b; --bar-warn: #b07d1f; --bar-bad: #a9433d;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; }
main, header > div { max-width: 1380px; margin: 0 auto; padding: 0 24px; }
header { border-bottom: 1px solid var(--line); background: var(--card); padding: 28px 0 20px; margin-bottom: 28px; }
header .kicker { color: var(--soft); margin: 0; font-size: 14px; }
h1 { font-size: 30px; line-height: 1.2; margin: 4px 0 14px; letter-spacing: -0.01em; }
h1.holds { color: var(--good); } h1.broken { color: var(--bad); }
h2 { font-size: 20px; margin: 36px 0 6px; }
h3 { font-size: 14px; margin: 0 0 8px; font-weight: 600; }
p { margin: 0 0 12px; max-width: 80ch; }
a { color: inherit; text-decoration-color: var(--line); text-underline-offset: 3px; }
a:hover { text-decoration-color: currentColor; }
code, .id { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 0.92em; }
dl.facts { display: flex; flex-wrap: wrap; gap: 6px 32px; margin: 0; }
dl.facts div { display: flex; flex-direction: column; }
dl.facts dt { color: var(--soft); font-size: 12px; }
dl.facts dd { margin: 0; }
.soft { color: var(--soft); }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; background: var(--card); }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; padding: 5px 14px; vertical-align: top; white-space: nowrap; }
td.checks { white-space: normal; min-width: 260px; }
thead th { border-bottom: 1px solid var(--line); font-weight: 600; }
tbody td { border-top: 1px solid var(--faint); }
tbody th { padding-top: 16px; font-weight: 600; }
.ms { font-weight: 400; color: var(--soft); font-variant-numeric: tabular-nums; margin-left: 6px; }
.pass { color: var(--good); } .fail { color: var(--bad); font-weight: 600; } .skip { color: var(--warn); }
details { border: 1px solid var(--line); border-radius: 8px; background: var(--card); margin: 8px 0; }
details[open] { padding-bottom: 16px; }
summary { padding: 9px 14px; cursor: pointer; display: flex; flex-wrap: wrap; gap: 2px 14px; align-items: baseline; }
summary .checks { color: var(--soft); flex: 1 1 420px; }
summary::before { content: "▸"; color: var(--soft); }
details[open] > summary::before { content: "▾"; }
summary::-webkit-details-marker { display: none; }
.body { padding: 4px 16px 0; scroll-margin-top: 60px; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 600px), 1fr)); gap: 16px; }
.panel { border: 1px solid var(--line); border-radius: 8px; background: var(--card); padding: 14px 16px; min-width: 0; overflow-x: auto; }
.body .panel { border-color: var(--faint); }
.failure { background: var(--bad-soft); border-left: 3px solid var(--bad); padding: 8px 12px; margin: 0 0 12px; white-space: pre-wrap; overflow-wrap: anywhere; }
.failure.skip { background: var(--warn-soft); border-color: var(--warn); color: inherit; font-weight: 400; }
ul.held { margin: 8px 0 0; padding-left: 0; list-style: none; font-size: 13px; color: var(--soft); columns: 2 260px; }
ul.held li::before { content: "✓ "; color: var(--good); }
p.wire { font-size: 13px; margin: 8px 0 0; max-width: none; }
.key { display: flex; flex-wrap: wrap; gap: 4px 20px; font-size: 13px; color: var(--soft); margin: 0 0 12px; }
.key i { display: inline-block; width: 22px; height: 9px; border-radius: 3px; margin-right: 6px; }
footer { color: var(--soft); font-size: 13px; margin: 40px 0; }
svg.sequence { display: block; max-width: 100%; height: auto; margin: 0 auto; }
svg.sequence text { font: 12px system-ui, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; fill: var(--ink); }
svg text.end { font-weight: 600; fill: var(--soft); }
svg text.time { font-size: 11px; fill: var(--soft); font-variant-numeric: tabular-nums; }
svg text.gap { fill: var(--soft); font-style: italic; }
svg text.what.warn { fill: var(--warn); } svg text.what.bad { fill: var(--bad); }
svg text.what.fin { fill: var(--good); font-weight: 600; } svg text.what.rst { fill: var(--bad); font-weight: 600; }
svg text.on { paint-order: stroke; stroke: var(--card); stroke-width: 5px; stroke-linejoin: round; font-size: 11px; fill: var(--soft); }
svg text.on.warn { fill: var(--warn); } svg text.on.data { fill: var(--data); } svg text.on.fin { fill: var(--good); font-weight: 700; } svg text.on.rst { fill: var(--bad); font-weight: 700; }
.life { stroke: var(--line); stroke-width: 1.5; }
.leader { stroke: var(--line); stroke-width: 1; stroke-dasharray: 2 2; }
.bar { fill: var(--bar); } .bar.warn { fill: var(--bar-warn); } .bar.bad { fill: var(--bar-bad); }
.left { fill: var(--warn-soft); stroke: var(--bar-warn); stroke-dasharray: 3 2; }
.dot { fill: var(--soft); } .dot.fin { fill: var(--good); } .dot.rst, .dot.bad { fill: var(--bad); }
.arrow line { stroke: var(--soft); stroke-width: 1.4; } .arrow polygon { fill: var(--soft); }
.arrow.warn line { stroke: var(--warn); stroke-dasharray: 5 3; } .arrow.warn polygon { fill: var(--warn); }
.arrow.data line { stroke: var(--data); } .arrow.data polygon { fill: var(--data); }
.arrow.fin line { stroke: var(--good); stroke-width: 2; } .arrow.fin polygon { fill: var(--good); }
.arrow.rst line { stroke: var(--bad); stroke-width: 2; } .arrow.rst polygon { fill: var(--bad); }
@media (max-width: 760px) { svg.sequence { max-width: none; width: 500px; } th:last-child, td.checks { display: none; } main, header > div { padding: 0 16px; } th, td { padding: 5px 10px; } }
@media print { details { break-inside: avoid; } header, .panel { background: none; } }
`;
