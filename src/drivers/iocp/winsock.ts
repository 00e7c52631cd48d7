import { release } from 'node:os';
import * as c from '../../../native-bindings/windows/constants.js';
import { kernel32 } from '../../../native-bindings/windows/kernel32.js';
import {
  linger,
  TCP_INITIAL_RTO_PARAMETERS,
  WSADATA,
  WSAPROTOCOL_INFOW,
} from '../../../native-bindings/windows/structs.js';
import { WSAEAFNOSUPPORT, WSAEINVAL, WSASYSCALLFAILURE } from '../../../native-bindings/windows/winerror.js';
import { ws2_32 } from '../../../native-bindings/windows/ws2_32.js';
import { MAX_SOCKADDR_BYTES, readSockaddr, type SockaddrLayout, writeSockaddr } from '../../bsd/sockaddr.js';
import type { AddressFamily, SocketAddress } from '../../port/address.js';
import type { ShutdownHow, SocketType } from '../../port/driver.js';
import type { SocketOptionName, SocketOptionValue } from '../../port/socket-options.js';
import { optionPlace } from './options.js';

const WINSOCK_2_2 = 0x0202;

// mstcpip.h of the Windows SDK; mingw's does not have it. https://learn.microsoft.com/windows/win32/winsock/winsock-ioctls
const SIO_UDP_NETRESET = 0x9800000f;
// ws2def.h of the Windows SDK since Windows 10; neither mingw's headers nor Wine 8 have it.
// https://learn.microsoft.com/windows/win32/winsock/sol-socket-socket-options
const SO_REUSE_UNICASTPORT = 0x3007;

/** The first build of Windows 10 that has TCP_INITIAL_RTO_NO_SYN_RETRANSMISSIONS. */
const RETRANSMITS_NO_SYN = 16299;

const MAX_PLAIN_BACKLOG = 200;
const MAX_HINTED_BACKLOG = 65535;

const NO_BYTES = new Uint8Array(0);

const FAMILY: Readonly<Record<AddressFamily, number>> = { IPv4: c.AF_INET, IPv6: c.AF_INET6, unix: c.AF_UNIX };
const HOW: Readonly<Record<ShutdownHow, number>> = { recv: c.SD_RECEIVE, send: c.SD_SEND, both: c.SD_BOTH };

export const WINSOCK_SOCKADDR: SockaddrLayout = {
  AF_UNIX: c.AF_UNIX,
  AF_INET: c.AF_INET,
  AF_INET6: c.AF_INET6,
  hasLength: false,
  bigEndian: false,
  unixPathBytes: 108,
};

/** Winsock's calls that end at once, with results as in BsdStack: 0 or more, or the negated error number. */
export class Winsock {
  readonly #calls = ws2_32();
  readonly #address = new Uint8Array(MAX_SOCKADDR_BYTES);
  readonly #value = new Int32Array(1);
  readonly #valueBytes = new Uint8Array(this.#value.buffer);
  readonly #length = new Int32Array(1);
  readonly #lengthBytes = new Uint8Array(this.#length.buffer);
  /** By `family type`: whether its provider's handles are the kernel's own. */
  readonly #kernelHandles = new Map<string, boolean>();

  constructor() {
    const failed = this.#calls.WSAStartup(WINSOCK_2_2, new Uint8Array(WSADATA.size));
    if (failed !== 0) throw new Error(`Winsock cannot be used: WSAStartup failed with ${failed}`);
  }

  /** Opens a socket for overlapped requests that is non-blocking for plain calls. */
  socket(family: AddressFamily, type: SocketType): number {
    // ConnectEx and AcceptEx know no UNIX-domain sockets.
    if (family === 'unix') return -WSAEAFNOSUPPORT;
    const stream = type === 'stream';
    const flags = c.WSA_FLAG_OVERLAPPED | c.WSA_FLAG_NO_HANDLE_INHERIT;
    const protocol = stream ? c.IPPROTO_TCP : c.IPPROTO_UDP;
    const kind = stream ? c.SOCK_STREAM : c.SOCK_DGRAM;
    const handle = this.#calls.WSASocketW(FAMILY[family], kind, protocol, null, 0, flags);
    if (handle === -1) return -this.#calls.WSAGetLastError();
    this.#value[0] = 1;
    const failed = this.#result(this.#calls.ioctlsocket(handle, c.FIONBIO, this.#valueBytes));
    if (failed < 0) {
      this.close(handle);
      return failed;
    }
    // As on the other platforms: an IPv6 socket carries IPv4 too. Winsock's default is the opposite.
    if (family === 'IPv6') this.#setInteger(handle, c.IPPROTO_IPV6, c.IPV6_V6ONLY, 0);
    if (!stream) {
      this.reportUnreachable(handle, false);
      // Nor does it fail where the way to somebody was too long (ICMP "time exceeded", WSAENETRESET). Refused by Wine 8.
      this.#control(handle, SIO_UDP_NETRESET, this.#valueBytes);
    }
    return handle;
  }

  /**
   * Whether the socket's provider gives handles of the kernel's own. One that is layered over it need not (a non-IFS
   * LSP), and such handles do not take part in what the kernel does with those that are pending on them.
   */
  hasKernelHandles(handle: number, family: AddressFamily, type: SocketType): boolean {
    const key = `${family} ${type}`;
    let known = this.#kernelHandles.get(key);
    if (known === undefined) {
      const info = new Uint8Array(WSAPROTOCOL_INFOW.size);
      this.#length[0] = info.byteLength;
      const failed = this.#calls.getsockopt(handle, c.SOL_SOCKET, c.SO_PROTOCOL_INFOW, info, this.#lengthBytes);
      const flags = new DataView(info.buffer).getUint32(WSAPROTOCOL_INFOW.offset.dwServiceFlags1, true);
      known = failed === 0 && (flags & c.XP1_IFS_HANDLES) !== 0;
      this.#kernelHandles.set(key, known);
    }
    return known;
  }

  /**
   * Whether requests that end at once skip the port.
   *
   * Not where a provider has no kernel handles: it posts a packet all the same, or loses one.
   * https://learn.microsoft.com/windows/win32/api/winbase/nf-winbase-setfilecompletionnotificationmodes
   *
   * And not on datagram sockets: where the buffer is smaller than the datagram, as that of our peeking receives always
   * is, WSARecv may say "pending" about a request that has ended and will never come through the port. libuv calls the
   * device itself for that reason (uv__wsarecv_workaround in src/win/winsock.c), and Go long had skipping for TCP alone.
   */
  skipsSuccess(handle: number, family: AddressFamily, type: SocketType): boolean {
    if (type === 'datagram' || !this.hasKernelHandles(handle, family, type)) return false;
    const modes = c.FILE_SKIP_COMPLETION_PORT_ON_SUCCESS | c.FILE_SKIP_SET_EVENT_ON_HANDLE;
    return kernel32().SetFileCompletionNotificationModes(handle, modes) !== 0;
  }

  /** The kernel's own socket under those of layered providers; -1 where nobody says. */
  baseHandle(handle: number): number {
    const output = new BigUint64Array(1);
    const bytes = new Uint8Array(output.buffer);
    const { WSAIoctl } = this.#calls;
    const code = c.SIO_BASE_HANDLE;
    const failed = WSAIoctl(handle, code, NO_BYTES, 0, bytes, bytes.length, this.#lengthBytes, null, null);
    return failed === 0 ? Number(output[0]) : -1;
  }

  /**
   * The port that the socket will be bound to is its own. Otherwise any process that sets SO_REUSEADDR could bind to it,
   * too, and take its connections. The page below warns that such a port may not be had again while connections that it
   * accepted are alive. Somebody's test of it on a current Windows had it at once (dynoxide pull request 133).
   * https://learn.microsoft.com/windows/win32/winsock/using-so-reuseaddr-and-so-exclusiveaddruse
   */
  keepPort(handle: number): number {
    return this.#setInteger(handle, c.SOL_SOCKET, c.SO_EXCLUSIVEADDRUSE, 1);
  }

  /**
   * The next bind to port 0 leaves the choice of the port to ConnectEx, as connect has it by itself: it may be a port that
   * is used already, for another destination, where the system has a range of ports for that. 16,384 are not many. .NET
   * does the same where it binds for ConnectEx alone (dotnet/runtime pull request 54903). A refusal leaves all as it was.
   */
  reusePorts(handle: number): number {
    return this.#setInteger(handle, c.SOL_SOCKET, SO_REUSE_UNICASTPORT, 1);
  }

  bind(handle: number, address: SocketAddress): number {
    if (address.family === 'unix') return -WSAEINVAL;
    const length = writeSockaddr(WINSOCK_SOCKADDR, address, this.#address, 0);
    return this.#result(this.#calls.bind(handle, this.#address, length));
  }

  /**
   * A plain number is no more than 200 to Windows, and whoever does not find room in the queue is refused: a connection
   * that waits there for a Linux listener is reset here. SOMAXCONN_HINT(N), which is -N, is taken at its word up to 65535.
   * https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-listen
   */
  listen(handle: number, backlog: number): number {
    const wanted = backlog > MAX_PLAIN_BACKLOG ? -Math.min(backlog, MAX_HINTED_BACKLOG) : backlog;
    return this.#result(this.#calls.listen(handle, wanted));
  }

  connect(handle: number, address: SocketAddress): number {
    const length = writeSockaddr(WINSOCK_SOCKADDR, address, this.#address, 0);
    return this.#result(this.#calls.connect(handle, this.#address, length));
  }

  recv(handle: number, target: Uint8Array, length: number): number {
    return this.#result(this.#calls.recv(handle, target, length, 0));
  }

  recvAt(handle: number, address: number, length: number): number {
    return this.#result(this.#calls.recvAt(handle, address, length, 0));
  }

  send(handle: number, source: Uint8Array, length: number): number {
    return this.#result(this.#calls.send(handle, source, length, 0));
  }

  sendAt(handle: number, address: number, length: number): number {
    return this.#result(this.#calls.sendAt(handle, address, length, 0));
  }

  /** Takes an error that the next receive on a datagram socket would bring; false, and nothing is taken, where it is none. */
  takeError(handle: number, error: number): boolean {
    const peek = this.#result(this.#calls.recv(handle, this.#valueBytes, 1, c.MSG_PEEK));
    return peek === -error && this.#result(this.#calls.recv(handle, this.#valueBytes, 1, 0)) === peek;
  }

  receiveFrom(handle: number, target: number, length: number, from: number, fromLength: number): number {
    return this.#result(this.#calls.recvfrom(handle, target, length, 0, from, fromLength));
  }

  sendTo(handle: number, source: number, length: number, to: number, toLength: number): number {
    return this.#result(this.#calls.sendto(handle, source, length, 0, to, toLength));
  }

  shutdown(handle: number, how: ShutdownHow): number {
    return this.#result(this.#calls.shutdown(handle, HOW[how]));
  }

  close(handle: number): number {
    return this.#result(this.#calls.closesocket(handle));
  }

  /** SO_LINGER {1,0}: the next close sends a RST. */
  lingerZero(handle: number): number {
    const value = new Uint8Array(linger.size);
    value[linger.offset.l_onoff] = 1;
    return this.#result(this.#calls.setsockopt(handle, c.SOL_SOCKET, c.SO_LINGER, value, value.byteLength));
  }

  unreadBytes(handle: number): number {
    const failed = this.#calls.ioctlsocket(handle, c.FIONREAD, this.#valueBytes);
    return failed === 0 ? (this.#value[0] ?? 0) : 0;
  }

  localAddress(handle: number): SocketAddress | null {
    this.#length[0] = MAX_SOCKADDR_BYTES;
    const failed = this.#calls.getsockname(handle, this.#address, this.#lengthBytes);
    return failed === 0 ? readSockaddr(WINSOCK_SOCKADDR, this.#address, 0, this.#length[0]) : null;
  }

  remoteAddress(handle: number): SocketAddress | null {
    this.#length[0] = MAX_SOCKADDR_BYTES;
    const failed = this.#calls.getpeername(handle, this.#address, this.#lengthBytes);
    return failed === 0 ? readSockaddr(WINSOCK_SOCKADDR, this.#address, 0, this.#length[0]) : null;
  }

  setOption(handle: number, name: SocketOptionName, value: SocketOptionValue, family: AddressFamily): number {
    const place = optionPlace(name, family);
    return typeof place === 'number' ? -place : this.#setInteger(handle, place[0], place[1], Number(value));
  }

  getOption(handle: number, name: SocketOptionName, family: AddressFamily): number {
    const place = optionPlace(name, family);
    if (typeof place === 'number') return -place;
    this.#value[0] = 0;
    this.#length[0] = 4;
    const failed = this.#result(
      this.#calls.getsockopt(handle, place[0], place[1], this.#valueBytes, this.#lengthBytes),
    );
    return failed < 0 ? failed : (this.#value[0] ?? 0);
  }

  /** AcceptEx's connections take their listener's properties, and know their ends, only after this. */
  updateAcceptContext(handle: number, listener: number): number {
    const value = new Uint8Array(new BigUint64Array([BigInt(listener)]).buffer);
    const { setsockopt } = this.#calls;
    return this.#result(setsockopt(handle, c.SOL_SOCKET, c.SO_UPDATE_ACCEPT_CONTEXT, value, value.byteLength));
  }

  /** Without it shutdown and getpeername fail on what ConnectEx has connected. */
  updateConnectContext(handle: number): number {
    return this.#result(this.#calls.setsockopt(handle, c.SOL_SOCKET, c.SO_UPDATE_CONNECT_CONTEXT, null, 0));
  }

  /**
   * Whether an ICMP "port unreachable" makes the next receive fail. On an unconnected socket that would be an error
   * about anybody's datagram, and many a program stopped receiving for it.
   */
  reportUnreachable(handle: number, report: boolean): number {
    this.#value[0] = report ? 1 : 0;
    return this.#control(handle, c.SIO_UDP_CONNRESET, this.#valueBytes);
  }

  /**
   * A refused connect on loopback is refused at once. Windows otherwise sends its SYN twice more, half a second apart,
   * even where the answer was a RST (libuv does the same, in uv__tcp_try_connect). Wine 8 does not know the request, and
   * Windows knows the value since 10.0.16299 (1709); to an older one it is a number of retransmissions.
   */
  refuseAtOnce(handle: number): number {
    if (!isBuild(release(), RETRANSMITS_NO_SYN)) return 0;
    const parameters = new Uint8Array(TCP_INITIAL_RTO_PARAMETERS.size);
    const view = new DataView(parameters.buffer);
    view.setUint16(TCP_INITIAL_RTO_PARAMETERS.offset.Rtt, c.TCP_INITIAL_RTO_UNSPECIFIED_RTT, true);
    const without = c.TCP_INITIAL_RTO_NO_SYN_RETRANSMISSIONS;
    view.setUint8(TCP_INITIAL_RTO_PARAMETERS.offset.MaxSynRetransmissions, without);
    return this.#control(handle, c.SIO_TCP_INITIAL_RTO, parameters);
  }

  setMembership(handle: number, level: number, option: number, request: Uint8Array): number {
    return this.#result(this.#calls.setsockopt(handle, level, option, request, request.byteLength));
  }

  #control(handle: number, code: number, input: Uint8Array): number {
    const { WSAIoctl } = this.#calls;
    return this.#result(WSAIoctl(handle, code, input, input.byteLength, null, 0, this.#lengthBytes, null, null));
  }

  #setInteger(handle: number, level: number, option: number, value: number): number {
    this.#value[0] = value;
    return this.#result(this.#calls.setsockopt(handle, level, option, this.#valueBytes, 4));
  }

  /** The error is read in the very next native call; anything in between may overwrite it. */
  #result(returned: number): number {
    if (returned >= 0) return returned;
    // No number may make a success of a failure: a receive would read it as the end of the stream.
    return -(this.#calls.WSAGetLastError() || WSASYSCALLFAILURE);
  }
}

/** Whether a release of Windows, as `10.0.19045`, is at least this build of Windows 10. */
export function isBuild(windows: string, build: number): boolean {
  const [major = 0, minor = 0, own = 0] = windows.split('.').map(Number);
  return major > 10 || (major === 10 && (minor > 0 || own >= build));
}
