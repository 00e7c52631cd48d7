/** One end of a segment: RFC 5952 text for IPv6. */
export interface WireEndpoint {
  readonly address: string;
  readonly port: number;
}

export type TcpFlag = 'FIN' | 'SYN' | 'RST' | 'PSH' | 'ACK' | 'URG' | 'ECE' | 'CWR';

/** A TCP segment or a UDP datagram that was seen on the wire. */
export interface Segment {
  readonly protocol: 'TCP' | 'UDP';
  /** On the clock of `nowMs()`, or since the scenario began where a trace says so. */
  readonly atMs: number;
  readonly source: WireEndpoint;
  readonly destination: WireEndpoint;
  /** In the header's order from the low bit on; empty for UDP. */
  readonly flags: readonly TcpFlag[];
  /** 0 for UDP, as the three that follow. */
  readonly sequence: number;
  readonly acknowledgement: number;
  /** As in the header, not scaled. */
  readonly window: number;
  readonly payloadBytes: number;
}

export function hasPort(segment: Segment, port: number): boolean {
  return segment.source.port === port || segment.destination.port === port;
}

/** `127.0.0.1:80`, `[::1]:80`. */
export function endpointText({ address, port }: WireEndpoint): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
