import { lastErrno, lazyLibrary, viewOf } from '../../../native-bindings/ffi.js';
import * as c from '../../../native-bindings/lwip/sockets.js';

/** lwIP's calls as its own programs make them: the peer shares no line with the shim that is tried. */
const lwipCalls = lazyLibrary('liblwip.so.0', (library) => ({
  socket: library.func<(domain: number, type: number, protocol: number) => number>('int lwip_socket(int, int, int)'),
  bind: library.func<(s: number, address: Uint8Array, length: number) => number>(
    'int lwip_bind(int, void *, uint32_t)',
  ),
  listen: library.func<(s: number, backlog: number) => number>('int lwip_listen(int, int)'),
  accept: library.func<(s: number, address: null, length: null) => number>('int lwip_accept(int, void *, void *)'),
  connect: library.func<(s: number, address: Uint8Array, length: number) => number>(
    'int lwip_connect(int, void *, uint32_t)',
  ),
  recv: library.func<(s: number, target: Uint8Array, length: number, flags: number) => number>(
    'int64_t lwip_recv(int, void *, size_t, int)',
  ),
  send: library.func<(s: number, source: Uint8Array, length: number, flags: number) => number>(
    'int64_t lwip_send(int, void *, size_t, int)',
  ),
  recvfrom: library.func<
    (s: number, target: Uint8Array, length: number, flags: number, from: Uint8Array, room: Uint8Array) => number
  >('int64_t lwip_recvfrom(int, void *, size_t, int, void *, void *)'),
  sendto: library.func<
    (s: number, source: Uint8Array, length: number, flags: number, to: Uint8Array, toLength: number) => number
  >('int64_t lwip_sendto(int, void *, size_t, int, void *, uint32_t)'),
  sys_lock_tcpip_core: library.func<() => void>('void sys_lock_tcpip_core()'),
  sys_unlock_tcpip_core: library.func<() => void>('void sys_unlock_tcpip_core()'),
  tcp_abort: library.func<(pcb: number) => void>('void tcp_abort(uintptr_t)'),
  /** The socket's `struct lwip_sock`. */
  lwip_socket_dbg_get_socket: library.func<(s: number) => number>('uintptr_t lwip_socket_dbg_get_socket(int)'),
  shutdown: library.func<(s: number, how: number) => number>('int lwip_shutdown(int, int)'),
  close: library.func<(s: number) => number>('int lwip_close(int)'),
  fcntl: library.func<(s: number, command: number, value: number) => number>('int lwip_fcntl(int, int, int)'),
  setsockopt: library.func<(s: number, level: number, name: number, value: Uint8Array, length: number) => number>(
    'int lwip_setsockopt(int, int, int, void *, uint32_t)',
  ),
  getsockopt: library.func<(s: number, level: number, name: number, value: Uint8Array, length: Uint8Array) => number>(
    'int lwip_getsockopt(int, int, int, void *, void *)',
  ),
  getsockname: library.func<(s: number, address: Uint8Array, length: Uint8Array) => number>(
    'int lwip_getsockname(int, void *, void *)',
  ),
  getpeername: library.func<(s: number, address: Uint8Array, length: Uint8Array) => number>(
    'int lwip_getpeername(int, void *, void *)',
  ),
}));

/** Names of the numbers that a peer meets; lwIP on Linux has Linux's (arch.h, LWIP_PROVIDE_ERRNO). */
const NAMES: Readonly<Record<number, string>> = {
  11: 'EAGAIN',
  32: 'EPIPE',
  98: 'EADDRINUSE',
  103: 'ECONNABORTED',
  104: 'ECONNRESET',
  106: 'EISCONN',
  107: 'ENOTCONN',
  111: 'ECONNREFUSED',
  114: 'EALREADY',
  115: 'EINPROGRESS',
};

/** Bytes of a sockaddr_in. */
export const NAME_BYTES = 16;

/** Where `struct lwip_sock` (lwip/priv/sockets_priv.h) has its netconn, and that (lwip/api.h) its control block. */
const LWIP_SOCK_CONN = 16;
const NETCONN_PCB = 8;

/** What a call gave: 0 or more, or the code of its error. */
export type Answer = number | string;

function answer(result: number): Answer {
  if (result >= 0) return result;
  const errno = lastErrno();
  return NAMES[errno] ?? `errno ${errno}`;
}

export function openSocket(): number {
  const calls = lwipCalls();
  const descriptor = calls.socket(c.AF_INET, c.SOCK_STREAM, 0);
  if (descriptor < 0) throw new Error(`lwIP gives no socket: ${answer(descriptor)}`);
  setUp(descriptor);
  return descriptor;
}

/** What node:net's sockets are for the tests: not blocking, and without Nagle's delay. */
function setUp(descriptor: number): void {
  const calls = lwipCalls();
  calls.fcntl(descriptor, c.F_SETFL, c.O_NONBLOCK);
  calls.setsockopt(descriptor, c.IPPROTO_TCP, c.TCP_NODELAY, new Uint8Array([1, 0, 0, 0]), 4);
}

export function listenOn(descriptor: number, backlog: number): void {
  const calls = lwipCalls();
  const failed = calls.bind(descriptor, loopback(0), NAME_BYTES) || calls.listen(descriptor, backlog);
  if (failed !== 0) throw new Error(`lwIP does not listen: ${answer(failed)}`);
}

export function acceptFrom(descriptor: number): Answer {
  const accepted = answer(lwipCalls().accept(descriptor, null, null));
  if (typeof accepted === 'number') setUp(accepted);
  return accepted;
}

export function connectTo(descriptor: number, port: number): Answer {
  return answer(lwipCalls().connect(descriptor, loopback(port), NAME_BYTES));
}

export function receive(descriptor: number, target: Uint8Array): Answer {
  return answer(lwipCalls().recv(descriptor, target, target.length, c.MSG_DONTWAIT));
}

export function send(descriptor: number, source: Uint8Array): Answer {
  return answer(lwipCalls().send(descriptor, source, source.length, c.MSG_DONTWAIT));
}

export function shutSend(descriptor: number): void {
  lwipCalls().shutdown(descriptor, c.SHUT_WR);
}

export function closeSocket(descriptor: number): void {
  lwipCalls().close(descriptor);
}

/** Sends a RST. SO_LINGER {1,0} does not make lwIP send one, so lwIP's own core is told to. */
export function resetSocket(descriptor: number): void {
  const calls = lwipCalls();
  calls.sys_lock_tcpip_core();
  const pcb = pointerAt(pointerAt(calls.lwip_socket_dbg_get_socket(descriptor) + LWIP_SOCK_CONN) + NETCONN_PCB);
  if (pcb !== 0) calls.tcp_abort(pcb);
  calls.sys_unlock_tcpip_core();
  calls.close(descriptor);
}

function pointerAt(address: number): number {
  return Number(new BigUint64Array(viewOf(address, 8))[0]);
}

export function pendingError(descriptor: number): string {
  const value = new Uint8Array(4);
  lwipCalls().getsockopt(descriptor, c.SOL_SOCKET, c.SO_ERROR, value, new Uint8Array([4, 0, 0, 0]));
  const errno = value[0] ?? 0;
  return errno === 0 ? '' : (NAMES[errno] ?? `errno ${errno}`);
}

export function portOf(descriptor: number, whose: 'local' | 'remote'): number {
  const calls = lwipCalls();
  const address = new Uint8Array(16);
  const length = new Uint8Array([16, 0, 0, 0]);
  const ask = whose === 'local' ? calls.getsockname : calls.getpeername;
  return ask(descriptor, address, length) < 0 ? 0 : ((address[2] ?? 0) << 8) | (address[3] ?? 0);
}

function loopback(port: number): Uint8Array {
  return new Uint8Array([c.AF_INET, 0, port >>> 8, port & 0xff, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
}

export function openDatagrams(port: number): number {
  const calls = lwipCalls();
  const descriptor = calls.socket(c.AF_INET, c.SOCK_DGRAM, 0);
  if (descriptor < 0) throw new Error(`lwIP gives no socket: ${answer(descriptor)}`);
  calls.setsockopt(descriptor, c.SOL_SOCKET, c.SO_REUSEADDR, new Uint8Array([1, 0, 0, 0]), 4);
  const failed = calls.bind(descriptor, loopback(port), NAME_BYTES);
  if (failed !== 0) throw new Error(`lwIP binds no datagram socket: ${answer(failed)}`);
  return descriptor;
}

export function receiveFrom(descriptor: number, target: Uint8Array, from: Uint8Array): Answer {
  const room = new Uint8Array([NAME_BYTES, 0, 0, 0]);
  return answer(lwipCalls().recvfrom(descriptor, target, target.length, c.MSG_DONTWAIT, from, room));
}

export function sendTo(descriptor: number, source: Uint8Array, port: number): Answer {
  return answer(lwipCalls().sendto(descriptor, source, source.length, c.MSG_DONTWAIT, loopback(port), NAME_BYTES));
}

/** The address and the port of a sockaddr_in. */
export function placeOf(name: Uint8Array): { address: string; port: number } {
  return { address: name.subarray(4, 8).join('.'), port: ((name[2] ?? 0) << 8) | (name[3] ?? 0) };
}
