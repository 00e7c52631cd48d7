import type { TraceEntry } from '../trace.js';
import type { WireView } from '../wire/view.js';
import { escapeMarkup } from './escape.js';
import { type Arrow, type Bar, type Mark, type Sequence, sequenceOf } from './sequence.js';

const WIDTH = 700;
const TIME_RIGHT = 52;
const OURS_X = 280;
const PEER_X = 460;
const TEXT_GAP = 10;
const LANE_WIDTH = 12;
const BAR_WIDTH = 8;
const TOP = 46;
const ROW = 22;

/** How much of a wait is drawn: it grows with the logarithm, so that 2 seconds do not push the rest off the page. */
const WAIT_UNIT_MS = 4;
const WAIT_PIXELS = 13;

/** An arrow that falls by more pixels has its label on it, not above it. */
const STEEP = 26;

/** The widths of the page's letters at 12 pixels, on average, with some room. */
const LETTER = 6.3;
const BOLD_LETTER = 7.3;
/** At 11 pixels. */
const SMALL_LETTER = 5.8;

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** A sequence diagram as an inline SVG: our end at the left, the peer's at the right, time runs down. */
export function renderDiagram(
  events: readonly TraceEntry[],
  id: string,
  title: string,
  wire: WireView | null = null,
): string {
  const sequence = sequenceOf(events, wire);
  const rows = placeRows(sequence.marks);
  const height = (rows.at(-1) ?? TOP) + 30;
  const scale = new TimeScale(sequence.marks, rows);
  const parts = [
    lifeline(OURS_X, 'overlapped', height),
    lifeline(PEER_X, 'peer', height),
    ...sequence.bars.map((bar) => renderBar(bar, scale)),
    ...renderArrows(sequence.arrows, scale),
    ...renderMarks(sequence, rows),
  ];
  const names = `aria-labelledby="${id}-title" role="img"`;
  const size = `viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}"`;
  const heading = `<title id="${id}-title">${escapeMarkup(title)}</title>`;
  return `<svg class="sequence" xmlns="http://www.w3.org/2000/svg" ${size} ${names}>${heading}${parts.join('')}</svg>`;
}

/** Each mark has a row of its own, so that no text can lie on another; waits make the rows wider apart. */
function placeRows(marks: readonly Mark[]): number[] {
  const rows: number[] = [];
  let y = TOP;
  marks.forEach((mark, index) => {
    const before = marks[index - 1];
    if (before) y += ROW + WAIT_PIXELS * Math.log2(1 + Math.max(mark.atMs - before.atMs, 0) / WAIT_UNIT_MS);
    rows.push(y);
  });
  return rows;
}

/** From milliseconds to pixels: straight between the rows. */
class TimeScale {
  readonly #times: readonly number[];
  readonly #rows: readonly number[];

  constructor(marks: readonly Mark[], rows: readonly number[]) {
    this.#times = marks.map((mark) => mark.atMs);
    this.#rows = rows;
  }

  y(ms: number): number {
    const after = this.#times.findIndex((time) => time >= ms);
    if (after === -1) return (this.#rows.at(-1) ?? TOP) + 8;
    const [t1 = 0, y1 = TOP] = [this.#times[after], this.#rows[after]];
    if (after === 0) return y1;
    const [t0 = 0, y0 = TOP] = [this.#times[after - 1], this.#rows[after - 1]];
    return t1 === t0 ? y1 : y0 + ((ms - t0) / (t1 - t0)) * (y1 - y0);
  }
}

function lifeline(x: number, name: string, height: number): string {
  const text = `<text class="end" x="${x}" y="20" text-anchor="middle">${name}</text>`;
  return `${text}<line class="life" x1="${x}" y1="30" x2="${x}" y2="${height - 6}"/>`;
}

function barLeft(bar: Bar): number {
  return OURS_X - BAR_WIDTH / 2 - bar.lane * LANE_WIDTH;
}

function renderBar(bar: Bar, scale: TimeScale): string {
  const top = scale.y(bar.startMs);
  const bottom = Math.max(scale.y(bar.endMs), top + 6);
  const x = barLeft(bar);
  const rect = (cssClass: string, y: number, height: number) =>
    `<rect class="${cssClass}" x="${px(x)}" y="${px(y)}" width="${BAR_WIDTH}" height="${px(height)}" rx="3"/>`;
  const left =
    bar.pendingUntilMs > bar.endMs ? rect('left', bottom, Math.max(scale.y(bar.pendingUntilMs) - bottom, 4)) : '';
  return `<g><title>${escapeMarkup(bar.title)}</title>${left}${rect(`bar ${bar.tone}`, top, bottom - top)}</g>`;
}

function renderMarks(sequence: Sequence, rows: readonly number[]): string[] {
  const lanes = Math.max(0, ...sequence.bars.map((bar) => bar.lane));
  const textRight = OURS_X - BAR_WIDTH / 2 - lanes * LANE_WIDTH - TEXT_GAP;
  let lastTime = '';
  return sequence.marks.map((mark, index) => {
    const y = rows[index] ?? TOP;
    if (mark.gap)
      return `<text class="gap" x="${(OURS_X + PEER_X) / 2}" y="${px(y + 4)}" text-anchor="middle">⋮ ${escapeMarkup(mark.text)} ⋮</text>`;
    // The first event is the diagram's zero: what came before is the set-up of the scenario's peer.
    const time = formatTime(mark.atMs - (sequence.marks[0]?.atMs ?? 0));
    const timeText =
      time === lastTime ? '' : `<text class="time" x="${TIME_RIGHT}" y="${px(y + 4)}" text-anchor="end">${time}</text>`;
    lastTime = time;
    return timeText + renderMark(mark, y, textRight);
  });
}

function renderMark(mark: Mark, y: number, textRight: number): string {
  switch (mark.side) {
    case 'ours':
      return oursText(mark, y, textRight);
    case 'peer':
      return peerText(mark, y);
    case 'wire':
      return wireArrow(mark, y);
  }
}

function oursText(mark: Mark, y: number, right: number): string {
  const leader = mark.bar
    ? `<line class="leader" x1="${px(right + 3)}" y1="${px(y)}" x2="${px(barLeft(mark.bar) - 1)}" y2="${px(y)}"/>`
    : '';
  return `${leader}${label(mark, right, y, 'end', right - TIME_RIGHT - 8)}`;
}

function peerText(mark: Mark, y: number): string {
  const dot = `<circle class="dot ${mark.tone}" cx="${PEER_X}" cy="${px(y)}" r="3.5"/>`;
  return `${dot}${label(mark, PEER_X + TEXT_GAP, y, 'start', WIDTH - PEER_X - TEXT_GAP)}`;
}

/** A segment's arrow is level: on one machine it is there when it leaves. */
function wireArrow(mark: Mark, y: number): string {
  const [x1, x2] = mark.from === 'ours' ? [OURS_X + 5, PEER_X - 6] : [PEER_X - 5, OURS_X + 6];
  const letters = Math.floor(
    (PEER_X - OURS_X - 16) / (mark.tone === 'fin' || mark.tone === 'rst' ? LETTER : SMALL_LETTER),
  );
  const clipped = mark.text.length > letters ? `${mark.text.slice(0, letters - 1)}…` : mark.text;
  const title = `<title>${escapeMarkup(`${mark.text}: ${mark.title ?? ''}`)}</title>`;
  const line = `<line x1="${x1}" y1="${px(y)}" x2="${x2}" y2="${px(y)}"/>`;
  const text = `<text class="on ${mark.tone}" x="${(OURS_X + PEER_X) / 2}" y="${px(y - 5)}" text-anchor="middle">${escapeMarkup(clipped)}</text>`;
  return `<g class="arrow ${mark.tone}">${title}${line}${arrowHead(x1, y, x2, y)}</g>${text}`;
}

function label(mark: Mark, x: number, y: number, anchor: 'start' | 'end', room: number): string {
  const bold = mark.tone === 'fin' || mark.tone === 'rst';
  const letters = Math.floor(room / (bold ? BOLD_LETTER : LETTER));
  const clipped = mark.text.length > letters ? `${mark.text.slice(0, letters - 1)}…` : mark.text;
  const title = clipped === mark.text ? '' : `<title>${escapeMarkup(mark.text)}</title>`;
  return `<text class="what ${mark.tone}" x="${px(x)}" y="${px(y + 4)}" text-anchor="${anchor}">${title}${escapeMarkup(clipped)}</text>`;
}

function renderArrows(arrows: readonly Arrow[], scale: TimeScale): string[] {
  const taken: Box[] = [];
  const lines: string[] = [];
  const labels: string[] = [];
  for (const arrow of arrows) {
    const [x1, x2] = arrow.from === 'ours' ? [OURS_X + 5, PEER_X - 6] : [PEER_X - 5, OURS_X + 6];
    const y1 = scale.y(arrow.fromMs);
    const y2 = Math.max(scale.y(arrow.toMs), y1);
    const took = arrow.toMs - arrow.fromMs;
    const title = `<title>${escapeMarkup(arrow.label)}${took > 0 ? `, ${took.toFixed(2)} ms` : ''}</title>`;
    const line = `<line x1="${x1}" y1="${px(y1)}" x2="${x2}" y2="${px(y2)}"/>`;
    lines.push(`<g class="arrow ${arrow.tone}">${title}${line}${arrowHead(x1, y1, x2, y2)}</g>`);
    labels.push(arrowLabel(arrow, x1, y1, x2, y2, taken));
  }
  return [...lines, ...labels];
}

function arrowHead(x1: number, y1: number, x2: number, y2: number): string {
  const length = Math.hypot(x2 - x1, y2 - y1);
  const [ux, uy] = [(x2 - x1) / length, (y2 - y1) / length];
  const corner = (side: number) => `${px(x2 - 8 * ux + side * 4 * uy)},${px(y2 - 8 * uy - side * 4 * ux)}`;
  return `<polygon points="${px(x2)},${px(y2)} ${corner(1)} ${corner(-1)}"/>`;
}

/** The first place along the arrow that no other label has; without one the arrow's title must do. */
function arrowLabel(arrow: Arrow, x1: number, y1: number, x2: number, y2: number, taken: Box[]): string {
  const half = (arrow.label.length * LETTER) / 2 + 2;
  for (const part of [0.5, 0.36, 0.64, 0.25, 0.75]) {
    const x = x1 + (x2 - x1) * part;
    // Above an arrow that is nearly level; on a steep one, which would run through it otherwise.
    const y = y1 + (y2 - y1) * part + (y2 - y1 > STEEP ? 4 : -5);
    const box = { left: x - half, right: x + half, top: y - 10, bottom: y + 2 };
    if (taken.some((other) => overlap(other, box))) continue;
    taken.push(box);
    return `<text class="on ${arrow.tone}" x="${px(x)}" y="${px(y)}" text-anchor="middle">${escapeMarkup(arrow.label)}</text>`;
  }
  return '';
}

function overlap(one: Box, other: Box): boolean {
  return one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
}

function formatTime(ms: number): string {
  return ms < 1000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}
