import * as c from '../../../native-bindings/linux/constants.js';
import * as errno from '../../../native-bindings/linux/errno.js';
import type { NativeValue } from '../library/library.js';
import { MAX_SOCKADDR_BYTES } from '../sockaddr.js';
import { SimulatedSocket } from './descriptors.js';
import type { HostWait } from './host.js';
import type { World } from './world.js';

/** An option's value. */
const OFF = new Uint8Array(4);

/** Opening, naming, connecting and closing. Results are the host's, or the negated number of Linux's error. */
export class Connections {
  readonly #world: World;
  readonly #name = new Uint8Array(MAX_SOCKADDR_BYTES);

  constructor(world: World) {
    this.#world = world;
  }

  socket(family: number, type: number, protocol: number): number {
    const hostFamily = this.#hostFamily(family);
    if (hostFamily < 0) return hostFamily;
    const hostType = this.#hostType(type);
    if (hostType < 0) return hostType;
    return this.#world.descriptors.add((descriptor) => {
      const host = this.#world.host.socket(hostFamily, hostType, protocol);
      if (host < 0) return host;
      const socket = new SimulatedSocket(descriptor, host, hostFamily, hostType);
      if (this.#world.flags.udpReset && hostType === c.SOCK_DGRAM) this.#hearOfRefusals(socket);
      return socket;
    });
  }

  bind(socket: SimulatedSocket, pointer: NativeValue, length: number): number {
    const address = this.#world.addresses.toHost(pointer, length);
    return typeof address === 'number' ? address : this.#world.host.bind(socket.host, address);
  }

  listen(socket: SimulatedSocket, backlog: number): number {
    if (this.#world.flags.listenNeedsBacklog && backlog <= 0) return -errno.EINVAL;
    return this.#world.host.listen(socket.host, backlog);
  }

  accept(listener: SimulatedSocket, pointer: NativeValue, lengthPointer: NativeValue): number {
    const { addresses, descriptors, flags, host } = this.#world;
    const refused = addresses.checkRoom(pointer, lengthPointer);
    if (refused < 0) return refused;
    let accepted: SimulatedSocket | undefined;
    const descriptor = descriptors.add((free) => {
      const taken = this.#acceptHost(listener);
      if (taken < 0) return taken;
      accepted = new SimulatedSocket(free, taken, listener.family, listener.type);
      accepted.blocking = flags.acceptInheritsNonBlocking ? listener.blocking : true;
      return accepted;
    });
    if (accepted === undefined) return descriptor;
    if (flags.acceptForgetsNoDelay) host.setOption(accepted.host, c.IPPROTO_TCP, c.TCP_NODELAY, OFF);
    const length = host.name(accepted.host, true, this.#name);
    if (length > 0) addresses.fromHost(this.#name.subarray(0, length), pointer, lengthPointer);
    return descriptor;
  }

  connect(socket: SimulatedSocket, pointer: NativeValue, length: number): number {
    const { addresses, flags, host } = this.#world;
    const address = addresses.toHost(pointer, length);
    if (typeof address === 'number') return address;
    const connected = host.connect(socket.host, address);
    if (connected === -errno.EINPROGRESS) {
      socket.connecting = true;
      socket.connectFailed = false;
      if (socket.blocking) return this.#endOfConnect(socket);
      if (flags.connectRefusedAtOnce && this.#hasFailed(socket)) return -this.#world.options.takeError(socket);
      return flags.connectInProgressIsWouldBlock ? -errno.EAGAIN : connected;
    }
    if (connected === -errno.EALREADY) return connected;
    const failed = this.#failureOf(socket, connected);
    if (failed < 0 && failed !== -errno.EISCONN && socket.connecting) socket.connectFailed = true;
    socket.connecting = false;
    if (failed === 0) socket.hasPeer = true;
    return failed;
  }

  shutdown(socket: SimulatedSocket, how: number): number {
    const { constants } = this.#world.profile;
    const ways = [
      [constants.SHUT_RD, c.SHUT_RD],
      [constants.SHUT_WR, c.SHUT_WR],
      [constants.SHUT_RDWR, c.SHUT_RDWR],
    ] as const;
    const way = ways.find(([number]) => number === how);
    return way === undefined ? -errno.EINVAL : this.#world.host.shutdown(socket.host, way[1]);
  }

  close(descriptor: number): number {
    const closed = this.#world.descriptors.remove(descriptor);
    if (typeof closed === 'number') return closed;
    return closed.kind === 'kqueue' ? 0 : this.#world.host.close(closed.host);
  }

  /** getsockname and getpeername. */
  name(socket: SimulatedSocket, peer: boolean, pointer: NativeValue, lengthPointer: NativeValue): number {
    if (pointer === null || pointer === 0) return -errno.EFAULT;
    const length = this.#world.host.name(socket.host, peer, this.#name);
    return length < 0 ? length : this.#world.addresses.fromHost(this.#name.subarray(0, length), pointer, lengthPointer);
  }

  #acceptHost(listener: SimulatedSocket): number {
    const taken = this.#world.host.accept(listener.host);
    if (taken !== -errno.EAGAIN || !listener.blocking) return taken;
    const waited = this.#world.blockFor(listener, c.POLLIN);
    return waited < 0 ? waited : this.#world.host.accept(listener.host);
  }

  #endOfConnect(socket: SimulatedSocket): number {
    const waited = this.#world.blockFor(socket, c.POLLOUT);
    if (waited < 0) return waited;
    const error = this.#world.options.takeError(socket);
    socket.connecting = false;
    return 0 - error;
  }

  #hasFailed(socket: SimulatedSocket): boolean {
    const wait: HostWait = { descriptor: socket.host, events: 0, found: 0 };
    this.#world.host.wait([wait], 0);
    return (wait.found & c.POLLERR) !== 0;
  }

  // Linux says ECONNABORTED to a connect after one whose error has been read: here it was the simulation that read it.
  #failureOf(socket: SimulatedSocket, connected: number): number {
    if (connected !== -errno.ECONNABORTED || socket.latched === 0) return connected;
    const error = socket.latched;
    socket.latched = 0;
    return -error;
  }

  /** With IP_RECVERR an unconnected socket hears of datagrams that found nobody: ip(7). */
  #hearOfRefusals(socket: SimulatedSocket): void {
    const on = new Uint8Array(new Int32Array([1]).buffer);
    if (socket.family === c.AF_INET) this.#world.host.setOption(socket.host, c.IPPROTO_IP, c.IP_RECVERR, on);
    if (socket.family === c.AF_INET6) this.#world.host.setOption(socket.host, c.IPPROTO_IPV6, c.IPV6_RECVERR, on);
  }

  #hostFamily(family: number): number {
    const { AF_INET, AF_INET6, AF_UNIX } = this.#world.profile.constants;
    if (family === AF_INET) return c.AF_INET;
    if (this.#world.flags.onlyIPv4) return -errno.EAFNOSUPPORT;
    if (family === AF_INET6) return c.AF_INET6;
    return family === AF_UNIX ? c.AF_UNIX : -errno.EAFNOSUPPORT;
  }

  #hostType(type: number): number {
    const { SOCK_STREAM, SOCK_DGRAM } = this.#world.profile.constants;
    const swapped = this.#world.flags.socketTypesSwapped;
    if (type === (swapped ? SOCK_DGRAM : SOCK_STREAM)) return c.SOCK_STREAM;
    return type === (swapped ? SOCK_STREAM : SOCK_DGRAM) ? c.SOCK_DGRAM : -errno.EPROTONOSUPPORT;
  }
}
