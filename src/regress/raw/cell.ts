import type { CloseWay, Pending, Unread } from './matrix.js';

/** How the connection ended for the peer, who reads to the end. `nothing`: neither FIN nor RST within the bound. */
export type Ending = 'FIN' | 'RST' | 'nothing' | 'error';

/** What the peer saw with plain, non-blocking calls. */
export interface PeerOutcome {
  readonly ending: Ending;
  /** The code of `RST` and of `error`, as the peer's platform names it; otherwise ''. */
  readonly code: string;
  /** From the first step of the close on; of `nothing`, how long was waited. */
  readonly afterMs: number;
  readonly bytes: number;
  /** What its last send, made after it saw the end, came to: '' where the system took it, otherwise the code. */
  readonly lastSend: string;
}

/** What our end put on the wire after the first step of the close, and before the peer's last send. */
export interface WireOutcome {
  /** FIN and RST in the order in which they went: `FIN`, `RST`, `FIN RST`, or '' for neither. */
  readonly order: string;
  /** When the first of them went, from just before the first step of the close on; null where neither did. */
  readonly afterMs: number | null;
}

/** How a request that was pending at the close ended. */
export interface OperationOutcome {
  /** The call, as the platform names it. */
  readonly call: string;
  /** `cancel`: before the handle was closed. `close`: once the close had returned. `later`: while the peer was watched. */
  readonly ended: 'cancel' | 'close' | 'later' | 'never';
  /** '' for success; ECANCELED, ERROR_OPERATION_ABORTED; EPOLLHUP where an event is all there is. */
  readonly code: string;
  /** The native number of `code`; 0 for success. */
  readonly nativeCode: number;
  /** On Windows and Wine, of a completion; otherwise null. */
  readonly status: StatusOutcome | null;
  readonly bytes: number;
}

/** An NTSTATUS, and what it becomes for a program that asks GetQueuedCompletionStatus. */
export interface StatusOutcome {
  /** `0xC0000120`. */
  readonly value: string;
  readonly name: string;
  readonly systemError: number;
  readonly systemErrorName: string;
}

/** One run of a cell. */
export interface RunOutcome {
  readonly peer: PeerOutcome;
  /** Null where the wire was not watched. */
  readonly wire: WireOutcome | null;
  readonly operations: readonly OperationOutcome[];
  /** Null where nothing was sent. */
  readonly sends: SendAccount | null;
}

/** What was handed over to be sent, and how much of it the system says that it took: completions, what send gave. */
export interface SendAccount {
  readonly postedBytes: number;
  readonly takenBytes: number;
}

/** Runs of a cell that came out alike; what varies between them is a range. */
export interface Outcome {
  readonly times: number;
  readonly peer: Omit<PeerOutcome, 'afterMs' | 'bytes'> & { readonly afterMs: Range; readonly bytes: Range };
  readonly wire: { readonly order: string; readonly afterMs: Range | null } | null;
  readonly operations: readonly (Omit<OperationOutcome, 'bytes'> & { readonly bytes: Range })[];
  /** Null where nothing was sent. */
  readonly sends: SendsOutcome | null;
}

export interface SendsOutcome {
  /** Whether the peer got everything that was handed over, those requests included that were pending at the close. */
  readonly complete: boolean;
  /** What the peer got, against what the system says that it took. */
  readonly account: 'exact' | 'lost' | 'more';
  readonly postedBytes: Range;
  readonly takenBytes: Range;
}

export type Range = readonly [least: number, most: number];

export interface CellResult {
  readonly pending: Pending;
  readonly close: CloseWay;
  readonly unread: Unread;
  /** `not-applicable`: the state cannot exist; `not-reached`: it could, and did not come about. `note` says why. */
  readonly status: 'measured' | 'not-applicable' | 'not-reached';
  /** How the state was reached, where that needs words; or why it was not. */
  readonly note: string;
  /** The most frequent first. */
  readonly outcomes: readonly Outcome[];
}

/** Puts runs that came out alike together. */
export function groupRuns(runs: readonly RunOutcome[]): Outcome[] {
  const groups = new Map<string, RunOutcome[]>();
  for (const run of runs) {
    const key = keyOf(run);
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  return [...groups.values()].map(summarise).sort((a, b) => b.times - a.times);
}

/** What makes two runs differ: everything but times and numbers of bytes. */
function keyOf({ peer, wire, operations, sends }: RunOutcome): string {
  const ends = operations.map(({ call, ended, code, status }) => [call, ended, code, status?.value ?? '']);
  return JSON.stringify([peer.ending, peer.code, peer.lastSend, wire?.order ?? null, ends, sentOf(peer, sends)]);
}

function summarise(runs: readonly RunOutcome[]): Outcome {
  const [first] = runs as [RunOutcome];
  const sent = sentOf(first.peer, first.sends);
  const ofSends = (field: keyof SendAccount) => rangeOf(runs.map(({ sends }) => sends?.[field] ?? 0));
  const waits = runs.flatMap(({ wire }) => (wire === null || wire.afterMs === null ? [] : [wire.afterMs]));
  return {
    times: runs.length,
    peer: {
      ...first.peer,
      afterMs: rangeOf(runs.map(({ peer }) => peer.afterMs)),
      bytes: rangeOf(runs.map(({ peer }) => peer.bytes)),
    },
    wire: first.wire === null ? null : { order: first.wire.order, afterMs: waits.length === 0 ? null : rangeOf(waits) },
    operations: first.operations.map((operation, index) => ({
      ...operation,
      bytes: rangeOf(runs.map(({ operations }) => operations[index]?.bytes ?? 0)),
    })),
    sends: sent === null ? null : { ...sent, postedBytes: ofSends('postedBytes'), takenBytes: ofSends('takenBytes') },
  };
}

function sentOf({ bytes }: PeerOutcome, sends: SendAccount | null): Pick<SendsOutcome, 'complete' | 'account'> | null {
  if (sends === null) return null;
  const { postedBytes, takenBytes } = sends;
  const account = bytes === takenBytes ? 'exact' : bytes < takenBytes ? 'lost' : 'more';
  return { complete: bytes === postedBytes, account };
}

function rangeOf(values: readonly number[]): Range {
  return [Math.min(...values), Math.max(...values)];
}
