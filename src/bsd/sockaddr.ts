import type { SocketAddress } from '../port/address.js';
import { readIPv4, readIPv6, writeIPv4, writeIPv6 } from './ip-text.js';

/** How a stack lays out socket addresses: the facts in which BSD descendants differ. */
export interface SockaddrLayout {
  readonly AF_UNIX: number;
  readonly AF_INET: number;
  readonly AF_INET6: number;
  /** 4.4BSD's: one byte of length, then one byte of family, where others have two bytes of family. */
  readonly hasLength: boolean;
  readonly bigEndian: boolean;
  /** Bytes of sun_path, the final NUL included. */
  readonly unixPathBytes: number;
  /** Bytes of sockaddr_in and of sockaddr_in6 where a stack wants others than most: 16 and 28. */
  readonly inBytes?: number;
  readonly in6Bytes?: number;
}

/** Room for any address: sizeof(struct sockaddr_storage). */
export const MAX_SOCKADDR_BYTES = 128;

const IN_BYTES = 16;
const IN6_BYTES = 28;
const UNIX_PATH_OFFSET = 2;

/** Writes `address` as the stack's sockaddr at `at`; gives the number of bytes written. */
export function writeSockaddr(layout: SockaddrLayout, address: SocketAddress, target: Uint8Array, at: number): number {
  switch (address.family) {
    case 'IPv4': {
      const length = layout.inBytes ?? IN_BYTES;
      target.fill(0, at, at + length);
      writeHead(layout, layout.AF_INET, length, target, at);
      writePort(address.port, target, at + 2);
      writeIPv4(address.address, target, at + 4);
      return length;
    }
    case 'IPv6': {
      const length = layout.in6Bytes ?? IN6_BYTES;
      target.fill(0, at, at + length);
      writeHead(layout, layout.AF_INET6, length, target, at);
      writePort(address.port, target, at + 2);
      writeIPv6(address.address, target, at + 8);
      new DataView(target.buffer, target.byteOffset).setUint32(at + 24, address.scopeId ?? 0, !layout.bigEndian);
      return length;
    }
    case 'unix': {
      const path = Buffer.from(address.address);
      // An abstract name (Linux, a leading NUL) has no terminator and may fill the field.
      const terminator = path[0] === 0 ? 0 : 1;
      const length = UNIX_PATH_OFFSET + path.length + terminator;
      target.fill(0, at, at + length);
      writeHead(layout, layout.AF_UNIX, length, target, at);
      target.set(path, at + UNIX_PATH_OFFSET);
      return length;
    }
  }
}

/** Reads the sockaddr of `length` bytes at `at`; null where the family is not one of ours. */
export function readSockaddr(
  layout: SockaddrLayout,
  source: Uint8Array,
  at: number,
  length: number,
): SocketAddress | null {
  if (length < UNIX_PATH_OFFSET) return null;
  const family = readFamily(layout, source, at);
  if (family === layout.AF_INET) {
    return { family: 'IPv4', address: readIPv4(source, at + 4), port: readPort(source, at + 2) };
  }
  if (family === layout.AF_INET6) {
    const scopeId = new DataView(source.buffer, source.byteOffset).getUint32(at + 24, !layout.bigEndian);
    const base = { family: 'IPv6', address: readIPv6(source, at + 8), port: readPort(source, at + 2) } as const;
    return scopeId === 0 ? base : { ...base, scopeId };
  }
  if (family !== layout.AF_UNIX) return null;
  const path = Buffer.from(source.buffer, source.byteOffset + at + UNIX_PATH_OFFSET, length - UNIX_PATH_OFFSET);
  const end = path[0] === 0 ? -1 : path.indexOf(0);
  return { family: 'unix', address: path.toString('utf8', 0, end === -1 ? path.length : end), port: 0 };
}

function writeHead(layout: SockaddrLayout, family: number, length: number, target: Uint8Array, at: number): void {
  target[at] = layout.hasLength ? length : layout.bigEndian ? family >>> 8 : family & 0xff;
  target[at + 1] = layout.hasLength || layout.bigEndian ? family & 0xff : family >>> 8;
}

function readFamily(layout: SockaddrLayout, source: Uint8Array, at: number): number {
  const first = source[at] ?? 0;
  const second = source[at + 1] ?? 0;
  if (layout.hasLength) return second;
  return layout.bigEndian ? (first << 8) | second : first | (second << 8);
}

function writePort(port: number, target: Uint8Array, at: number): void {
  target[at] = port >>> 8;
  target[at + 1] = port & 0xff;
}

function readPort(source: Uint8Array, at: number): number {
  return ((source[at] ?? 0) << 8) | (source[at + 1] ?? 0);
}
