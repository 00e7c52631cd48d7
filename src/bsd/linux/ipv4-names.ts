import type { SocketAddress } from '../../port/address.js';

// A power of two. Direct-mapped: a peer that falls on another's place costs its text once more, nothing else.
const PLACES = 256;

const DOT = 46;
const ZERO = 48;

/**
 * Addresses of IPv4 peers by what the kernel writes for them. A server hears from the same peers over and over: making
 * the text once spares four conversions a datagram. The addresses are frozen, for several datagrams share one.
 */
export class Ipv4Names {
  readonly #addresses = new Uint32Array(PLACES);
  readonly #ports = new Uint32Array(PLACES);
  readonly #names: (SocketAddress | undefined)[] = new Array<undefined>(PLACES).fill(undefined);

  /** The address of four bytes in the order of the network, and its port. */
  of(bytes: number, port: number): SocketAddress {
    const place = (Math.imul(bytes ^ (port << 11), 0x9e3779b1) >>> 24) & (PLACES - 1);
    const known = this.#names[place];
    if (known !== undefined && this.#addresses[place] === bytes && this.#ports[place] === port) return known;
    const text = `${bytes >>> 24}.${(bytes >>> 16) & 255}.${(bytes >>> 8) & 255}.${bytes & 255}`;
    const name: SocketAddress = Object.freeze({ family: 'IPv4', address: text, port });
    this.#names[place] = name;
    this.#addresses[place] = bytes;
    this.#ports[place] = port;
    return name;
  }
}

/** The four bytes of a dotted address as one number; -1 where the text is none. */
export function parseIPv4(text: string): number {
  let bytes = 0;
  let part = 0;
  let digits = 0;
  let dots = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === DOT) {
      if (digits === 0 || ++dots > 3) return -1;
      bytes = bytes * 256 + part;
      part = 0;
      digits = 0;
      continue;
    }
    const digit = char - ZERO;
    // A leading zero would be octal to some (inet_addr) and decimal to others: nobody may write one.
    if (digit < 0 || digit > 9 || (digits > 0 && part === 0)) return -1;
    part = part * 10 + digit;
    digits++;
    if (part > 255) return -1;
  }
  return dots === 3 && digits > 0 ? bytes * 256 + part : -1;
}
