import { MappedMemory } from '../../../native-bindings/memory.js';
import { SD_SEND } from '../../../native-bindings/windows/constants.js';
import { kernel32 } from '../../../native-bindings/windows/kernel32.js';
import { ntdll } from '../../../native-bindings/windows/ntdll.js';
import { STATUS_PENDING } from '../../../native-bindings/windows/ntstatus.js';
import { allocatePages } from '../../../native-bindings/windows/pages.js';
import { OVERLAPPED, OVERLAPPED_ENTRY, WSABUF } from '../../../native-bindings/windows/structs.js';
import { ERROR_IO_PENDING, ERROR_NOT_FOUND } from '../../../native-bindings/windows/winerror.js';
import { ws2_32 } from '../../../native-bindings/windows/ws2_32.js';
import {
  type BareConnection,
  BareError,
  type BareOutcome,
  type BarePlatform,
  type CellWay,
  type PlainSocket,
  type PlatformTitle,
} from './bare-platform.js';
import type { SendAccount, StatusOutcome } from './cell.js';
import { MAX_SENDS, REAP_MS, RECEIVE_BYTES, SEND_BYTES, SETTLE_MS } from './limits.js';
import { type Cell, CLOSE_WAYS, type Pending, STEPS } from './matrix.js';
import {
  checked,
  connectTo,
  errorName,
  overlappedSocket,
  type PeerSource,
  portOf,
  setLingerZero,
  statusName,
  systemErrorName,
  unreadBytes,
} from './winsock-calls.js';

const INVALID_HANDLE_VALUE = -1;
const TWO_32 = 0x1_0000_0000;

/** Completions that one call dequeues. */
const BATCH = 16;

/** Requests of one platform's life. Each has an OVERLAPPED of its own, so that no late completion is mistaken. */
const MAX_REQUESTS = 65_536;

/** A request's part of the mapped memory: its OVERLAPPED, its WSABUF, and the flags that WSARecv wants. */
const BUFFER_AT = OVERLAPPED.size;
const FLAGS_AT = BUFFER_AT + WSABUF.size;
const REQUEST_BYTES = FLAGS_AT + 16;

const NOTES = {
  taken:
    'bytes that come complete a pending WSARecv at once, of whatever length; those beyond its length stay unread, but ' +
    'then it is not pending any more, and Winsock has no low-water mark that would hold it back',
  afterCancel: 'the bytes come after the cancelled WSARecv is over, and before the handle is closed',
} as const;

interface Request {
  /** Its place in the mapped memory. */
  readonly at: number;
  readonly call: string;
  /** Null while no completion has been dequeued. */
  end: { readonly status: number; readonly winsockError: number; readonly bytes: number } | null;
}

/** Winsock with overlapped requests on a completion port: on Windows, and on Wine, which is not Windows. */
export class BareWinsock implements BarePlatform {
  readonly title: PlatformTitle;
  readonly closeWays = CLOSE_WAYS;
  readonly vocabulary = {
    pending: {
      none: 'nothing pending',
      'recv-0': 'WSARecv of 0 bytes',
      'recv-n': `WSARecv of ${RECEIVE_BYTES} bytes`,
      send: 'WSASend',
    },
    close: {
      close: 'closesocket',
      'cancel-close': 'CancelIoEx, closesocket',
      'cancel-reap-close': 'CancelIoEx, completion reaped, closesocket',
      'shutdown-cancel-reap-close': 'shutdown(SD_SEND), CancelIoEx, completion reaped, closesocket',
      'shutdown-close': 'shutdown(SD_SEND), closesocket',
      'linger-close': 'SO_LINGER {1,0}, closesocket',
    },
    unread: { empty: 'nothing unread', unread: 'unread data' },
    unended: { none: '', 'recv-0': 'stays pending', 'recv-n': 'stays pending', send: 'stays pending' },
  };
  readonly #peers: PeerSource;
  /** Stands in for a socket that is closed, where a status is only to be translated. */
  readonly #spare: number;
  readonly #port: number;
  /** The kernel writes into it as long as a request is pending, which may be for ever: it is never given back. */
  readonly #memory = MappedMemory.map(MAX_REQUESTS * REQUEST_BYTES + SEND_BYTES + BATCH * 64, allocatePages);
  readonly #bytesAt = MAX_REQUESTS * REQUEST_BYTES;
  readonly #entriesAt = this.#bytesAt + SEND_BYTES;
  readonly #removedAt = this.#entriesAt + BATCH * OVERLAPPED_ENTRY.size;
  /** By the address of the OVERLAPPED. */
  readonly #requests = new Map<number, Request>();
  #used = 0;

  /** `startWinsock` must have been called. The peers are closed with the platform. */
  constructor(title: PlatformTitle, peers: PeerSource) {
    this.title = title;
    this.#peers = peers;
    this.#spare = overlappedSocket();
    this.#port = kernel32().CreateIoCompletionPort(INVALID_HANDLE_VALUE, 0, 0, 1);
    if (this.#port === 0) throw new BareError('CreateIoCompletionPort', errorName(kernel32().GetLastError()));
  }

  wayOf({ pending, unread, close }: Cell): CellWay {
    if (unread === 'empty') return { applicable: true, unread: null, note: '' };
    if (pending === 'none' || pending === 'send') return { applicable: true, unread: 'before', note: '' };
    if (STEPS[close].includes('reap')) return { applicable: true, unread: 'after-cancel', note: NOTES.afterCancel };
    return { applicable: false, note: NOTES.taken };
  }

  open(): BareConnection {
    const socket = connectTo(this.#peers.port);
    const peer = this.#peers.accept();
    const port = kernel32().CreateIoCompletionPort(socket, this.#port, socket, 0);
    if (port === 0) throw new BareError('CreateIoCompletionPort', errorName(kernel32().GetLastError()));
    return new WinsockConnection(this, socket, peer);
  }

  destroy(): void {
    this.#peers.close();
    ws2_32().closesocket(this.#spare);
    kernel32().CloseHandle(this.#port);
  }

  /** Starts a WSARecv or WSASend; the completion comes through the port in any case. */
  start(call: string, verb: 'recv' | 'send', socket: number, length: number): Request {
    if (this.#used === MAX_REQUESTS) throw new BareError(call, `more than ${MAX_REQUESTS} requests`);
    const at = this.#used++ * REQUEST_BYTES;
    const { u32 } = this.#memory;
    u32[(at + BUFFER_AT + WSABUF.offset.len) >> 2] = length;
    this.#memory.setPointer(at + BUFFER_AT + WSABUF.offset.buf, this.#memory.address(this.#bytesAt));
    const overlapped = this.#memory.address(at);
    const buffer = this.#memory.address(at + BUFFER_AT);
    const request: Request = { at, call, end: null };
    this.#requests.set(overlapped, request);
    const returned =
      verb === 'recv'
        ? ws2_32().WSARecv(socket, buffer, 1, 0, this.#memory.address(at + FLAGS_AT), overlapped, 0)
        : ws2_32().WSASend(socket, buffer, 1, 0, 0, overlapped, 0);
    const failed = returned === 0 ? 0 : ws2_32().WSAGetLastError();
    if (failed !== 0 && failed !== ERROR_IO_PENDING) throw new BareError(call, errorName(failed));
    return request;
  }

  /** The status as it stands in the OVERLAPPED: STATUS_PENDING until the request is over, dequeued or not. */
  statusOf(request: Request): number {
    return this.#memory.u32[(request.at + OVERLAPPED.offset.Internal) >> 2] ?? 0;
  }

  /**
   * Winsock's error for a request that is over. The function wants a socket, which may be closed by now; it only looks
   * whether it is one, so any does.
   */
  #winsockError(request: Request): number {
    const bytes = new Uint8Array(4);
    const flags = new Uint8Array(4);
    const { WSAGetOverlappedResult, WSAGetLastError } = ws2_32();
    const ended = WSAGetOverlappedResult(this.#spare, this.#memory.address(request.at), bytes, 0, flags);
    return ended !== 0 ? 0 : WSAGetLastError();
  }

  /** Dequeues what comes within the time, or what is there with 0. */
  dequeue(withinMs: number): void {
    const entries = this.#memory.address(this.#entriesAt);
    const removed = this.#memory.address(this.#removedAt);
    const { GetQueuedCompletionStatusEx } = kernel32();
    if (GetQueuedCompletionStatusEx(this.#port, entries, BATCH, removed, Math.ceil(withinMs), 0) === 0) return;
    const { u32 } = this.#memory;
    const count = u32[this.#removedAt >> 2] ?? 0;
    for (let i = 0; i < count; i++) {
      const at = (this.#entriesAt + i * OVERLAPPED_ENTRY.size) >> 2;
      const pointer = at + (OVERLAPPED_ENTRY.offset.lpOverlapped >> 2);
      const overlapped = (u32[pointer] ?? 0) + (u32[pointer + 1] ?? 0) * TWO_32;
      const request = this.#requests.get(overlapped);
      if (request === undefined) throw new BareError('GetQueuedCompletionStatusEx', "a completion of nobody's");
      this.#requests.delete(overlapped);
      const bytes = u32[at + (OVERLAPPED_ENTRY.offset.dwNumberOfBytesTransferred >> 2)] ?? 0;
      request.end = { status: this.statusOf(request), winsockError: this.#winsockError(request), bytes };
    }
  }
}

class WinsockConnection implements BareConnection {
  readonly localPort: number;
  readonly peer: PlainSocket;
  readonly #platform: BareWinsock;
  readonly #requests: Request[] = [];
  /** Every send, those included that were over before the close began. */
  readonly #sends: Request[] = [];
  #socket: number;

  constructor(platform: BareWinsock, socket: number, peer: PlainSocket) {
    this.#platform = platform;
    this.#socket = socket;
    this.localPort = portOf(socket);
    this.peer = peer;
  }

  get sends(): SendAccount | null {
    if (this.#sends.length === 0) return null;
    const takenBytes = this.#sends.reduce((total, { end }) => total + (end?.bytes ?? 0), 0);
    return { postedBytes: this.#sends.length * SEND_BYTES, takenBytes };
  }

  post(pending: Exclude<Pending, 'none'>): void {
    const call = this.#platform.vocabulary.pending[pending];
    if (pending !== 'send') {
      const bytes = pending === 'recv-0' ? 0 : RECEIVE_BYTES;
      this.#requests.push(this.#platform.start(call, 'recv', this.#socket, bytes));
      return;
    }
    for (let i = 0; i < MAX_SENDS; i++) {
      const request = this.#platform.start(call, 'send', this.#socket, SEND_BYTES);
      this.#sends.push(request);
      this.#dequeueUntil(SETTLE_MS, () => request.end !== null);
      if (request.end !== null) continue;
      this.#requests.push(request);
      return;
    }
  }

  setLowWater(): void {
    throw new BareError('SO_RCVLOWAT', 'Winsock has none');
  }

  pendingProblem(): string {
    this.#platform.dequeue(0);
    for (const request of this.#requests) {
      const status = this.#platform.statusOf(request);
      if (status === STATUS_PENDING && request.end === null) continue;
      return `${request.call} has completed already, with ${statusName(status)}`;
    }
    return this.#sends.length > 0 && this.#requests.length === 0 ? 'no send stayed pending' : '';
  }

  unreadBytes(): number {
    return unreadBytes(this.#socket);
  }

  shutdownSend(): void {
    checked('shutdown', ws2_32().shutdown(this.#socket, SD_SEND));
  }

  lingerZero(): void {
    setLingerZero(this.#socket);
  }

  cancel(): void {
    if (kernel32().CancelIoEx(this.#socket, 0) !== 0) return;
    const failed = kernel32().GetLastError();
    // With nothing pending there is nothing to be found, and that is no failure.
    if (failed !== ERROR_NOT_FOUND) throw new BareError('CancelIoEx', errorName(failed));
  }

  reap(withinMs: number): boolean {
    return this.#dequeueUntil(withinMs, () => this.#requests.every(({ end }) => end !== null));
  }

  close(way: 'close' | 'op-close'): void {
    if (way !== 'close') throw new BareError(way, 'not a way of this platform');
    const socket = this.#socket;
    this.#socket = -1;
    checked('closesocket', ws2_32().closesocket(socket));
  }

  outcomes(): readonly BareOutcome[] {
    return this.#requests.map(({ call, end }) => {
      if (end === null) return { call, over: false, code: '', nativeCode: 0, status: null, bytes: 0 };
      const nativeCode = end.winsockError;
      const code = nativeCode === 0 ? '' : errorName(nativeCode);
      return { call, over: true, code, nativeCode, status: statusOutcome(end.status), bytes: end.bytes };
    });
  }

  destroy(): void {
    this.peer.close();
    if (this.#socket >= 0) ws2_32().closesocket(this.#socket);
    this.#socket = -1;
    // A request that never completes keeps its memory, which nothing else uses.
    this.reap(this.#requests.some(({ end }) => end === null) ? REAP_MS : 0);
  }

  #dequeueUntil(withinMs: number, done: () => boolean): boolean {
    const untilMs = performance.now() + withinMs;
    for (;;) {
      if (done()) return true;
      const leftMs = untilMs - performance.now();
      if (leftMs < 0) return false;
      this.#platform.dequeue(leftMs);
    }
  }
}

/** The status with its name, and the error that GetQueuedCompletionStatus leaves for GetLastError. */
function statusOutcome(status: number): StatusOutcome {
  const systemError = status === 0 ? 0 : ntdll().RtlNtStatusToDosError(status);
  return {
    value: `0x${status.toString(16).toUpperCase().padStart(8, '0')}`,
    name: statusName(status),
    systemError,
    systemErrorName: systemError === 0 ? '' : systemErrorName(systemError),
  };
}
