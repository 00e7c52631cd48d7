import { lastErrno } from '../../../native-bindings/ffi.js';
import * as c from '../../../native-bindings/linux/constants.js';
import * as errno from '../../../native-bindings/linux/errno.js';
import { linger, pollfd, sockaddr_in } from '../../../native-bindings/linux/structs.js';
import { libc } from '../../../native-bindings/posix/libc.js';
import { ErrorTable } from '../../port/error-names.js';
import { BareError, type PlainSocket } from './bare-platform.js';
import { SOCKET_BUFFER_BYTES } from './limits.js';

const errors = new ErrorTable(errno as unknown as Record<string, number>);

/** The code of an errno: 'ECONNRESET'. */
export function errnoCode(number: number): string {
  return errors.name(number);
}

/** What a call gave, which is 0 or more; throws BareError where it failed. */
export function checked(call: string, returned: number): number {
  if (returned < 0) throw new BareError(call, errnoCode(lastErrno()));
  return returned;
}

const LOOPBACK = [127, 0, 0, 1];
const BACKLOG = 16;

function loopback(port: number): Uint8Array {
  const address = new Uint8Array(sockaddr_in.size);
  const view = new DataView(address.buffer);
  view.setUint16(sockaddr_in.offset.sin_family, c.AF_INET, true);
  view.setUint16(sockaddr_in.offset.sin_port, port);
  address.set(LOOPBACK, sockaddr_in.offset.sin_addr);
  return address;
}

function streamSocket(): number {
  return checked('socket', libc().socket(c.AF_INET, c.SOCK_STREAM | c.SOCK_CLOEXEC, 0));
}

export function setInteger(fd: number, option: number, value: number): void {
  const bytes = new Uint8Array(new Int32Array([value]).buffer);
  checked('setsockopt', libc().setsockopt(fd, c.SOL_SOCKET, option, bytes, bytes.byteLength));
}

/** SO_LINGER {1,0}: the close resets. socket(7). */
export function setLingerZero(fd: number): void {
  const value = new Uint8Array(linger.size);
  new DataView(value.buffer).setInt32(linger.offset.l_onoff, 1, true);
  checked('setsockopt SO_LINGER', libc().setsockopt(fd, c.SOL_SOCKET, c.SO_LINGER, value, value.byteLength));
}

function controlled(fd: number, request: number): number {
  const value = new Int32Array(1);
  checked('ioctl', libc().ioctl(fd, request, new Uint8Array(value.buffer)));
  return value[0] ?? 0;
}

/** FIONREAD, tcp(7): bytes in the receive buffer. */
export function unreadBytes(fd: number): number {
  return controlled(fd, c.FIONREAD);
}

/** SIOCOUTQ, tcp(7): bytes in the send buffer that the other end has not acknowledged. */
export function unsentBytes(fd: number): number {
  return controlled(fd, c.SIOCOUTQ);
}

function portOf(fd: number): number {
  const address = new Uint8Array(sockaddr_in.size);
  const length = new Uint8Array(new Uint32Array([address.byteLength]).buffer);
  checked('getsockname', libc().getsockname(fd, address, length));
  return new DataView(address.buffer).getUint16(sockaddr_in.offset.sin_port);
}

export interface LinuxPair {
  readonly fd: number;
  readonly localPort: number;
  readonly peer: LinuxPeer;
}

/** Where pairs of connected sockets come from. Small buffers, so that a send soon stays pending. */
export class LinuxListener {
  readonly port: number;
  readonly #fd = streamSocket();

  constructor() {
    setInteger(this.#fd, c.SO_RCVBUF, SOCKET_BUFFER_BYTES);
    const address = loopback(0);
    checked('bind', libc().bind(this.#fd, address, address.byteLength));
    checked('listen', libc().listen(this.#fd, BACKLOG));
    this.port = portOf(this.#fd);
  }

  /** A connected, blocking socket, and the peer's end. */
  connect(): LinuxPair {
    const fd = streamSocket();
    setInteger(fd, c.SO_SNDBUF, SOCKET_BUFFER_BYTES);
    const address = loopback(this.port);
    checked('connect', libc().connect(fd, address, address.byteLength));
    return { fd, localPort: portOf(fd), peer: this.accept() };
  }

  /** The peer's end of the next connection. Nobody else connects, so it is the one that was just made. */
  accept(): LinuxPeer {
    const flags = c.SOCK_CLOEXEC | c.SOCK_NONBLOCK;
    return new LinuxPeer(checked('accept4', libc().accept4(this.#fd, null, null, flags)));
  }

  close(): void {
    libc().close(this.#fd);
  }
}

/** The peer's end: recv(2), send(2) and poll(2). */
export class LinuxPeer implements PlainSocket {
  #fd: number;
  readonly #bytes = new Uint8Array(SOCKET_BUFFER_BYTES);

  constructor(fd: number) {
    this.#fd = fd;
  }

  waitReadable(withinMs: number): boolean {
    const entry = new Uint8Array(pollfd.size);
    const view = new DataView(entry.buffer);
    view.setInt32(pollfd.offset.fd, this.#fd, true);
    view.setInt16(pollfd.offset.events, c.POLLIN, true);
    return libc().poll(entry, 1, Math.ceil(withinMs)) > 0;
  }

  recv(): number | string | null {
    const got = libc().recv(this.#fd, this.#bytes, this.#bytes.byteLength, c.MSG_DONTWAIT);
    if (got >= 0) return got;
    const failed = lastErrno();
    return failed === errno.EAGAIN || failed === errno.EINTR ? null : errnoCode(failed);
  }

  send(data: Uint8Array): string {
    const sent = libc().send(this.#fd, data, data.byteLength, c.MSG_DONTWAIT | c.MSG_NOSIGNAL);
    if (sent < 0) return errnoCode(lastErrno());
    return sent === data.byteLength ? '' : `${sent} of ${data.byteLength} bytes`;
  }

  close(): void {
    if (this.#fd >= 0) libc().close(this.#fd);
    this.#fd = -1;
  }
}
