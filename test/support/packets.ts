import type { CapturedFrame } from '../../src/regress/wire/frame.js';
import type { Segment, TcpFlag } from '../../src/regress/wire/segment.js';

/** Bytes from hexadecimal text; spaces and line ends are for the reader. */
export function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replace(/\s+/g, ''), 'hex'));
}

export function frameOf(bytes: Uint8Array, wireBytes = bytes.length): CapturedFrame {
  return { seconds: 100, nanoseconds: 250_000_000, bytes, wireBytes };
}

/** A TCP segment from one port of 127.0.0.1 to another. */
export function tcp(from: number, to: number, flags: readonly TcpFlag[], more: Partial<Segment> = {}): Segment {
  return {
    protocol: 'TCP',
    atMs: 0,
    source: { address: '127.0.0.1', port: from },
    destination: { address: '127.0.0.1', port: to },
    flags,
    sequence: 0,
    acknowledgement: 0,
    window: 64,
    payloadBytes: 0,
    ...more,
  };
}
