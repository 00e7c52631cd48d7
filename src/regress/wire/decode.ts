import { readIPv4, readIPv6 } from '../../bsd/ip-text.js';
import { type CapturedFrame, frameAtMs } from './frame.js';
import type { Segment, TcpFlag, WireEndpoint } from './segment.js';

// Ethernet II: two addresses of six bytes and the type (IEEE 802.3).
const ETHERNET_BYTES = 14;
const TYPE_IPV4 = 0x0800;
const TYPE_IPV6 = 0x86dd;

// Protocol numbers (IANA), the same in IPv4's protocol field and IPv6's next header.
const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;

const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
const TCP_BYTES = 20;
const UDP_BYTES = 8;

/** RFC 9293 section 3.1, from the low bit on. */
const FLAGS: readonly TcpFlag[] = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR'];

/** The IP header's part of a segment, and where the next header begins. */
interface Packet {
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
  readonly at: number;
  /** Bytes of the next header and what follows it, as the IP header says. */
  readonly length: number;
}

/**
 * Reads an Ethernet frame that holds TCP or UDP over IPv4 or IPv6; null for everything else, garbage included. The
 * lengths of payloads come from the headers, since the capture keeps only the beginning of a frame.
 */
export function decodeFrame(frame: CapturedFrame, clockAheadMs: number): Segment | null {
  const { bytes } = frame;
  const packet = decodePacket(bytes, frame.wireBytes);
  if (packet === null) return null;
  const atMs = frameAtMs(frame, clockAheadMs);
  switch (packet.protocol) {
    case PROTOCOL_TCP:
      return decodeTcp(bytes, packet, atMs);
    case PROTOCOL_UDP:
      return decodeUdp(bytes, packet, atMs);
    default:
      return null;
  }
}

function decodePacket(bytes: Uint8Array, wireBytes: number): Packet | null {
  if (bytes.length < ETHERNET_BYTES) return null;
  switch (read16(bytes, 12)) {
    case TYPE_IPV4:
      return decodeIPv4(bytes, wireBytes);
    case TYPE_IPV6:
      return decodeIPv6(bytes, wireBytes);
    default:
      return null;
  }
}

/** RFC 791 section 3.1. */
function decodeIPv4(bytes: Uint8Array, wireBytes: number): Packet | null {
  const at = ETHERNET_BYTES;
  if (bytes.length < at + IPV4_BYTES) return null;
  const first = bytes[at] as number;
  const headerBytes = (first & 0x0f) * 4;
  // Only the first fragment has the ports.
  const fragmentOffset = read16(bytes, at + 6) & 0x1fff;
  if (first >>> 4 !== 4 || headerBytes < IPV4_BYTES || fragmentOffset !== 0) return null;
  // Linux leaves the length 0 in a packet of more than 64 KiB (BIG TCP): the frame's own length counts then.
  const totalBytes = read16(bytes, at + 2) || wireBytes - at;
  if (totalBytes < headerBytes) return null;
  return {
    protocol: bytes[at + 9] as number,
    source: readIPv4(bytes, at + 12),
    destination: readIPv4(bytes, at + 16),
    at: at + headerBytes,
    length: totalBytes - headerBytes,
  };
}

/** RFC 8200 section 3. Extension headers do not occur between a machine and itself, and are not followed. */
function decodeIPv6(bytes: Uint8Array, wireBytes: number): Packet | null {
  const at = ETHERNET_BYTES;
  if (bytes.length < at + IPV6_BYTES || (bytes[at] as number) >>> 4 !== 6) return null;
  return {
    protocol: bytes[at + 6] as number,
    source: readIPv6(bytes, at + 8),
    destination: readIPv6(bytes, at + 24),
    at: at + IPV6_BYTES,
    length: read16(bytes, at + 4) || Math.max(wireBytes - at - IPV6_BYTES, 0),
  };
}

/** RFC 9293 section 3.1. */
function decodeTcp(bytes: Uint8Array, packet: Packet, atMs: number): Segment | null {
  const { at, length } = packet;
  if (bytes.length < at + TCP_BYTES) return null;
  const headerBytes = ((bytes[at + 12] as number) >>> 4) * 4;
  if (headerBytes < TCP_BYTES || headerBytes > length) return null;
  const bits = bytes[at + 13] as number;
  return {
    protocol: 'TCP',
    atMs,
    ...endpoints(bytes, packet),
    flags: FLAGS.filter((_, bit) => (bits & (1 << bit)) !== 0),
    sequence: read32(bytes, at + 4),
    acknowledgement: read32(bytes, at + 8),
    window: read16(bytes, at + 14),
    payloadBytes: length - headerBytes,
  };
}

/** RFC 768. */
function decodeUdp(bytes: Uint8Array, packet: Packet, atMs: number): Segment | null {
  const { at, length } = packet;
  if (bytes.length < at + UDP_BYTES || length < UDP_BYTES) return null;
  const none = { flags: [], sequence: 0, acknowledgement: 0, window: 0 };
  return { protocol: 'UDP', atMs, ...endpoints(bytes, packet), ...none, payloadBytes: length - UDP_BYTES };
}

/** TCP and UDP both begin with the ports. */
function endpoints(bytes: Uint8Array, packet: Packet): { source: WireEndpoint; destination: WireEndpoint } {
  const { at, source, destination } = packet;
  return {
    source: { address: source, port: read16(bytes, at) },
    destination: { address: destination, port: read16(bytes, at + 2) },
  };
}

function read16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function read32(bytes: Uint8Array, at: number): number {
  return read16(bytes, at) * 0x1_0000 + read16(bytes, at + 2);
}
