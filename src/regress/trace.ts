import { nowMs } from './clock.js';
import { codeOf } from './expectations.js';
import type { PeerEvent, PeerEventKind } from './peer-protocol.js';
import type { CloseClaim } from './wire/claims.js';

/** How an operation of ours ended; `pending`: it had not when the scenario was over. */
export type OperationOutcome = 'done' | 'timedOut' | 'cancelled' | 'aborted' | 'failed' | 'pending';

/** An operation at our end. Times are milliseconds since the scenario began. */
export interface OperationEntry {
  readonly end: 'ours';
  /** Which socket: 'A', 'B', … */
  readonly socket: string;
  readonly verb: string;
  /** Arguments, for people: `timeoutMs 50`. */
  readonly detail: string;
  readonly startMs: number;
  endMs: number;
  outcome: OperationOutcome;
  code: string;
  bytes: number;
  /** A close: what it says it sent to the peer. */
  sent: string;
  /** The promise failed but the IO stayed pending, until this time. 0: it did not. */
  pendingUntilMs: number;
}

/** An event at the peer's end. */
export interface PeerEntry {
  readonly end: 'peer';
  socket: string;
  readonly kind: PeerEventKind;
  readonly atMs: number;
  /** A send, and a connect of the peer's: when it was called. */
  readonly sinceMs: number;
  bytes: number;
  readonly code: string;
  /** Data, datagrams and sends: how many in a row were taken together, and until when. */
  reads: number;
  untilMs: number;
}

/** A connection of ours, by which its segments are known on the wire. */
export interface NamedConnection {
  readonly name: string;
  readonly ourPort: number;
  readonly peerPort: number;
}

export type TraceEntry = OperationEntry | PeerEntry;

/** Entries kept of one scenario; those with thousands of operations are not for a diagram. */
const MAX_ENTRIES = 400;

/** Events that are taken together when they follow each other at once. */
const TOGETHER: ReadonlySet<PeerEventKind> = new Set(['data', 'datagram', 'sent']);
const TOGETHER_MS = 1;

/** Records what happened at both ends, on one clock. */
export class Trace {
  readonly startedAtMs = nowMs();
  readonly entries: TraceEntry[] = [];
  /** Entries that were left out. */
  dropped = 0;
  readonly connections: NamedConnection[] = [];
  /** What closes of ours say that they sent, in the order in which they ended. */
  readonly claims: CloseClaim[] = [];
  readonly #names = new Map<number, string>();
  /** Events of connections that have no name yet: the peer may accept before our connect has ended. */
  readonly #unnamed = new Map<number, PeerEntry[]>();

  /** What the peer's connection number is called in reports. */
  name(connection: number, name: string): void {
    this.#names.set(connection, name);
    for (const entry of this.#unnamed.get(connection) ?? []) entry.socket = name;
    this.#unnamed.delete(connection);
  }

  /** Which ports a connection has; 0 where it has none. */
  connection(name: string, ourPort: number, peerPort: number): void {
    this.connections.push({ name, ourPort, peerPort });
  }

  /** What a close of ours says: to be held against the wire. */
  closed(socket: string, verb: string, sent: string): void {
    const connection = this.connections.findLast(({ name }) => name === socket);
    if (connection === undefined || (sent !== 'FIN' && sent !== 'RST')) return;
    const { ourPort, peerPort } = connection;
    if (peerPort !== 0) this.claims.push({ socket, verb, sent, ourPort, peerPort });
  }

  now(): number {
    return nowMs() - this.startedAtMs;
  }

  /** Records an operation from its call to its end. */
  operation<T>(socket: string, verb: string, detail: string, run: () => Promise<T>): Promise<T> {
    return this.record(socket, verb, detail, run).promise;
  }

  record<T>(socket: string, verb: string, detail: string, run: () => Promise<T>) {
    const startMs = this.now();
    const entry: OperationEntry = {
      end: 'ours',
      socket,
      verb,
      detail,
      startMs,
      endMs: startMs,
      outcome: 'pending',
      code: '',
      bytes: 0,
      sent: '',
      pendingUntilMs: 0,
    };
    this.#push(entry);
    const promise = run();
    promise.then(
      (value) => this.#done(entry, value),
      (error: Error) => this.#failed(entry, error),
    );
    return { entry, promise };
  }

  peerEvent(event: PeerEvent): void {
    const atMs = event.atMs - this.startedAtMs;
    const name = this.#names.get(event.connection);
    const before = this.#continued(event, name, atMs);
    if (before !== undefined) {
      before.bytes += event.bytes;
      before.reads++;
      before.untilMs = atMs;
      return;
    }
    const entry: PeerEntry = {
      end: 'peer',
      socket: name ?? '',
      kind: event.kind,
      atMs,
      sinceMs: event.sinceMs - this.startedAtMs,
      bytes: event.bytes,
      code: event.code,
      reads: TOGETHER.has(event.kind) ? 1 : 0,
      untilMs: atMs,
    };
    this.#push(entry);
    if (name !== undefined) return;
    const unnamed = this.#unnamed.get(event.connection) ?? [];
    unnamed.push(entry);
    this.#unnamed.set(event.connection, unnamed);
  }

  /** The entry that this event only makes longer: of the same kind and connection, and next to it in time. */
  #continued(event: PeerEvent, name: string | undefined, atMs: number): PeerEntry | undefined {
    if (!TOGETHER.has(event.kind)) return undefined;
    const own = event.kind === 'sent';
    const last = own ? this.entries.at(-1) : this.entries.findLast((entry) => entry.end === 'peer');
    if (last?.end !== 'peer' || last.kind !== event.kind || last.socket !== name) return undefined;
    return atMs - last.untilMs < TOGETHER_MS ? last : undefined;
  }

  #push(entry: TraceEntry): void {
    if (this.entries.length < MAX_ENTRIES) this.entries.push(entry);
    else this.dropped++;
  }

  #done(entry: OperationEntry, value: unknown): void {
    entry.endMs = this.now();
    entry.outcome = 'done';
    if (typeof value === 'number') entry.bytes = value;
    if (value instanceof Uint8Array) entry.bytes = value.length;
    if (typeof value === 'object' && value !== null && 'sent' in value) entry.sent = String(value.sent);
  }

  #failed(entry: OperationEntry, error: Error): void {
    entry.endMs = this.now();
    entry.code = codeOf(error);
    entry.outcome = outcomeOf(entry.code);
    const { bytesTransferred } = error as { bytesTransferred?: unknown };
    if (typeof bytesTransferred === 'number') entry.bytes = bytesTransferred;
  }
}

function outcomeOf(code: string): OperationOutcome {
  switch (code) {
    case 'ETIMEDOUT':
      return 'timedOut';
    case 'ABORT_ERR':
      return 'cancelled';
    case 'ECANCELED':
      return 'aborted';
    default:
      return 'failed';
  }
}

/** What the peer saw, counted. */
export interface PeerView {
  /** Ends of the stream. */
  readonly fin: number;
  readonly rst: number;
  readonly dataBytes: number;
  readonly datagrams: number;
  /** Codes of the peer's sends that failed. */
  readonly failedSends: readonly string[];
}

export function peerView(events: readonly PeerEvent[]): PeerView {
  const of = (...kinds: readonly PeerEventKind[]) => events.filter((event) => kinds.includes(event.kind));
  const failedSends = of('sendFailed').map((event) => event.code);
  return {
    fin: of('fin').length,
    // A peer that does not read learns of the RST from its send.
    rst: new Set(
      [...of('rst'), ...of('sendFailed').filter((event) => event.code === 'ECONNRESET')].map((e) => e.connection),
    ).size,
    dataBytes: of('data', 'datagram').reduce((total, event) => total + event.bytes, 0),
    datagrams: of('datagram').length,
    failedSends,
  };
}

/** `FIN, 12 B`: the peer's view in a table's cell. */
export function describePeerView(view: PeerView): string {
  const times = (count: number, word: string) => (count === 0 ? [] : [count === 1 ? word : `${word} ×${count}`]);
  const what = [...times(view.fin, 'FIN'), ...times(view.rst, 'RST')];
  if (view.datagrams > 0) what.push(`${view.datagrams} ${view.datagrams === 1 ? 'datagram' : 'datagrams'}`);
  else if (view.dataBytes > 0) what.push(formatBytes(view.dataBytes));
  return what.length > 0 ? what.join(', ') : '-';
}

export function formatBytes(bytes: number): string {
  if (bytes < 10_000) return `${bytes} B`;
  if (bytes < 2 ** 20) return `${(bytes / 1024).toFixed(0)} KiB`;
  return `${Number((bytes / 2 ** 20).toFixed(1))} MiB`;
}
