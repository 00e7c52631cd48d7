import type { WireOutcome } from './cell.js';

/**
 * How a run under Wine uses a peer on the Linux side: one line of JSON a request, and one a reply, over a connection of
 * its own. Wine's own sockets cannot be the peer: they read a RST as the end of the stream.
 */
export type PeerRequest =
  | { readonly verb: 'hello' | 'accept' }
  | { readonly verb: 'unwatch'; readonly asFile: boolean }
  | { readonly verb: 'watch'; readonly port: number }
  | { readonly verb: 'wait'; readonly peer: number; readonly ms: number }
  | { readonly verb: 'recv' | 'close'; readonly peer: number }
  | { readonly verb: 'send'; readonly peer: number; readonly base64: string };

export type PeerReply =
  | { readonly error: string }
  | {
      readonly hello?: PeerHello;
      readonly peer?: number;
      readonly ready?: boolean;
      readonly got?: number | string | null;
      readonly code?: string;
      readonly wire?: WireOutcome;
      /** A capture file, in base64. */
      readonly pcap?: string;
    };

export interface PeerHello {
  /** Where connections for the peer are taken. */
  readonly port: number;
  /** The peer's system: `linux 6.18.44`. */
  readonly system: string;
  /** '' if the packets can be watched, otherwise why not. */
  readonly blind: string;
}
