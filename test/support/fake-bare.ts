import type { BareConnection, BarePlatform, CellWay, PlainSocket } from '../../src/regress/raw/bare-platform.js';
import { type Cell, CLOSE_WAYS } from '../../src/regress/raw/matrix.js';

/** What a fake connection is to do, in the order in which it opens them; the last one stands for all that follow. */
export interface FakeRun {
  /** What the peer reads after the close, in order; the last one is repeated. */
  readonly reads: readonly (number | string | null)[];
  readonly lastSend?: string;
  /** What is wrong with the state before the close; '' for nothing. */
  readonly problem?: string;
  /** Bytes that FIONREAD says are unread, whatever the peer sends; otherwise those that it sent. */
  readonly unread?: number;
  /** Whether the pending request ends by itself at the close, or only by a cancel. */
  readonly endsAtClose?: boolean;
}

/** A platform of no system: it records what is done to it, and answers as it was told to. */
export class FakePlatform implements BarePlatform {
  readonly title = { system: 'linux', version: '1.2.3', interface: 'epoll' } as const;
  readonly closeWays = CLOSE_WAYS;
  readonly vocabulary = {
    pending: { none: 'nothing', 'recv-0': 'recv 0', 'recv-n': 'recv n', send: 'send' },
    close: { close: 'close' },
    unread: { empty: 'nothing unread', unread: 'unread data' },
    unended: { none: '', 'recv-0': 'pending', 'recv-n': 'pending', send: 'pending' },
  };
  /** What was done, in order, over all connections. */
  readonly log: string[] = [];
  way: CellWay = { applicable: true, unread: null, note: '' };
  readonly #runs: readonly FakeRun[];
  opened = 0;

  constructor(runs: readonly FakeRun[]) {
    this.#runs = runs;
  }

  wayOf(_cell: Cell): CellWay {
    return this.way;
  }

  open(): BareConnection {
    const run = this.#runs[Math.min(this.opened, this.#runs.length - 1)] ?? { reads: [0] };
    this.opened++;
    return new FakeConnection(this.log, run);
  }

  destroy(): void {}
}

class FakeConnection implements BareConnection {
  readonly localPort = 1;
  readonly peer: PlainSocket;
  readonly sends = null;
  readonly #log: string[];
  readonly #run: FakeRun;
  #pending = false;
  #over = false;
  #sent = 0;

  constructor(log: string[], run: FakeRun) {
    this.#log = log;
    this.#run = run;
    let index = 0;
    let closed = false;
    this.peer = {
      waitReadable: () => true,
      recv: () => {
        closed = true;
        return run.reads[Math.min(index++, run.reads.length - 1)] ?? null;
      },
      send: (data) => {
        this.#log.push(`peer sends ${data.byteLength}`);
        if (closed) return run.lastSend ?? '';
        this.#sent += data.byteLength;
        return '';
      },
      close: () => undefined,
    };
  }

  post(pending: string): void {
    this.#log.push(`post ${pending}`);
    this.#pending = true;
  }

  setLowWater(bytes: number): void {
    this.#log.push(`low water ${bytes}`);
  }

  pendingProblem(): string {
    return this.#run.problem ?? '';
  }

  unreadBytes(): number {
    return this.#run.unread ?? this.#sent;
  }

  shutdownSend(): void {
    this.#log.push('shutdown');
  }

  lingerZero(): void {
    this.#log.push('linger');
  }

  cancel(): void {
    this.#log.push('cancel');
    this.#over = true;
  }

  reap(withinMs: number): boolean {
    if (withinMs > 0 && this.#log.at(-1) !== 'reap') this.#log.push('reap');
    return this.#over || !this.#pending;
  }

  close(way: string): void {
    this.#log.push(way);
    if (this.#run.endsAtClose ?? false) this.#over = true;
  }

  outcomes() {
    if (!this.#pending) return [];
    return [{ call: 'recv', over: this.#over, code: 'ECANCELED', nativeCode: 125, status: null, bytes: 0 }];
  }

  destroy(): void {
    this.#log.push('destroy');
  }
}
