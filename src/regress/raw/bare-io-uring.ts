import { MSG_NOSIGNAL, SHUT_WR, SO_RCVLOWAT } from '../../../native-bindings/linux/constants.js';
import * as uring from '../../../native-bindings/linux/io-uring.js';
import { mapAnonymousPages } from '../../../native-bindings/linux/pages.js';
import { MappedMemory } from '../../../native-bindings/memory.js';
import { libc } from '../../../native-bindings/posix/libc.js';
import { type BareConnection, BareError, type BareOutcome, type BarePlatform, type CellWay } from './bare-platform.js';
import { BareRing } from './bare-ring.js';
import type { SendAccount } from './cell.js';
import { MAX_SENDS, REAP_MS, RECEIVE_BYTES, SEND_BYTES, SETTLE_MS } from './limits.js';
import {
  checked,
  errnoCode,
  LinuxListener,
  type LinuxPair,
  setInteger,
  setLingerZero,
  unreadBytes,
  unsentBytes,
} from './linux-calls.js';
import { type Cell, CLOSE_WAYS, type CloseWay, type Pending, STEPS } from './matrix.js';
import { becomesTrue } from './pause.js';

const LOW_WATER_NOTE =
  'SO_RCVLOWAT above the unread bytes keeps them from completing the receive: it stays pending beside them';

const WOKEN_NOTE = `${LOW_WATER_NOTE}, until the shutdown wakes it, and it takes what is there`;

interface Request {
  readonly userData: number;
  readonly call: string;
  result: number | null;
}

/** Linux' io_uring(7) through a ring of its own, and close(2). */
export class BareIoUring implements BarePlatform {
  readonly title;
  readonly closeWays: readonly CloseWay[] = [...CLOSE_WAYS, 'op-close'];
  readonly vocabulary = {
    pending: {
      none: 'nothing pending',
      'recv-0': 'IORING_OP_RECV of 0 bytes',
      'recv-n': `IORING_OP_RECV of ${RECEIVE_BYTES} bytes`,
      send: 'IORING_OP_SEND',
    },
    close: {
      close: 'close(fd)',
      'cancel-close': 'ASYNC_CANCEL, close(fd)',
      'cancel-reap-close': 'ASYNC_CANCEL, completion reaped, close(fd)',
      'shutdown-cancel-reap-close': 'shutdown(SHUT_WR), ASYNC_CANCEL, completion reaped, close(fd)',
      'shutdown-close': 'shutdown(SHUT_WR), close(fd)',
      'linger-close': 'SO_LINGER {1,0}, close(fd)',
      'op-close': 'IORING_OP_CLOSE',
    },
    unread: { empty: 'nothing unread', unread: 'unread data' },
    unended: { none: '', 'recv-0': 'stays pending', 'recv-n': 'stays pending', send: 'stays pending' },
  };
  // First, since a kernel may refuse it: nothing else is open then.
  readonly #ring = new BareRing();
  readonly #listener = new LinuxListener();
  /** Sends read from it, receives write into it: nobody looks at the bytes. Never given back while the process lives. */
  readonly #memory = MappedMemory.map(SEND_BYTES, mapAnonymousPages);
  #userData = 0;
  /** By user_data. */
  readonly #requests = new Map<number, Request>();

  constructor(version: string) {
    this.title = { system: 'linux', version, interface: 'io_uring' } as const;
  }

  wayOf({ pending, unread, close }: Cell): CellWay {
    if (unread === 'empty') return { applicable: true, unread: null, note: '' };
    if (pending === 'none' || pending === 'send') return { applicable: true, unread: 'before', note: '' };
    const woken = STEPS[close].includes('shutdown');
    return { applicable: true, unread: 'low-water', note: woken ? WOKEN_NOTE : LOW_WATER_NOTE };
  }

  open(): BareConnection {
    return new RingConnection(this, this.#listener.connect());
  }

  destroy(): void {
    this.#listener.close();
    this.#ring.close();
  }

  /** Starts a request on the connection's descriptor, with the platform's memory. */
  start(call: string, opcode: number, fd: number, length: number, messageFlags: number): Request {
    const request = { userData: ++this.#userData, call, result: null };
    this.#requests.set(request.userData, request);
    const address = opcode === uring.IORING_OP_CLOSE ? 0 : this.#memory.address(0);
    this.#ring.submit({ opcode, fd, address, length, messageFlags, userData: request.userData });
    return request;
  }

  cancel(request: Request): void {
    const cancelling: Request = { userData: ++this.#userData, call: 'ASYNC_CANCEL', result: null };
    this.#requests.set(cancelling.userData, cancelling);
    const { userData } = cancelling;
    const opcode = uring.IORING_OP_ASYNC_CANCEL;
    this.#ring.submit({ opcode, fd: -1, address: request.userData, length: 0, messageFlags: 0, userData });
  }

  reap(): void {
    this.#ring.reap((userData, result) => {
      const request = this.#requests.get(userData);
      if (request === undefined) throw new BareError('io_uring', `a completion of nobody's (${userData})`);
      request.result = result;
      this.#requests.delete(userData);
    });
  }
}

class RingConnection implements BareConnection {
  readonly localPort: number;
  readonly peer;
  readonly #platform: BareIoUring;
  readonly #requests: Request[] = [];
  #fd: number;
  /** Every send, those included that were over before the close began. */
  readonly #sends: Request[] = [];

  constructor(platform: BareIoUring, pair: LinuxPair) {
    this.#platform = platform;
    this.#fd = pair.fd;
    this.localPort = pair.localPort;
    this.peer = pair.peer;
  }

  get sends(): SendAccount | null {
    if (this.#sends.length === 0) return null;
    const takenBytes = this.#sends.reduce((total, { result }) => total + Math.max(result ?? 0, 0), 0);
    return { postedBytes: this.#sends.length * SEND_BYTES, takenBytes };
  }

  post(pending: Exclude<Pending, 'none'>): void {
    const call = this.#platform.vocabulary.pending[pending];
    if (pending !== 'send') {
      const bytes = pending === 'recv-0' ? 0 : RECEIVE_BYTES;
      this.#requests.push(this.#platform.start(call, uring.IORING_OP_RECV, this.#fd, bytes, 0));
      return;
    }
    for (let i = 0; i < MAX_SENDS; i++) {
      const request = this.#platform.start(call, uring.IORING_OP_SEND, this.#fd, SEND_BYTES, MSG_NOSIGNAL);
      this.#sends.push(request);
      if (becomesTrue(SETTLE_MS, () => this.#ended(request))) continue;
      this.#requests.push(request);
      return;
    }
  }

  setLowWater(bytes: number): void {
    setInteger(this.#fd, SO_RCVLOWAT, bytes);
  }

  pendingProblem(): string {
    this.#platform.reap();
    for (const { call, result } of this.#requests) {
      if (result !== null) return `${call} has completed already, with ${resultText(result)}`;
    }
    if (this.#sends.length === 0) return '';
    if (this.#requests.length === 0) return 'no send stayed pending';
    return unsentBytes(this.#fd) === 0 ? 'the send buffer is empty' : '';
  }

  unreadBytes(): number {
    return unreadBytes(this.#fd);
  }

  shutdownSend(): void {
    checked('shutdown', libc().shutdown(this.#fd, SHUT_WR));
  }

  lingerZero(): void {
    setLingerZero(this.#fd);
  }

  cancel(): void {
    for (const request of this.#requests) if (request.result === null) this.#platform.cancel(request);
  }

  reap(withinMs: number): boolean {
    return becomesTrue(withinMs, () => this.#allEnded());
  }

  close(way: 'close' | 'op-close'): void {
    const fd = this.#fd;
    this.#fd = -1;
    if (way === 'close') {
      checked('close', libc().close(fd));
      return;
    }
    const closing = this.#platform.start('IORING_OP_CLOSE', uring.IORING_OP_CLOSE, fd, 0, 0);
    if (!becomesTrue(REAP_MS, () => this.#ended(closing))) throw new BareError('IORING_OP_CLOSE', 'does not end');
    if (closing.result !== 0) throw new BareError('IORING_OP_CLOSE', resultText(closing.result ?? 0));
  }

  outcomes(): readonly BareOutcome[] {
    return this.#requests.map(({ call, result }) => ({
      call,
      over: result !== null,
      code: result === null || result >= 0 ? '' : errnoCode(-result),
      nativeCode: result === null || result >= 0 ? 0 : -result,
      status: null,
      bytes: Math.max(result ?? 0, 0),
    }));
  }

  destroy(): void {
    this.peer.close();
    if (this.#fd >= 0) libc().close(this.#fd);
    this.#fd = -1;
    // The peer's end is gone, so nothing can stay pending.
    if (!this.reap(REAP_MS)) throw new BareError('io_uring', 'a request outlives its connection');
  }

  #allEnded(): boolean {
    this.#platform.reap();
    return this.#requests.every(({ result }) => result !== null);
  }

  #ended(request: Request): boolean {
    this.#platform.reap();
    return request.result !== null;
  }
}

function resultText(result: number): string {
  return result < 0 ? errnoCode(-result) : `${result}`;
}
