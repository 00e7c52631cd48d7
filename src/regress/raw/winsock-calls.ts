import * as c from '../../../native-bindings/windows/constants.js';
import * as nt from '../../../native-bindings/windows/ntstatus.js';
import { linger, sockaddr_in, WSADATA, WSAPOLLFD } from '../../../native-bindings/windows/structs.js';
import * as win from '../../../native-bindings/windows/winerror.js';
import { ws2_32 } from '../../../native-bindings/windows/ws2_32.js';
import { BareError, type PlainSocket } from './bare-platform.js';
import { SOCKET_BUFFER_BYTES } from './limits.js';

const WINSOCK_2_2 = 0x0202;
const BACKLOG = 16;
const LOOPBACK = [127, 0, 0, 1];

/** Winsock calls a few of the system's errors by names of its own. winsock2.h */
const WINSOCK_NAMES: Readonly<Record<number, string>> = {
  [win.ERROR_OPERATION_ABORTED]: 'WSA_OPERATION_ABORTED',
  [win.ERROR_IO_PENDING]: 'WSA_IO_PENDING',
  [win.ERROR_INVALID_HANDLE]: 'WSA_INVALID_HANDLE',
  [win.ERROR_INVALID_PARAMETER]: 'WSA_INVALID_PARAMETER',
  [win.ERROR_NOT_ENOUGH_MEMORY]: 'WSA_NOT_ENOUGH_MEMORY',
  [win.ERROR_IO_INCOMPLETE]: 'WSA_IO_INCOMPLETE',
};

// https://learn.microsoft.com/windows/win32/debug/system-error-codes--500-999-; mingw's winerror.h leaves it out.
const ERROR_HANDLES_CLOSED = 676;

/** The name of an error number in winsock2.h or winerror.h: 'WSAECONNRESET'. */
export function errorName(number: number): string {
  return WINSOCK_NAMES[number] ?? systemErrorName(number);
}

/** The name in winerror.h alone: 'ERROR_OPERATION_ABORTED'. */
export function systemErrorName(number: number): string {
  if (number === ERROR_HANDLES_CLOSED) return 'ERROR_HANDLES_CLOSED';
  return nameIn(win as unknown as Record<string, unknown>, number) ?? `error ${number}`;
}

/** The name of an NTSTATUS: 'STATUS_CANCELLED'. */
export function statusName(status: number): string {
  return nameIn(nt as unknown as Record<string, unknown>, status) ?? 'a status that ntstatus.ts does not know';
}

function nameIn(table: Readonly<Record<string, unknown>>, number: number): string | undefined {
  return Object.keys(table).find((name) => table[name] === number);
}

/** What a call gave, which is 0 or more; throws BareError where it failed. */
export function checked(call: string, returned: number): number {
  if (returned < 0) throw new BareError(call, errorName(ws2_32().WSAGetLastError()));
  return returned;
}

export function startWinsock(): void {
  const failed = ws2_32().WSAStartup(WINSOCK_2_2, new Uint8Array(WSADATA.size));
  if (failed !== 0) throw new BareError('WSAStartup', errorName(failed));
}

function loopback(port: number): Uint8Array {
  const address = new Uint8Array(sockaddr_in.size);
  const view = new DataView(address.buffer);
  view.setUint16(sockaddr_in.offset.sin_family, c.AF_INET, true);
  view.setUint16(sockaddr_in.offset.sin_port, port);
  address.set(LOOPBACK, sockaddr_in.offset.sin_addr);
  return address;
}

export function overlappedSocket(): number {
  const flags = c.WSA_FLAG_OVERLAPPED | c.WSA_FLAG_NO_HANDLE_INHERIT;
  const call = ws2_32().WSASocketW(c.AF_INET, c.SOCK_STREAM, c.IPPROTO_TCP, null, 0, flags);
  return checked('WSASocketW', call);
}

function setInteger(socket: number, option: number, value: number): void {
  const bytes = new Uint8Array(new Int32Array([value]).buffer);
  checked('setsockopt', ws2_32().setsockopt(socket, c.SOL_SOCKET, option, bytes, bytes.byteLength));
}

/** SO_LINGER {1,0}: the close resets. */
export function setLingerZero(socket: number): void {
  const value = new Uint8Array(linger.size);
  new DataView(value.buffer).setUint16(linger.offset.l_onoff, 1, true);
  checked('setsockopt SO_LINGER', ws2_32().setsockopt(socket, c.SOL_SOCKET, c.SO_LINGER, value, value.byteLength));
}

/** FIONREAD: bytes that a receive would give. */
export function unreadBytes(socket: number): number {
  const value = new Uint32Array(1);
  checked('ioctlsocket FIONREAD', ws2_32().ioctlsocket(socket, c.FIONREAD, new Uint8Array(value.buffer)));
  return value[0] ?? 0;
}

export function portOf(socket: number): number {
  const address = new Uint8Array(sockaddr_in.size);
  const length = new Uint8Array(new Int32Array([address.byteLength]).buffer);
  checked('getsockname', ws2_32().getsockname(socket, address, length));
  return new DataView(address.buffer).getUint16(sockaddr_in.offset.sin_port);
}

/** A connected, blocking socket that can be used overlapped. */
export function connectTo(port: number): number {
  const socket = overlappedSocket();
  setInteger(socket, c.SO_SNDBUF, SOCKET_BUFFER_BYTES);
  const address = loopback(port);
  checked('connect', ws2_32().connect(socket, address, address.byteLength));
  return socket;
}

/** Where peers come from: here, or on the other side of Wine. */
export interface PeerSource {
  /** Where it listens, on this machine. */
  readonly port: number;
  /** The peer's end of the next connection. Nobody else connects, so it is the one that was just made. */
  accept(): PlainSocket;
  close(): void;
}

/** Peers of this process. Their buffers are small, so that a send soon stays pending. */
export class WinsockPeers implements PeerSource {
  readonly port: number;
  readonly #socket = overlappedSocket();

  constructor() {
    setInteger(this.#socket, c.SO_RCVBUF, SOCKET_BUFFER_BYTES);
    const address = loopback(0);
    checked('bind', ws2_32().bind(this.#socket, address, address.byteLength));
    checked('listen', ws2_32().listen(this.#socket, BACKLOG));
    this.port = portOf(this.#socket);
  }

  accept(): PlainSocket {
    return new WinsockPeer(checked('accept', ws2_32().accept(this.#socket, null, null)));
  }

  close(): void {
    ws2_32().closesocket(this.#socket);
  }
}

/** The peer's end: plain recv, send and WSAPoll, and nothing overlapped. */
class WinsockPeer implements PlainSocket {
  #socket: number;
  readonly #bytes = new Uint8Array(SOCKET_BUFFER_BYTES);

  constructor(socket: number) {
    this.#socket = socket;
    const on = new Uint8Array(new Uint32Array([1]).buffer);
    checked('ioctlsocket FIONBIO', ws2_32().ioctlsocket(socket, c.FIONBIO, on));
  }

  waitReadable(withinMs: number): boolean {
    const entry = new Uint8Array(WSAPOLLFD.size);
    const view = new DataView(entry.buffer);
    view.setBigUint64(WSAPOLLFD.offset.fd, BigInt(this.#socket), true);
    view.setInt16(WSAPOLLFD.offset.events, c.POLLRDNORM, true);
    return ws2_32().WSAPoll(entry, 1, Math.ceil(withinMs)) > 0;
  }

  recv(): number | string | null {
    const got = ws2_32().recv(this.#socket, this.#bytes, this.#bytes.byteLength, 0);
    if (got >= 0) return got;
    const failed = ws2_32().WSAGetLastError();
    return failed === win.WSAEWOULDBLOCK ? null : errorName(failed);
  }

  send(data: Uint8Array): string {
    const sent = ws2_32().send(this.#socket, data, data.byteLength, 0);
    if (sent < 0) return errorName(ws2_32().WSAGetLastError());
    return sent === data.byteLength ? '' : `${sent} of ${data.byteLength} bytes`;
  }

  close(): void {
    if (this.#socket >= 0) ws2_32().closesocket(this.#socket);
    this.#socket = -1;
  }
}
