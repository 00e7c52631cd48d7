import type { Segment } from './segment.js';

/** What a close of ours says that it sent, and on which connection. */
export interface CloseClaim {
  readonly socket: string;
  /** `close()`, `abort()`, `closesocket()`. */
  readonly verb: string;
  readonly sent: 'FIN' | 'RST';
  readonly ourPort: number;
  readonly peerPort: number;
}

/**
 * `holds`: the wire shows what the close says. `contradicted`: it shows something else, and `saw` says what.
 * `undecided`: the wire cannot tell, for segments were lost or the peer had reset the connection before.
 */
export type Verdict =
  | { readonly verdict: 'holds' }
  | { readonly verdict: 'contradicted'; readonly saw: string }
  | { readonly verdict: 'undecided'; readonly saw: string };

/** Holds what a close says against what was on the wire; `dropped` is how many segments were lost. */
export function judgeClaim(claim: CloseClaim, segments: readonly Segment[], dropped: number): Verdict {
  const connection = latestConnection(claim, segments);
  const from = (port: number, flag: 'FIN' | 'RST') =>
    connection.findIndex((segment) => segment.source.port === port && segment.flags.includes(flag));
  const rst = from(claim.ourPort, 'RST');
  const peerRst = from(claim.peerPort, 'RST');
  if (peerRst !== -1 && (rst === -1 || peerRst < rst)) {
    return { verdict: 'undecided', saw: 'the peer had reset the connection' };
  }
  const absent: 'undecided' | 'contradicted' = dropped > 0 ? 'undecided' : 'contradicted';
  const fin = from(claim.ourPort, 'FIN');
  if (claim.sent === 'RST') {
    if (rst !== -1) return { verdict: 'holds' };
    return { verdict: absent, saw: `it sent ${fin === -1 ? 'neither FIN nor RST' : 'FIN and no RST'}` };
  }
  if (fin === -1)
    return { verdict: rst === -1 ? absent : 'contradicted', saw: rst === -1 ? 'it sent no FIN' : 'it sent RST' };
  // A RST that answers bytes which came after our FIN is TCP's (RFC 9293 section 3.10.7.1), not the close's.
  if (rst === -1 || answersLateBytes(connection, fin, rst, claim.peerPort)) return { verdict: 'holds' };
  return { verdict: 'contradicted', saw: rst < fin ? 'it sent RST before the FIN' : 'it sent RST after the FIN' };
}

function answersLateBytes(connection: readonly Segment[], fin: number, rst: number, peerPort: number): boolean {
  return connection
    .slice(fin + 1, Math.max(rst, fin + 1))
    .some((segment) => segment.source.port === peerPort && segment.payloadBytes > 0);
}

/** The system may give a port again: what counts is the connection that began last. */
function latestConnection({ ourPort, peerPort }: CloseClaim, segments: readonly Segment[]): readonly Segment[] {
  const own = segments.filter(
    ({ protocol, source, destination }) =>
      protocol === 'TCP' &&
      ((source.port === ourPort && destination.port === peerPort) ||
        (source.port === peerPort && destination.port === ourPort)),
  );
  const syn = own.findLastIndex(({ flags }) => flags.includes('SYN') && !flags.includes('ACK'));
  return syn === -1 ? own : own.slice(syn);
}
