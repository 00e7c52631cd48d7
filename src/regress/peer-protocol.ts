/** What the runner asks of the peer, and what the peer reports. Plain data: it may cross a thread boundary. */

/** The peer's options of a connection: whether it reads what arrives, or leaves it in the kernel. */
export interface PeerReading {
  readonly reading: boolean;
}

export type PeerCommand =
  | ({ readonly verb: 'listen'; readonly host: string; readonly path?: string } & PeerReading)
  | ({ readonly verb: 'connect'; readonly host: string; readonly port: number; readonly path?: string } & PeerReading)
  | { readonly verb: 'closeServer'; readonly server: number }
  | { readonly verb: 'send'; readonly connection: number; readonly data: Uint8Array; readonly plan: SendPlan }
  | { readonly verb: 'end' | 'reset' | 'destroy' | 'pause' | 'resume'; readonly connection: number }
  | { readonly verb: 'received'; readonly connection: number }
  | { readonly verb: 'echo'; readonly connection: number }
  | { readonly verb: 'bind'; readonly host: string; readonly port: number }
  | {
      readonly verb: 'sendTo';
      readonly socket: number;
      readonly data: Uint8Array;
      readonly host: string;
      readonly port: number;
      readonly afterMs: number;
    }
  | { readonly verb: 'closeSocket'; readonly socket: number }
  | { readonly verb: 'clear' };

/** When the peer sends, and whether it closes its end right after the kernel took the bytes. */
export interface SendPlan {
  readonly afterMs: number;
  readonly thenClose: boolean;
}

export interface PeerRequest {
  readonly id: number;
  readonly command: PeerCommand;
}

/** How a send of the peer's ended. `code` is '' where it succeeded. */
export interface PeerSendResult {
  readonly code: string;
}

export type PeerEventKind =
  | 'connected'
  | 'data'
  | 'datagram'
  | 'fin'
  | 'rst'
  | 'error'
  | 'closed'
  | 'sent'
  | 'sendFailed'
  | 'ended'
  | 'reset';

/** Something that happened at the peer's end. */
export interface PeerEvent {
  readonly kind: PeerEventKind;
  readonly atMs: number;
  /** The connection, or the datagram socket; numbers are unique in a peer's life. */
  readonly connection: number;
  readonly bytes: number;
  /** The error's code, as Node names it. */
  readonly code: string;
  /** `sent`, `sendFailed`, and `connected` where the peer connects: when that was called. */
  readonly sinceMs: number;
  /** `connected`: the port at our end. `datagram`: the sender's. */
  readonly remotePort: number;
}

export type PeerMessage =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string; readonly code: string }
  /** What was asked for cannot be done where the peer lives: the scenario says nothing there. */
  | { readonly id: number; readonly cannot: string }
  | { readonly event: PeerEvent };
