import type { WireTrace } from './capture.js';
import type { WireScope, WireSide } from './scope.js';
import type { Segment, TcpFlag } from './segment.js';

/** Segments that went one way. */
export interface WireCount {
  readonly segments: number;
  readonly payloadBytes: number;
  readonly fin: number;
  readonly rst: number;
}

/** A segment, or several in a row that only carry on a stream. Times are milliseconds since the scenario began. */
export interface WireEntry {
  readonly from: WireSide;
  /** Which connection: 'A', 'B', …; '' where it has no name. */
  readonly socket: string;
  readonly protocol: 'TCP' | 'UDP';
  readonly atMs: number;
  untilMs: number;
  readonly flags: readonly TcpFlag[];
  /** From the SYN's own number on, which is 0. */
  readonly sequence: number;
  payloadBytes: number;
  /** How many segments these are. */
  segments: number;
  /** How many of them had been on the wire before. */
  retransmitted: number;
}

/** What was on the wire in a scenario. */
export interface WireView {
  /** Sent by our end, and by the peer's. */
  readonly ours: WireCount;
  readonly peer: WireCount;
  /** Segments that the capture lost: it may be wrong about what is not there. */
  readonly dropped: number;
  /** Closes whose result agrees with the wire. */
  readonly claims: number;
  /** In the order of the wire, without acknowledgements that carry nothing. */
  readonly entries: readonly WireEntry[];
  /** Acknowledgements that carry nothing, which `entries` leaves out. */
  readonly bareAcks: number;
  /** Segments that `entries` leaves out because there are too many. */
  readonly leftOut: number;
}

/** Entries that are kept; SYN, FIN and RST have as much room again, for they tell the most. */
const MAX_ENTRIES = 100;

/** A run of data is taken together where the next follows so soon. */
const TOGETHER_MS = 50;

const TWO_32 = 2 ** 32;

export function wireView(trace: WireTrace, scope: WireScope, startedAtMs: number, claims: number): WireView {
  const counts = { ours: emptyCount(), peer: emptyCount() };
  const entries = new Entries(startedAtMs);
  for (const segment of trace.segments) {
    const from = scope.sender(segment);
    if (from === null) continue;
    const count = counts[from];
    count.segments++;
    count.payloadBytes += segment.payloadBytes;
    if (segment.flags.includes('FIN')) count.fin++;
    if (segment.flags.includes('RST')) count.rst++;
    entries.add(segment, from, scope.nameOf(segment, from));
  }
  const { bareAcks, leftOut, kept } = entries;
  return { ...counts, dropped: trace.dropped, claims, entries: kept, bareAcks, leftOut };
}

function emptyCount(): { -readonly [K in keyof WireCount]: WireCount[K] } {
  return { segments: 0, payloadBytes: 0, fin: 0, rst: 0 };
}

/** Where one direction of a connection stands. */
interface Flow {
  /** The sequence number that is shown as 0. */
  first: number;
  /** The relative number that the next new byte has. */
  next: number;
  /** The entry that further data makes longer. */
  run: WireEntry | null;
}

/** Folds segments into entries, one after the other. */
class Entries {
  readonly kept: WireEntry[] = [];
  bareAcks = 0;
  leftOut = 0;
  readonly #startedAtMs: number;
  readonly #flows = new Map<string, Flow>();
  #control = 0;
  #data = 0;

  constructor(startedAtMs: number) {
    this.#startedAtMs = startedAtMs;
  }

  add(segment: Segment, from: WireSide, socket: string): void {
    const control = segment.flags.some((flag) => flag === 'SYN' || flag === 'FIN' || flag === 'RST');
    if (segment.protocol === 'TCP' && !control && segment.payloadBytes === 0) {
      this.bareAcks++;
      return;
    }
    const flow = this.#flow(segment);
    const { sequence, again } = advance(flow, segment);
    if (!control && this.#continues(flow, segment, again)) return;
    // What the other end sends in between ends the run: the order of the two must be seen.
    const reverse = this.#flows.get(flowKey(segment, true));
    if (reverse) reverse.run = null;
    flow.run = null;
    if (control ? this.#control >= MAX_ENTRIES : this.#data >= MAX_ENTRIES) {
      this.leftOut++;
      return;
    }
    if (control) this.#control++;
    else this.#data++;
    const entry: WireEntry = {
      from,
      socket,
      protocol: segment.protocol,
      atMs: segment.atMs - this.#startedAtMs,
      untilMs: segment.atMs - this.#startedAtMs,
      flags: segment.flags,
      sequence,
      payloadBytes: segment.payloadBytes,
      segments: 1,
      retransmitted: again ? 1 : 0,
    };
    this.kept.push(entry);
    if (!control) flow.run = entry;
  }

  /** Makes the run longer that the segment carries on. */
  #continues(flow: Flow, segment: Segment, again: boolean): boolean {
    const { run } = flow;
    const atMs = segment.atMs - this.#startedAtMs;
    if (run === null || atMs - run.untilMs > TOGETHER_MS) return false;
    run.untilMs = atMs;
    run.payloadBytes += segment.payloadBytes;
    run.segments++;
    if (again) run.retransmitted++;
    return true;
  }

  #flow(segment: Segment): Flow {
    const key = flowKey(segment, false);
    const known = this.#flows.get(key);
    const first = segment.sequence;
    // A SYN with another number begins another connection on the same ports.
    if (known !== undefined && !(segment.flags.includes('SYN') && known.first !== first)) return known;
    // Without its SYN a stream begins at 1, as it would behind one. A RST that refuses a SYN has a stream of zeros.
    const began =
      segment.flags.includes('SYN') || segment.flags.includes('RST') ? first : (first + TWO_32 - 1) % TWO_32;
    const flow: Flow = { first: began, next: 0, run: null };
    this.#flows.set(key, flow);
    return flow;
  }
}

/** Moves the flow on by a segment; says its relative number, and whether all of it had been there before. */
function advance(flow: Flow, segment: Segment): { sequence: number; again: boolean } {
  if (segment.protocol === 'UDP') return { sequence: 0, again: false };
  const sequence = (segment.sequence - flow.first + TWO_32) % TWO_32;
  const counted = (flag: TcpFlag) => (segment.flags.includes(flag) ? 1 : 0);
  // SYN and FIN take a number of their own: RFC 9293 section 3.4.
  const length = segment.payloadBytes + counted('SYN') + counted('FIN');
  const end = (sequence + length) % TWO_32;
  // Differences below half of the space are forwards.
  const ahead = (end - flow.next + TWO_32) % TWO_32;
  const isNew = ahead > 0 && ahead < TWO_32 / 2;
  if (isNew) flow.next = end;
  return { sequence, again: length > 0 && !isNew };
}

function flowKey({ source, destination }: Segment, reversed: boolean): string {
  const [from, to] = reversed ? [destination, source] : [source, destination];
  return `${from.port} ${to.port}`;
}
