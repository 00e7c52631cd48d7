import type { WireOutcome } from './cell.js';

/** Somebody who sees a connection's packets. */
export interface WireWatch {
  /** From here on the packets of the connection between these ports of 127.0.0.1 are kept. */
  begin(localPort: number, peerPort: number): Promise<WatchedConnection>;
  close(): Promise<void>;
}

export interface WatchedConnection {
  /** What our end has sent since `beganMs`; nothing is kept from here on. */
  end(beganMs: number): Promise<WireOutcome>;
}
