import { formatBytes, type OperationEntry, type PeerEntry, type TraceEntry } from '../trace.js';
import type { WireView } from '../wire/view.js';
import { wireMarks } from './wire-marks.js';

/** What a sequence diagram shows, before it has a shape: marks on two lifelines, bars on ours, arrows between. */
export interface Sequence {
  /** In the order of time. */
  readonly marks: readonly Mark[];
  readonly bars: readonly Bar[];
  readonly arrows: readonly Arrow[];
  /** Marks left out because there are too many. */
  readonly omitted: number;
}

export type Side = 'ours' | 'peer';
export type Tone = 'plain' | 'good' | 'warn' | 'bad' | 'data' | 'fin' | 'rst';

/** Something with a time and a line of text of its own. */
export interface Mark {
  readonly side: Side | 'wire';
  readonly atMs: number;
  readonly text: string;
  readonly tone: Tone;
  /** The bar that begins or ends here. */
  readonly bar: Bar | null;
  /** Where in the sequence some were left out. */
  readonly gap: boolean;
  /** On the wire: who sent it, which is where its arrow begins. */
  readonly from?: Side;
  /** What there is no room for in the text. */
  readonly title?: string;
}

/** An operation of ours, while it is pending. */
export interface Bar {
  readonly startMs: number;
  readonly endMs: number;
  /** The IO went on after the promise had failed, until then; otherwise `endMs`. */
  readonly pendingUntilMs: number;
  readonly tone: Tone;
  readonly title: string;
  /** Overlapping bars lie side by side. */
  readonly lane: number;
}

export interface Arrow {
  readonly from: Side;
  readonly fromMs: number;
  readonly toMs: number;
  readonly label: string;
  readonly tone: Tone;
}

const MAX_MARKS = 42;
const MARKS_AT_THE_END = 12;

/** An operation that is over so quickly, with nothing in between, is one line of text. */
const INSTANT_MS = 0.25;

type MutableBar = { -readonly [K in keyof Bar]: Bar[K] };

/** The arrows are the segments that were on the wire; where nothing was captured, what both ends make one infer. */
export function sequenceOf(events: readonly TraceEntry[], wire: WireView | null = null): Sequence {
  const operations = events.filter((event): event is OperationEntry => event.end === 'ours');
  const seen = events.filter((event): event is PeerEntry => event.end === 'peer');
  const peers = seen.filter((event) => isWorthShowing(event, seen));
  const names = new Set(events.map((event) => event.socket));
  const prefix = (socket: string) => (names.size > 1 && socket !== '' ? `${socket}: ` : '');
  const bars = operations.map(barOf);
  layLanes(bars);
  const all = [
    ...operations.flatMap((operation, index) =>
      operationMarks(operation, bars[index] as Bar, prefix(operation.socket), peers),
    ),
    ...peers.map((peer) => peerMark(peer, prefix(peer.socket))),
    ...(wire === null ? [] : wireMarks(wire, prefix)),
  ].sort((one, other) => one.atMs - other.atMs);
  const inferred = () => [
    ...peers.flatMap((peer) => arrowOf(peer, operations, peers)),
    ...acceptArrows(operations, peers),
  ];
  const arrows = wire === null ? inferred() : [];
  return abridge(all, bars, arrows);
}

/** A close follows from what came before it, and a RST that a send has reported is reported once more as an error. */
function isWorthShowing(event: PeerEntry, seen: readonly PeerEntry[]): boolean {
  if (event.kind === 'closed') return false;
  const told = (other: PeerEntry) =>
    other.kind === 'sendFailed' &&
    other.code === event.code &&
    other.socket === event.socket &&
    other.atMs <= event.atMs;
  return event.kind !== 'rst' || !seen.some(told);
}

/** Keeps the beginning and the end of what is too long to be looked at. */
function abridge(all: readonly Mark[], bars: readonly Bar[], arrows: readonly Arrow[]): Sequence {
  const omitted = all.length - MAX_MARKS;
  if (omitted <= 0) return { marks: all, bars, arrows, omitted: 0 };
  const head = all.slice(0, MAX_MARKS - MARKS_AT_THE_END);
  const tail = all.slice(-MARKS_AT_THE_END);
  const hiddenFromMs = head.at(-1)?.atMs ?? 0;
  const hiddenToMs = tail[0]?.atMs ?? 0;
  const text = `${omitted} more events`;
  const gap: Mark = { side: 'ours', atMs: (hiddenFromMs + hiddenToMs) / 2, text, tone: 'plain', bar: null, gap: true };
  const shown = (ms: number) => ms <= hiddenFromMs || ms >= hiddenToMs;
  return {
    marks: [...head, gap, ...tail],
    bars: bars.filter((bar) => shown(bar.startMs) && shown(bar.pendingUntilMs)),
    arrows: arrows.filter((arrow) => shown(arrow.fromMs) && shown(arrow.toMs)),
    omitted,
  };
}

function barOf(operation: OperationEntry): MutableBar {
  const { startMs, endMs, pendingUntilMs, outcome } = operation;
  const tone: Tone = outcome === 'done' ? 'good' : outcome === 'timedOut' ? 'warn' : 'bad';
  const detail = operation.detail === '' ? '' : ` (${operation.detail})`;
  const title = `${operation.socket} ${operation.verb}${detail}: ${describeEnd(operation)} after ${(endMs - startMs).toFixed(1)} ms`;
  return { startMs, endMs, pendingUntilMs: Math.max(endMs, pendingUntilMs), tone, title, lane: 0 };
}

/** Gives bars that overlap in time lanes of their own. */
function layLanes(bars: readonly MutableBar[]): void {
  const freeFrom: number[] = [];
  for (const bar of [...bars].sort((one, other) => one.startMs - other.startMs)) {
    const lane = freeFrom.findIndex((ms) => ms <= bar.startMs);
    bar.lane = lane === -1 ? freeFrom.length : lane;
    freeFrom[bar.lane] = bar.pendingUntilMs;
  }
}

function operationMarks(operation: OperationEntry, bar: Bar, prefix: string, peers: readonly PeerEntry[]): Mark[] {
  const { startMs, endMs } = operation;
  const detail = operation.detail === '' ? '' : `, ${operation.detail}`;
  const begin = `${prefix}${operation.verb}${detail}`;
  const end = describeEnd(operation);
  const base = { side: 'ours' as const, bar, gap: false };
  const between = peers.some((peer) => peer.atMs >= startMs && peer.atMs <= endMs);
  if (endMs - startMs < INSTANT_MS && !between) {
    const plainly = end === 'done' || (operation.outcome === 'done' && SENDING.has(operation.verb));
    const text = plainly ? begin : `${begin}: ${end.replace(/^done(?:: |, )/, '')}`;
    return [{ ...base, atMs: startMs, text, tone: bar.tone === 'good' ? 'plain' : bar.tone }];
  }
  const marks: Mark[] = [{ ...base, atMs: startMs, text: begin, tone: 'plain' }];
  if (operation.outcome !== 'pending') {
    const text = `${prefix}${bare(operation.verb)} ${end}`;
    marks.push({ ...base, atMs: endMs, text, tone: bar.tone === 'good' ? 'plain' : bar.tone });
  }
  return marks;
}

/** A call's name without its parentheses. */
function bare(verb: string): string {
  return verb.replace('()', '');
}

function describeEnd(operation: OperationEntry): string {
  const { outcome, code, bytes, sent, pendingUntilMs, verb } = operation;
  const moved = bytes === 0 ? '' : verb.endsWith('Batch') ? `, ${bytes} datagrams` : `, ${formatBytes(bytes)}`;
  switch (outcome) {
    case 'done':
      if (sent !== '') return sent === 'none' ? 'done' : `done: ${sent}`;
      if (verb === 'recv' && bytes === 0) return 'done: end of stream';
      return `done${moved}`;
    case 'timedOut':
      return `timed out${pendingUntilMs > 0 ? ', left pending' : moved}`;
    case 'cancelled':
      return `cancelled${moved}`;
    case 'aborted':
      return `aborted${moved}`;
    case 'failed':
      return `failed: ${code}`;
    case 'pending':
      return 'still pending';
  }
}

function peerMark(peer: PeerEntry, prefix: string): Mark {
  const [text, tone] = describePeer(peer);
  return { side: 'peer', atMs: beganMs(peer), text: `${prefix}${text}`, tone, bar: null, gap: false };
}

/** What the peer itself did is shown when it began, what it saw when it saw it. */
function beganMs(peer: PeerEntry): number {
  return peer.kind === 'sent' || peer.kind === 'sendFailed' || peer.kind === 'connected' ? peer.sinceMs : peer.atMs;
}

function describePeer(peer: PeerEntry): [text: string, tone: Tone] {
  const bytes = formatBytes(peer.bytes);
  switch (peer.kind) {
    case 'connected':
      return [peer.sinceMs < peer.atMs ? 'connect()' : 'connected', 'plain'];
    case 'data':
      return [`got ${bytes}${peer.reads > 1 ? ` in ${peer.reads} reads` : ''}`, 'plain'];
    case 'datagram':
      return [peer.reads > 1 ? `got ${peer.reads} datagrams, ${bytes}` : `got a datagram of ${bytes}`, 'plain'];
    case 'fin':
      return ['end of stream (FIN)', 'fin'];
    case 'rst':
      return [`${peer.code} (RST)`, 'rst'];
    case 'sent':
      return [
        peer.reads > 1 ? `${peer.reads} sends of ${bytes} in all succeeded` : `send of ${bytes} succeeded`,
        'plain',
      ];
    case 'sendFailed':
      return [`send of ${bytes} failed: ${peer.code}`, 'rst'];
    case 'ended':
      return ['end()', 'plain'];
    case 'reset':
      return ['resetAndDestroy()', 'plain'];
    case 'error':
      return [`error ${peer.code}`, 'bad'];
    case 'closed':
      return ['closed', 'plain'];
  }
}

const CLOSING: ReadonlySet<string> = new Set(['close()', 'abort()', 'closesocket()', 'shutdown']);
const SENDING: ReadonlySet<string> = new Set(['send', 'sendTo', 'sendBatch']);

/** What went over the wire for the peer to see or say this. */
function arrowOf(peer: PeerEntry, operations: readonly OperationEntry[], peers: readonly PeerEntry[]): Arrow[] {
  const own = operations.filter((operation) => operation.socket === peer.socket);
  const cause = (verbs: ReadonlySet<string>) =>
    own.findLast((operation) => verbs.has(operation.verb) && operation.startMs <= peer.atMs);
  // Bytes come from the first send since the peer last got some; a longer send goes on without a new beginning.
  const arrived = (label: string, tone: Tone, verbs: ReadonlySet<string>): Arrow[] => {
    const before = peers.findLast(
      (other) => other.kind === peer.kind && other.socket === peer.socket && other.atMs < peer.atMs,
    );
    const sinceMs = before?.untilMs ?? 0;
    const from = own.find(
      (operation) => verbs.has(operation.verb) && operation.startMs >= sinceMs && operation.startMs <= peer.atMs,
    );
    return [{ from: 'ours', fromMs: from?.startMs ?? peer.atMs, toMs: peer.atMs, label, tone }];
  };
  // A FIN follows the last byte: it leaves when the sends before it are through.
  const ending = (label: string, tone: Tone): Arrow[] => {
    const from = cause(CLOSING);
    const sends = own.filter((operation) => SENDING.has(operation.verb) && operation.endMs <= peer.atMs);
    const fromMs = from ? Math.max(from.startMs, ...sends.map((send) => send.endMs)) : peer.atMs;
    return [{ from: 'ours', fromMs: Math.min(fromMs, beganMs(peer)), toMs: beganMs(peer), label, tone }];
  };
  switch (peer.kind) {
    case 'connected':
      if (own.some((operation) => operation.verb === 'accept')) return [];
      if (peer.sinceMs < peer.atMs) return [toOurs(peer, [], 'connect', 'plain', () => false)];
      return arrived('connect', 'plain', new Set(['connect']));
    case 'data':
    case 'datagram':
      return arrived(formatBytes(peer.bytes), 'data', SENDING);
    case 'fin':
      return ending('FIN', 'fin');
    case 'rst':
      return ending('RST', 'rst');
    case 'sendFailed':
      return peer.code === 'ECONNRESET' ? ending('RST', 'rst') : [];
    case 'sent':
      return [
        toOurs(
          peer,
          own,
          formatBytes(peer.bytes),
          'data',
          (operation) => operation.bytes > 0 && operation.verb.startsWith('recv'),
        ),
      ];
    case 'ended':
      return [toOurs(peer, own, 'FIN', 'fin', (operation) => operation.bytes === 0 && operation.verb === 'recv')];
    case 'reset':
      return [toOurs(peer, own, 'RST', 'rst', (operation) => operation.code === 'ECONNRESET')];
    case 'closed':
    case 'error':
      return [];
  }
}

/** The peer's doing ends at the first operation of ours that ended with it; where none did, at our lifeline. */
function toOurs(
  peer: PeerEntry,
  own: readonly OperationEntry[],
  label: string,
  tone: Tone,
  isIt: (operation: OperationEntry) => boolean,
): Arrow {
  const ended = (operation: OperationEntry) => operation.outcome === 'done' || operation.outcome === 'failed';
  const receiver = own.find((operation) => ended(operation) && operation.endMs >= beganMs(peer) && isIt(operation));
  const fromMs = beganMs(peer);
  return { from: 'peer', fromMs, toMs: Math.max(receiver?.endMs ?? fromMs, fromMs), label, tone };
}

function acceptArrows(operations: readonly OperationEntry[], peers: readonly PeerEntry[]): Arrow[] {
  return operations.flatMap((operation): Arrow[] => {
    const from = peers.find((peer) => peer.kind === 'connected' && peer.socket === operation.socket);
    if (operation.verb !== 'accept' || operation.outcome !== 'done' || from === undefined) return [];
    const fromMs = Math.min(beganMs(from), operation.endMs);
    return [{ from: 'peer', fromMs, toMs: operation.endMs, label: 'connect', tone: 'plain' }];
  });
}
