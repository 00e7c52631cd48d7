import { lastErrno } from '../../../native-bindings/ffi.js';
import * as c from '../../../native-bindings/linux/constants.js';
import { libc } from '../../../native-bindings/posix/libc.js';
import { LinuxStack } from '../../../src/bsd/linux/stack.js';
import type { SocketType } from '../../../src/port/driver.js';

export const LOOPBACK = { family: 'IPv4', address: '127.0.0.1' } as const;

/** linux/sockios.h: bytes that the kernel has not sent yet. Once it has, loopback has delivered them. */
const SIOCOUTQNSD = 0x894b;
const SETTLING_MS = 50;
const MSG_OOB = 1;
const PATIENCE_MS = 2000;
export const BUFFER_BYTES = 16_384;

/**
 * The other ends of the connections: blocking descriptors of the host's, so that what they do has been done when their
 * call returns. Loopback delivers within the call that sends; `settle` makes sure of it.
 */
export class RawPeers {
  readonly #stack = new LinuxStack();
  readonly #entry = new Int32Array(2);
  readonly #entryBytes = new Uint8Array(this.#entry.buffer);
  readonly #listener: number;
  readonly #refusing: Readonly<Record<SocketType, number>>;
  readonly port: number;
  readonly refusingPort: number;
  readonly refusingDatagramPort: number;

  constructor() {
    this.#listener = this.#bound('stream');
    this.#keepSmall(this.#listener);
    must(this.#stack.listen(this.#listener, 128), 'listen');
    this.port = this.portOf(this.#listener);
    // Bound, so that nobody else gets the port, and deaf.
    this.#refusing = { stream: this.#bound('stream'), datagram: this.#bound('datagram') };
    this.refusingPort = this.portOf(this.#refusing.stream);
    this.refusingDatagramPort = this.portOf(this.#refusing.datagram);
    must(this.#stack.close(this.#refusing.datagram), 'close');
  }

  accept(): number {
    if (!this.readable(this.#listener)) return -1;
    return must(this.#stack.accept(this.#listener), 'accept');
  }

  connect(port: number): number {
    const descriptor = must(this.#stack.socket('IPv4', 'stream', false), 'socket');
    this.#keepSmall(descriptor);
    must(this.#stack.connect(descriptor, { ...LOOPBACK, port }), 'connect');
    return descriptor;
  }

  datagramSocket(): number {
    return this.#bound('datagram');
  }

  portOf(descriptor: number): number {
    return this.#stack.localAddress(descriptor)?.port ?? 0;
  }

  /** Bytes, or the error's name. Whatever was sent has arrived. */
  send(descriptor: number, bytes: Uint8Array): number | string {
    const sent = this.#stack.send(descriptor, bytes, bytes.length);
    if (sent < 0) return this.#stack.errors.name(-sent);
    this.settle(descriptor);
    return sent;
  }

  sendUrgent(descriptor: number, bytes: Uint8Array): number | string {
    const sent = libc().send(descriptor, bytes, bytes.length, MSG_OOB | c.MSG_NOSIGNAL | c.MSG_DONTWAIT);
    if (sent < 0) return this.#stack.errors.name(lastErrno());
    this.settle(descriptor);
    return sent;
  }

  sendDatagram(descriptor: number, bytes: Uint8Array, port: number): number | string {
    must(this.#stack.connect(descriptor, { ...LOOPBACK, port }), 'connect');
    return this.send(descriptor, bytes);
  }

  /** What there is, at most `length` bytes; it waits for the first one. A string is the error's name. */
  receive(descriptor: number, length: number): Uint8Array | string {
    if (!this.readable(descriptor)) return 'nothing';
    const bytes = new Uint8Array(length);
    const received = this.#stack.recv(descriptor, bytes, length);
    return received < 0 ? this.#stack.errors.name(-received) : bytes.subarray(0, received);
  }

  shutdown(descriptor: number): void {
    this.#stack.shutdown(descriptor, 'send');
    this.settle(descriptor);
  }

  reset(descriptor: number): void {
    this.#stack.lingerZero(descriptor);
    this.#stack.close(descriptor);
  }

  close(descriptor: number): void {
    this.#stack.close(descriptor);
  }

  readable(descriptor: number, patienceMs = PATIENCE_MS): boolean {
    this.#entry[0] = descriptor;
    this.#entry[1] = c.POLLIN;
    return libc().poll(this.#entryBytes, 1, patienceMs) > 0;
  }

  /** Waits until everything is on its way, or nobody makes room for it. */
  settle(descriptor: number): void {
    const value = new Int32Array(1);
    const bytes = new Uint8Array(value.buffer);
    const end = performance.now() + SETTLING_MS;
    while (libc().ioctl(descriptor, SIOCOUTQNSD, bytes) === 0 && value[0] !== 0 && performance.now() < end) {
      libc().poll(this.#entryBytes, 0, 1);
    }
  }

  destroy(): void {
    this.#stack.close(this.#listener);
    this.#stack.close(this.#refusing.stream);
  }

  /** A full connection should not take megabytes to fill. */
  #keepSmall(descriptor: number): void {
    must(this.#stack.setOption(descriptor, 'receiveBufferBytes', BUFFER_BYTES, 'IPv4'), 'setsockopt');
  }

  #bound(type: SocketType): number {
    const descriptor = must(this.#stack.socket('IPv4', type, false), 'socket');
    must(this.#stack.bind(descriptor, { ...LOOPBACK, port: 0 }), 'bind');
    return descriptor;
  }
}

function must(result: number, call: string): number {
  if (result < 0) throw new Error(`A peer's ${call} fails: ${new LinuxStack().errors.name(-result)}`);
  return result;
}

// Byte `position` of a stream is (31 * position + stream) modulo 256, which repeats: one table holds all streams.
const STEP = 31;
/** 31 * 223 is 1 modulo 256. */
const STEP_INVERSE = 223;
const LONGEST_PATTERN = 65_536;
const table = Buffer.from(Uint8Array.from({ length: LONGEST_PATTERN + 256 }, (_, i) => Math.imul(i, STEP) & 0xff));

/** Bytes of a stream that both ends know. */
export function pattern(stream: number, position: number, length: number): Uint8Array {
  const start = (position + Math.imul(stream, STEP_INVERSE)) & 0xff;
  return table.subarray(start, start + length);
}

export function isPattern(stream: number, position: number, bytes: Uint8Array): boolean {
  return Buffer.compare(bytes, pattern(stream, position, bytes.length)) === 0;
}
