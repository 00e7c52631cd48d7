import { nowMs } from '../clock.js';
import type { WireCapture, WireTrace } from '../wire/capture.js';
import { BareError } from './bare-platform.js';
import type { WireOutcome } from './cell.js';

/** Somebody who sees a connection's packets. */
export interface WireWatch {
  /** From here on what our end of the connection sends is kept. */
  begin(localPort: number): Promise<WatchedConnection>;
}

export interface WatchedConnection {
  /** What our end has sent since; nothing is kept from here on. */
  end(): Promise<WireOutcome>;
}

/** Sees the packets with the capture of this machine. */
export class CaptureWatch implements WireWatch {
  readonly #capture: WireCapture;

  constructor(capture: WireCapture) {
    this.#capture = capture;
  }

  async begin(localPort: number): Promise<WatchedConnection> {
    await this.#capture.begin();
    await this.#capture.include(localPort);
    const beganMs = nowMs();
    return { end: async () => outcomeOf(await this.#capture.end(), localPort, beganMs) };
  }
}

/** FIN and RST of the segments that left the port, each where it came first: what is repeated is a retransmission. */
export function outcomeOf({ segments, dropped }: WireTrace, localPort: number, beganMs: number): WireOutcome {
  if (dropped > 0) throw new BareError('The capture', `${dropped} frames were lost`);
  const ends = segments
    .filter(({ source, flags }) => source.port === localPort && (flags.includes('FIN') || flags.includes('RST')))
    .map(({ flags, atMs }) => ({ flag: flags.includes('RST') ? 'RST' : 'FIN', atMs }));
  const [first] = ends;
  const order = [...new Set(ends.map(({ flag }) => flag))].join(' ');
  return { order, afterMs: first === undefined ? null : Math.max(first.atMs - beganMs, 0) };
}
