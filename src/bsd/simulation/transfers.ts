import * as c from '../../../native-bindings/linux/constants.js';
import * as errno from '../../../native-bindings/linux/errno.js';
import type { NativeValue } from '../library/library.js';
import { MAX_SOCKADDR_BYTES } from '../sockaddr.js';
import type { SimulatedSocket } from './descriptors.js';
import { bytesAt } from './memory.js';
import type { World } from './world.js';

// Errors that came back for one socket and nobody read: more than that are left for the next call.
const MAX_ERRORS_DRAINED = 64;

const NOWHERE = new Uint8Array(0);

/** Receiving and sending. Results are bytes, or the negated number of Linux's error. */
export class Transfers {
  readonly #world: World;
  readonly #address = new Uint8Array(MAX_SOCKADDR_BYTES);
  readonly #length = new Uint32Array(1);
  readonly #lengthBytes = new Uint8Array(this.#length.buffer);
  readonly #scrap = new Uint8Array(1);

  constructor(world: World) {
    this.#world = world;
  }

  recvfrom(
    socket: SimulatedSocket,
    pointer: NativeValue,
    length: number,
    flags: number,
    from: NativeValue,
    fromLength: NativeValue,
  ): number {
    const host = this.#hostFlags(flags);
    if (host < 0) return host;
    if (length === 0 && this.#world.flags.emptyReceiveFails) return -errno.EINVAL;
    const memory = memoryOf(pointer, length);
    if (memory === null) return -errno.EFAULT;
    const named = from !== null && from !== 0;
    if (named) {
      const refused = this.#world.addresses.checkRoom(from, fromLength);
      if (refused < 0) return refused;
    }
    let received = this.#receive(socket, memory, length, host, named);
    if (received === -errno.EAGAIN && socket.blocking && (host & c.MSG_DONTWAIT) === 0) {
      const waited = this.#world.blockFor(socket, c.POLLIN);
      if (waited < 0) return waited;
      received = this.#receive(socket, memory, length, host, named);
    }
    if (received < 0 || !named) return received;
    const name = this.#address.subarray(0, this.#length[0]);
    // A stream has nobody's name to give.
    if (name.length === 0) this.#world.integers.writeInt32(bytesAt(fromLength, 4) ?? this.#lengthBytes, 0);
    else this.#world.addresses.fromHost(name, from, fromLength);
    return received;
  }

  sendto(
    socket: SimulatedSocket,
    pointer: NativeValue,
    length: number,
    flags: number,
    to: NativeValue,
    toLength: number,
  ): number {
    const host = this.#hostFlags(flags);
    if (host < 0) return host;
    const memory = memoryOf(pointer, length);
    if (memory === null) return -errno.EFAULT;
    const address = to === null || to === 0 ? null : this.#world.addresses.toHost(to, toLength);
    if (typeof address === 'number') return address;
    if (!socket.blocking || (host & c.MSG_DONTWAIT) !== 0) return this.#send(socket, memory, length, host, address);
    let sent = 0;
    do {
      const rest = typeof memory === 'number' ? memory + sent : memory.subarray(sent);
      const more = this.#send(socket, rest, length - sent, host, address);
      if (more >= 0) sent += more;
      else if (more !== -errno.EAGAIN) return sent > 0 ? sent : more;
      else {
        const waited = this.#world.blockFor(socket, c.POLLOUT);
        if (waited < 0) return sent > 0 ? sent : waited;
      }
    } while (sent < length);
    return sent;
  }

  #receive(
    socket: SimulatedSocket,
    memory: Uint8Array | number,
    length: number,
    flags: number,
    named: boolean,
  ): number {
    const isDatagram = socket.type === c.SOCK_DGRAM;
    // A datagram socket tells of its error first, a stream after its bytes (udp(7), tcp(7)).
    if (isDatagram && socket.latched !== 0) return this.#refusal(socket, this.#takeLatch(socket));
    let received: number;
    if (named) {
      const target = typeof memory === 'number' ? (bytesAt(memory, length) ?? NOWHERE) : memory;
      this.#length[0] = this.#address.length;
      received = this.#world.host.recvfrom(socket.host, target, length, flags, this.#address, this.#lengthBytes);
    } else received = this.#world.host.recv(socket.host, memory, length, flags);
    if (isDatagram) return received < 0 ? this.#refusal(socket, received) : received;
    if (socket.latched === 0 || (received !== 0 && received !== -errno.EAGAIN)) return received;
    // EPIPE stands for a reset after the FIN: the receiving side is over already, and hears the end (tcp_reset).
    if (socket.latched === errno.EPIPE) return received;
    if (length === 0 && this.#world.host.unreadBytes(socket.host) > 0) return received;
    return this.#takeLatch(socket);
  }

  #send(
    socket: SimulatedSocket,
    memory: Uint8Array | number,
    length: number,
    flags: number,
    address: Uint8Array | null,
  ): number {
    if (socket.latched !== 0) {
      const error = this.#takeLatch(socket);
      if (!this.#belongsToReceiver(socket)) return this.#ofGoingAway(socket, error);
      socket.latched = -error;
    }
    const sent = this.#sendHost(socket, memory, length, flags, address);
    if (sent !== -errno.ECONNREFUSED || !this.#belongsToReceiver(socket)) return this.#ofGoingAway(socket, sent);
    this.#drain(socket);
    socket.latched = errno.ECONNREFUSED;
    return this.#sendHost(socket, memory, length, flags, address);
  }

  #sendHost(
    socket: SimulatedSocket,
    memory: Uint8Array | number,
    length: number,
    flags: number,
    address: Uint8Array | null,
  ): number {
    if (address === null) return this.#world.host.send(socket.host, memory, length, flags);
    const source = typeof memory === 'number' ? (bytesAt(memory, length) ?? NOWHERE) : memory;
    return this.#world.host.sendto(socket.host, source, length, flags, address);
  }

  /** macOS: whoever sends while the other side takes the connection down hears EPROTOTYPE, and the truth afterwards. */
  #ofGoingAway(socket: SimulatedSocket, sent: number): number {
    if (!this.#world.flags.sendEprototype || socket.saidPrototype || socket.type !== c.SOCK_STREAM) return sent;
    if (sent !== -errno.EPIPE && sent !== -errno.ECONNRESET) return sent;
    socket.saidPrototype = true;
    if (sent === -errno.ECONNRESET) socket.latched = errno.ECONNRESET;
    return -errno.EPROTOTYPE;
  }

  /** Winsock tells the receiver of an unconnected socket, and nobody else, that a datagram has found nobody. */
  #belongsToReceiver(socket: SimulatedSocket): boolean {
    return (this.#world.flags.udpReset ?? false) && socket.type === c.SOCK_DGRAM && !socket.hasPeer;
  }

  #refusal(socket: SimulatedSocket, failed: number): number {
    if (!this.#world.flags.udpReset || failed !== -errno.ECONNREFUSED) return failed;
    this.#drain(socket);
    return -errno.ECONNRESET;
  }

  #drain(socket: SimulatedSocket): void {
    for (let i = 0; i < MAX_ERRORS_DRAINED; i++) {
      if (this.#world.host.recv(socket.host, this.#scrap, 1, c.MSG_ERRQUEUE) < 0) break;
    }
  }

  #takeLatch(socket: SimulatedSocket): number {
    const error = socket.latched;
    socket.latched = 0;
    return -error;
  }

  /** The host's flags, or EOPNOTSUPP: a flag that the stack lacks is most likely another stack's number. */
  #hostFlags(flags: number): number {
    const { MSG_PEEK, MSG_DONTWAIT, MSG_NOSIGNAL, MSG_TRUNC } = this.#world.profile.constants;
    const known = [
      [MSG_PEEK, c.MSG_PEEK],
      [MSG_DONTWAIT, c.MSG_DONTWAIT],
      [MSG_NOSIGNAL, c.MSG_NOSIGNAL],
      [MSG_TRUNC, c.MSG_TRUNC],
    ] as const;
    let host = 0;
    let rest = flags;
    for (const [flag, hostFlag] of known) {
      if (flag === null || (flags & flag) === 0) continue;
      rest &= ~flag;
      host |= hostFlag;
    }
    return rest === 0 ? host : -errno.EOPNOTSUPP;
  }
}

/** Where a call's bytes lie: an address as it is, memory as far as it reaches; null where it does not reach. */
function memoryOf(pointer: NativeValue, length: number): Uint8Array | number | null {
  if (typeof pointer === 'number') return pointer === 0 && length > 0 ? null : pointer;
  if (pointer === null) return length > 0 ? null : NOWHERE;
  return pointer.byteLength < length ? null : pointer;
}
