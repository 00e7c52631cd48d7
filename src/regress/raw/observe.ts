import { nowMs } from '../clock.js';
import { pattern } from '../pattern.js';
import type { BareConnection, BarePlatform, CellWay, PlainSocket, UnreadWay } from './bare-platform.js';
import type { Ending, OperationOutcome, PeerOutcome, RunOutcome } from './cell.js';
import { ARRIVE_MS, OBSERVE_MS, REAP_MS, UNREAD_BYTES } from './limits.js';
import { type Cell, STEPS, type Step } from './matrix.js';
import { becomesTrue } from './pause.js';
import type { WireWatch } from './wire-watch.js';

/** The state that a cell is about did not come about, so its close says nothing. */
export class NotReached extends Error {
  override name = 'NotReached';
}

type Way = Extract<CellWay, { applicable: true }>;

const LAST_WORDS = new TextEncoder().encode('done!');

/**
 * Runs a cell once: brings the socket into the cell's state, sees that it is in it, closes it step by step, and looks
 * at what the peer and the pending requests get of it. Throws NotReached, and BareError.
 */
export async function runCell(
  platform: BarePlatform,
  cell: Cell,
  way: Way,
  wire: WireWatch | null,
  keepPackets: ((pcap: Uint8Array) => void) | null = null,
): Promise<RunOutcome> {
  const connection = platform.open();
  try {
    enterState(connection, cell, way.unread);
    const watched = wire === null ? null : await wire.begin(connection.localPort);
    const beganMs = nowMs();
    const ends = new Map<number, OperationOutcome['ended']>();
    for (const step of stepsOf(cell, way.unread)) {
      takeStep(connection, step);
      if (step === 'reap') noteEnds(connection, ends, 'cancel');
    }
    connection.reap(0);
    noteEnds(connection, ends, 'close');
    const seen = watchPeer(connection.peer, beganMs);
    connection.reap(Math.max(beganMs + OBSERVE_MS - nowMs(), 0));
    noteEnds(connection, ends, 'later');
    const { sends } = connection;
    // Read before the peer's last words, which complete what is still pending.
    const operations = connection
      .outcomes()
      .map(({ over: _, ...operation }, index) => ({ ...operation, ended: ends.get(index) ?? ('never' as const) }));
    const onTheWire = watched === null ? null : await watched.end(keepPackets !== null);
    if (onTheWire?.pcap) keepPackets?.(onTheWire.pcap);
    const peer = { ...seen, lastSend: connection.peer.send(LAST_WORDS) };
    return { peer, wire: onTheWire?.outcome ?? null, operations, sends };
  } finally {
    connection.destroy();
  }
}

/** What `stepsOf` puts between the platform's own steps: unread bytes that come late. */
type CellStep = Step | 'arrive';

/** The steps of the close; bytes that come after the cancel come when everything cancelled is over. */
function stepsOf({ close }: Cell, unread: UnreadWay | null): readonly CellStep[] {
  const steps = STEPS[close];
  if (unread !== 'after-cancel') return steps;
  const at = steps.indexOf('close');
  return [...steps.slice(0, at), 'arrive', ...steps.slice(at)];
}

function enterState(connection: BareConnection, { pending }: Cell, unread: UnreadWay | null): void {
  if (unread === 'low-water') connection.setLowWater(UNREAD_BYTES + 1);
  // A send that is pending may go on when a segment of the peer's comes: its bytes come first.
  if (pending === 'send' && unread === 'before') arrive(connection);
  if (pending !== 'none') connection.post(pending);
  // Before the bytes come: a receive that had not begun to wait would just take them.
  expectPending(connection);
  if (pending !== 'send' && (unread === 'before' || unread === 'low-water')) arrive(connection);
  expectPending(connection);
  const bytes = connection.unreadBytes();
  const expected = unread === null || unread === 'after-cancel' ? 0 : UNREAD_BYTES;
  if (bytes !== expected) throw new NotReached(`${bytes} bytes are unread instead of ${expected}`);
}

function expectPending(connection: BareConnection): void {
  const problem = connection.pendingProblem();
  if (problem !== '') throw new NotReached(problem);
}

/** Bytes of the peer's come, and stay unread. */
function arrive(connection: BareConnection): void {
  const failed = connection.peer.send(pattern(UNREAD_BYTES));
  if (failed !== '') throw new NotReached(`the peer could not send: ${failed}`);
  // No event announces bytes below the low-water mark.
  if (becomesTrue(ARRIVE_MS, () => connection.unreadBytes() === UNREAD_BYTES)) return;
  throw new NotReached(`${connection.unreadBytes()} of the peer's ${UNREAD_BYTES} bytes are unread`);
}

function takeStep(connection: BareConnection, step: CellStep): void {
  switch (step) {
    case 'shutdown':
      return connection.shutdownSend();
    case 'cancel':
      return connection.cancel();
    case 'reap':
      if (connection.reap(REAP_MS)) return;
      throw new NotReached(`what was cancelled did not complete within ${REAP_MS} ms`);
    case 'linger':
      return connection.lingerZero();
    case 'close':
    case 'op-close':
      return connection.close(step);
    case 'arrive':
      return arrive(connection);
  }
}

function noteEnds(
  connection: BareConnection,
  ends: Map<number, OperationOutcome['ended']>,
  ended: OperationOutcome['ended'],
): void {
  for (const [index, { over }] of connection.outcomes().entries()) {
    if (over && !ends.has(index)) ends.set(index, ended);
  }
}

/** The peer reads to the end, or as long as it may take. */
function watchPeer(peer: PlainSocket, beganMs: number): Omit<PeerOutcome, 'lastSend'> {
  const untilMs = beganMs + OBSERVE_MS;
  let bytes = 0;
  const seen = (ending: Ending, code = '') => ({ ending, code, afterMs: nowMs() - beganMs, bytes });
  for (;;) {
    const got = peer.recv();
    if (got === 0) return seen('FIN');
    if (typeof got === 'string') return seen(isReset(got) ? 'RST' : 'error', got);
    if (got !== null) bytes += got;
    const leftMs = untilMs - nowMs();
    if (leftMs <= 0) return seen('nothing');
    if (got === null) peer.waitReadable(leftMs);
  }
}

function isReset(code: string): boolean {
  return code === 'ECONNRESET' || code === 'WSAECONNRESET';
}
