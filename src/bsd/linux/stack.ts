import { lastErrno } from '../../../native-bindings/ffi.js';
import * as c from '../../../native-bindings/linux/constants.js';
import * as errno from '../../../native-bindings/linux/errno.js';
import { libc } from '../../../native-bindings/posix/libc.js';
import type { AddressFamily, SocketAddress } from '../../port/address.js';
import type { DatagramBatch } from '../../port/datagrams.js';
import type { ShutdownHow, SocketType } from '../../port/driver.js';
import { ErrorTable } from '../../port/error-names.js';
import type { SocketOptionName, SocketOptionValue } from '../../port/socket-options.js';
import { MAX_SOCKADDR_BYTES, readSockaddr, type SockaddrLayout, writeSockaddr } from '../sockaddr.js';
import type { BsdStack } from '../stack.js';
import { LinuxDatagrams } from './datagrams.js';
import { changeMembership } from './multicast.js';
import { optionPlace } from './options.js';

const FAMILY: Readonly<Record<AddressFamily, number>> = { IPv4: c.AF_INET, IPv6: c.AF_INET6, unix: c.AF_UNIX };
const TYPE: Readonly<Record<SocketType, number>> = { stream: c.SOCK_STREAM, datagram: c.SOCK_DGRAM };
const HOW: Readonly<Record<ShutdownHow, number>> = { recv: c.SHUT_RD, send: c.SHUT_WR, both: c.SHUT_RDWR };

const LINUX_SOCKADDR: SockaddrLayout = {
  AF_UNIX: c.AF_UNIX,
  AF_INET: c.AF_INET,
  AF_INET6: c.AF_INET6,
  hasLength: false,
  bigEndian: false,
  unixPathBytes: 108,
};

const LINGER_ZERO = new Uint8Array(new Int32Array([1, 0]).buffer);

/** Linux's own sockets: a stack without quirks. */
export class LinuxStack implements BsdStack {
  readonly name = 'linux';
  readonly errors = new ErrorTable(errno as unknown as Record<string, number>);
  readonly sockaddr = LINUX_SOCKADDR;
  readonly again = errno.EAGAIN;
  readonly inProgress = errno.EINPROGRESS;
  readonly interrupted = errno.EINTR;
  readonly noBuffers = errno.ENOBUFS;
  readonly #calls = libc();
  readonly #datagrams = new LinuxDatagrams(LINUX_SOCKADDR);
  readonly #address = new Uint8Array(MAX_SOCKADDR_BYTES);
  readonly #value = new Int32Array(2);
  readonly #valueBytes = new Uint8Array(this.#value.buffer);
  readonly #length = new Uint32Array(1);
  readonly #lengthBytes = new Uint8Array(this.#length.buffer);

  socket(family: AddressFamily, type: SocketType, nonBlocking: boolean): number {
    const flags = c.SOCK_CLOEXEC | (nonBlocking ? c.SOCK_NONBLOCK : 0);
    return result(this.#calls.socket(FAMILY[family], TYPE[type] | flags, 0));
  }

  bind(descriptor: number, address: SocketAddress): number {
    const length = writeSockaddr(this.sockaddr, address, this.#address, 0);
    return result(this.#calls.bind(descriptor, this.#address, length));
  }

  listen(descriptor: number, backlog: number): number {
    return result(this.#calls.listen(descriptor, backlog));
  }

  accept(descriptor: number): number {
    return result(this.#calls.accept4(descriptor, null, null, c.SOCK_NONBLOCK | c.SOCK_CLOEXEC));
  }

  connect(descriptor: number, address: SocketAddress): number {
    const length = writeSockaddr(this.sockaddr, address, this.#address, 0);
    return result(this.#calls.connect(descriptor, this.#address, length));
  }

  recv(descriptor: number, target: Uint8Array, length: number): number {
    return result(this.#calls.recv(descriptor, target, length, c.MSG_DONTWAIT));
  }

  recvAt(descriptor: number, address: number, length: number): number {
    return result(this.#calls.recvAt(descriptor, address, length, c.MSG_DONTWAIT));
  }

  send(descriptor: number, source: Uint8Array, length: number): number {
    return result(this.#calls.send(descriptor, source, length, c.MSG_DONTWAIT | c.MSG_NOSIGNAL));
  }

  sendAt(descriptor: number, address: number, length: number): number {
    return result(this.#calls.sendAt(descriptor, address, length, c.MSG_DONTWAIT | c.MSG_NOSIGNAL));
  }

  shutdown(descriptor: number, how: ShutdownHow): number {
    return result(this.#calls.shutdown(descriptor, HOW[how]));
  }

  close(descriptor: number): number {
    return result(this.#calls.close(descriptor));
  }

  lingerZero(descriptor: number): number {
    return result(this.#calls.setsockopt(descriptor, c.SOL_SOCKET, c.SO_LINGER, LINGER_ZERO, LINGER_ZERO.byteLength));
  }

  takeError(descriptor: number): number {
    return this.#readOption(descriptor, c.SOL_SOCKET, c.SO_ERROR);
  }

  unreadBytes(descriptor: number): number {
    const failed = result(this.#calls.ioctl(descriptor, c.FIONREAD, this.#valueBytes));
    return failed < 0 ? 0 : (this.#value[0] ?? 0);
  }

  setOption(descriptor: number, name: SocketOptionName, value: SocketOptionValue, family: AddressFamily): number {
    const [level, option] = optionPlace(name, family);
    this.#value[0] = Number(value);
    return result(this.#calls.setsockopt(descriptor, level, option, this.#valueBytes, 4));
  }

  getOption(descriptor: number, name: SocketOptionName, family: AddressFamily): number {
    const [level, option] = optionPlace(name, family);
    return this.#readOption(descriptor, level, option);
  }

  recvBatch(descriptor: number, batch: DatagramBatch): number {
    return this.#datagrams.receive(descriptor, batch);
  }

  sendBatch(descriptor: number, batch: DatagramBatch, from: number): number {
    return this.#datagrams.send(descriptor, batch, from);
  }

  createBatch(capacity: number, datagramBytes: number): DatagramBatch {
    return this.#datagrams.create(capacity, datagramBytes);
  }

  membership(descriptor: number, group: SocketAddress, localInterface: string, join: boolean): number {
    return changeMembership(descriptor, group, localInterface, join);
  }

  localAddress(descriptor: number): SocketAddress | null {
    this.#length[0] = MAX_SOCKADDR_BYTES;
    const failed = this.#calls.getsockname(descriptor, this.#address, this.#lengthBytes);
    return failed < 0 ? null : readSockaddr(this.sockaddr, this.#address, 0, this.#length[0]);
  }

  remoteAddress(descriptor: number): SocketAddress | null {
    this.#length[0] = MAX_SOCKADDR_BYTES;
    const failed = this.#calls.getpeername(descriptor, this.#address, this.#lengthBytes);
    return failed < 0 ? null : readSockaddr(this.sockaddr, this.#address, 0, this.#length[0]);
  }

  #readOption(descriptor: number, level: number, option: number): number {
    this.#value[0] = 0;
    this.#length[0] = 4;
    const failed = result(this.#calls.getsockopt(descriptor, level, option, this.#valueBytes, this.#lengthBytes));
    return failed < 0 ? failed : (this.#value[0] ?? 0);
  }
}

/** errno is read in the very next native call; anything in between may overwrite it. */
function result(returned: number): number {
  return returned < 0 ? -lastErrno() : returned;
}
