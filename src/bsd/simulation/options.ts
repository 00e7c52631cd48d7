import * as c from '../../../native-bindings/linux/constants.js';
import { ECONNRESET, EFAULT, EINVAL, ENOPROTOOPT, EPIPE } from '../../../native-bindings/linux/errno.js';
import { ipv6_mreq, linger } from '../../../native-bindings/linux/structs.js';
import type { NativeValue } from '../library/library.js';
import type { StackConstants, StackProfile } from '../profile/profile.js';
import type { SimulatedSocket } from './descriptors.js';
import type { ErrorReporter } from './errors.js';
import type { SimulationFlags } from './flags.js';
import type { HostSockets } from './host.js';
import { bytesAt, type Integers } from './memory.js';

/** What an option's value is: that decides how it is translated. */
type OptionKind = 'int' | 'byteOrInt' | 'linger' | 'error' | 'type' | 'bytes' | 'group6' | 'nonBlocking';

interface Place {
  readonly kind: OptionKind;
  readonly level: number;
  readonly name: number;
}

type Row = readonly [
  stackLevel: keyof StackConstants,
  stackName: keyof StackConstants,
  kind: OptionKind,
  level: number,
  name: number,
];

const ROWS: readonly Row[] = [
  ['SOL_SOCKET', 'SO_ERROR', 'error', c.SOL_SOCKET, c.SO_ERROR],
  ['SOL_SOCKET', 'SO_LINGER', 'linger', c.SOL_SOCKET, c.SO_LINGER],
  ['SOL_SOCKET', 'SO_TYPE', 'type', c.SOL_SOCKET, c.SO_TYPE],
  ['SOL_SOCKET', 'SO_REUSEADDR', 'int', c.SOL_SOCKET, c.SO_REUSEADDR],
  ['SOL_SOCKET', 'SO_REUSEPORT', 'int', c.SOL_SOCKET, c.SO_REUSEPORT],
  ['SOL_SOCKET', 'SO_KEEPALIVE', 'int', c.SOL_SOCKET, c.SO_KEEPALIVE],
  ['SOL_SOCKET', 'SO_BROADCAST', 'int', c.SOL_SOCKET, c.SO_BROADCAST],
  ['SOL_SOCKET', 'SO_SNDBUF', 'int', c.SOL_SOCKET, c.SO_SNDBUF],
  ['SOL_SOCKET', 'SO_RCVBUF', 'int', c.SOL_SOCKET, c.SO_RCVBUF],
  ['IPPROTO_TCP', 'TCP_NODELAY', 'int', c.IPPROTO_TCP, c.TCP_NODELAY],
  ['IPPROTO_TCP', 'TCP_KEEPIDLE', 'int', c.IPPROTO_TCP, c.TCP_KEEPIDLE],
  ['IPPROTO_TCP', 'TCP_KEEPINTVL', 'int', c.IPPROTO_TCP, c.TCP_KEEPINTVL],
  ['IPPROTO_TCP', 'TCP_KEEPCNT', 'int', c.IPPROTO_TCP, c.TCP_KEEPCNT],
  ['IPPROTO_TCP', 'TCP_USER_TIMEOUT', 'int', c.IPPROTO_TCP, c.TCP_USER_TIMEOUT],
  ['IPPROTO_IPV6', 'IPV6_V6ONLY', 'int', c.IPPROTO_IPV6, c.IPV6_V6ONLY],
  ['IPPROTO_IPV6', 'IPV6_UNICAST_HOPS', 'int', c.IPPROTO_IPV6, c.IPV6_UNICAST_HOPS],
  ['IPPROTO_IPV6', 'IPV6_MULTICAST_HOPS', 'int', c.IPPROTO_IPV6, c.IPV6_MULTICAST_HOPS],
  ['IPPROTO_IPV6', 'IPV6_MULTICAST_LOOP', 'int', c.IPPROTO_IPV6, c.IPV6_MULTICAST_LOOP],
  ['IPPROTO_IPV6', 'IPV6_JOIN_GROUP', 'group6', c.IPPROTO_IPV6, c.IPV6_JOIN_GROUP],
  ['IPPROTO_IPV6', 'IPV6_LEAVE_GROUP', 'group6', c.IPPROTO_IPV6, c.IPV6_LEAVE_GROUP],
  ['IPPROTO_IP', 'IP_TTL', 'int', c.IPPROTO_IP, c.IP_TTL],
  // One byte on the BSDs, an int elsewhere: ip(4).
  ['IPPROTO_IP', 'IP_MULTICAST_TTL', 'byteOrInt', c.IPPROTO_IP, c.IP_MULTICAST_TTL],
  ['IPPROTO_IP', 'IP_MULTICAST_LOOP', 'byteOrInt', c.IPPROTO_IP, c.IP_MULTICAST_LOOP],
  // ip_mreq: two addresses in network order.
  ['IPPROTO_IP', 'IP_ADD_MEMBERSHIP', 'bytes', c.IPPROTO_IP, c.IP_ADD_MEMBERSHIP],
  ['IPPROTO_IP', 'IP_DROP_MEMBERSHIP', 'bytes', c.IPPROTO_IP, c.IP_DROP_MEMBERSHIP],
];

/** What 3DS's SO_ERROR says long after the connect is over: EINPROGRESS, in the numbers of another layer. */
const STALE_ERROR = -26;

/** getsockopt and setsockopt between the simulated stack's numbers and layouts and the host's. */
export class Options {
  readonly #profile: StackProfile;
  readonly #flags: SimulationFlags;
  readonly #integers: Integers;
  readonly #errors: ErrorReporter;
  readonly #host: HostSockets;
  readonly #value = new Int32Array(2);
  readonly #bytes = new Uint8Array(this.#value.buffer);
  readonly #places = new Map<string, Place>();

  constructor(
    profile: StackProfile,
    flags: SimulationFlags,
    integers: Integers,
    errors: ErrorReporter,
    host: HostSockets,
  ) {
    this.#profile = profile;
    this.#flags = flags;
    this.#integers = integers;
    this.#errors = errors;
    this.#host = host;
    const { constants, nonBlocking } = profile;
    for (const [stackLevel, stackName, kind, level, name] of ROWS) {
      const number = constants[stackName];
      if (typeof number === 'number') this.#places.set(`${constants[stackLevel]} ${number}`, { kind, level, name });
    }
    if (nonBlocking.by === 'option') {
      const place: Place = { kind: 'nonBlocking', level: 0, name: 0 };
      this.#places.set(`${constants.SOL_SOCKET} ${nonBlocking.option}`, place);
    }
  }

  set(socket: SimulatedSocket, level: number, name: number, value: NativeValue, length: number): number {
    const place = this.#places.get(`${level} ${name}`);
    if (place === undefined || place.kind === 'error' || place.kind === 'type') return -ENOPROTOOPT;
    const bytes = bytesAt(value, length);
    if (bytes === null) return -EFAULT;
    if (place.kind === 'bytes') return this.#host.setOption(socket.host, place.level, place.name, bytes);
    if (place.kind === 'group6') return this.#changeGroup(socket, place, bytes);
    if (place.kind === 'linger') return this.#setLinger(socket, bytes);
    const number = this.#readNumber(place.kind, bytes);
    if (number === null) return -EINVAL;
    if (place.kind === 'nonBlocking') {
      socket.blocking = number === 0;
      return 0;
    }
    this.#value[0] = number;
    const word = this.#bytes.subarray(0, 4);
    const isReuse = place.level === c.SOL_SOCKET && place.name === c.SO_REUSEADDR;
    // What Winsock does for SO_REUSEADDR, Linux does for SO_REUSEPORT: both sockets listen.
    if (isReuse && this.#flags.reuseAddressHijacks)
      this.#host.setOption(socket.host, place.level, c.SO_REUSEPORT, word);
    return this.#host.setOption(socket.host, place.level, place.name, word);
  }

  get(socket: SimulatedSocket, level: number, name: number, value: NativeValue, lengthPointer: NativeValue): number {
    const place = this.#places.get(`${level} ${name}`);
    if (place === undefined || place.kind === 'bytes' || place.kind === 'group6') return -ENOPROTOOPT;
    const lengthBytes = bytesAt(lengthPointer, 4);
    if (lengthBytes === null) return -EFAULT;
    const length = place.kind === 'linger' ? (this.#profile.layouts.linger?.size ?? 0) : 4;
    if (length === 0) return -ENOPROTOOPT;
    const room = this.#integers.readInt32(lengthBytes);
    if (room < length) return -EINVAL;
    const target = bytesAt(value, length);
    if (target === null) return -EFAULT;
    const failed = this.#read(socket, place, target);
    if (failed < 0) return failed;
    this.#integers.writeInt32(lengthBytes, length);
    return 0;
  }

  /** The pending error of a socket, Linux's number; it is cleared. */
  takeError(socket: SimulatedSocket): number {
    const error = socket.latched === 0 ? this.#host.takeError(socket.host) : socket.latched;
    socket.latched = 0;
    if (error !== 0 && socket.connecting) {
      socket.connecting = false;
      socket.connectFailed = error !== ECONNRESET && error !== EPIPE;
    }
    return error;
  }

  #read(socket: SimulatedSocket, place: Place, target: Uint8Array): number {
    switch (place.kind) {
      case 'error':
        return this.#readError(socket, target);
      case 'nonBlocking':
        this.#integers.writeInt32(target, socket.blocking ? 0 : 1);
        return 0;
      case 'linger':
        return this.#getLinger(socket, target);
      default: {
        const got = this.#host.getOption(socket.host, place.level, place.name, this.#bytes.subarray(0, 4));
        if (got < 0) return got;
        const number = got === 1 ? (this.#bytes[0] ?? 0) : (this.#value[0] ?? 0);
        this.#integers.writeInt32(target, place.kind === 'type' ? this.#typeOf(number) : number);
        return 0;
      }
    }
  }

  #readError(socket: SimulatedSocket, target: Uint8Array): number {
    if (this.#flags.soErrorMissing) return -ENOPROTOOPT;
    if (this.#flags.soErrorStale) {
      this.#integers.writeInt32(target, STALE_ERROR);
      return 0;
    }
    const error = this.takeError(socket);
    this.#integers.writeInt32(target, error === 0 ? 0 : this.#errors.numberFor(socket, error));
    return 0;
  }

  #typeOf(host: number): number {
    const { SOCK_STREAM, SOCK_DGRAM } = this.#profile.constants;
    return (host === c.SOCK_STREAM) === !this.#flags.socketTypesSwapped ? SOCK_STREAM : SOCK_DGRAM;
  }

  #readNumber(kind: OptionKind, bytes: Uint8Array): number | null {
    if (bytes.length >= 4) return this.#integers.readInt32(bytes);
    return kind === 'byteOrInt' && bytes.length === 1 ? (bytes[0] ?? 0) : null;
  }

  /** ipv6_mreq: the group in network order, then the interface's index. */
  #changeGroup(socket: SimulatedSocket, place: Place, bytes: Uint8Array): number {
    const { ipv6mr_interface } = ipv6_mreq.offset;
    if (bytes.length < ipv6_mreq.size) return -EINVAL;
    const request = bytes.slice(0, ipv6_mreq.size);
    const index = this.#integers.readInt32(bytes, ipv6mr_interface);
    new DataView(request.buffer).setInt32(ipv6mr_interface, index, true);
    return this.#host.setOption(socket.host, place.level, place.name, request);
  }

  #setLinger(socket: SimulatedSocket, bytes: Uint8Array): number {
    const layout = this.#profile.layouts.linger;
    if (layout === null) return -ENOPROTOOPT;
    if (bytes.length < layout.size) return -EINVAL;
    const onOff = this.#integers.read(bytes, 0, layout.onOff);
    const seconds = this.#integers.read(bytes, 0, layout.seconds);
    // Asked now and not at the close: whoever wants a RST closes right after this.
    const isReset = onOff !== 0 && seconds === 0;
    if (this.#flags.lingerZeroNoRst && isReset && this.#host.unacknowledgedBytes(socket.host) === 0) return 0;
    this.#value[0] = onOff;
    this.#value[1] = seconds;
    return this.#host.setOption(socket.host, c.SOL_SOCKET, c.SO_LINGER, this.#bytes);
  }

  #getLinger(socket: SimulatedSocket, target: Uint8Array): number {
    const layout = this.#profile.layouts.linger;
    if (layout === null) return -ENOPROTOOPT;
    const got = this.#host.getOption(socket.host, c.SOL_SOCKET, c.SO_LINGER, this.#bytes);
    if (got < 0) return got;
    target.fill(0);
    this.#integers.write(target, 0, layout.onOff, this.#value[linger.offset.l_onoff >> 2] ?? 0);
    this.#integers.write(target, 0, layout.seconds, this.#value[linger.offset.l_linger >> 2] ?? 0);
    return 0;
  }
}
