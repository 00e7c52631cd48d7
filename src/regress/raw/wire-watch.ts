import { nowMs } from '../clock.js';
import type { WireCapture, WireTrace } from '../wire/capture.js';
import { pcapOf } from '../wire/pcap.js';
import { BareError } from './bare-platform.js';
import type { WireOutcome } from './cell.js';

/** Somebody who sees a connection's packets. */
export interface WireWatch {
  /** From here on what our end of the connection sends is kept. */
  begin(localPort: number): Promise<WatchedConnection>;
}

export interface WatchedConnection {
  /** What our end has sent since; nothing is kept from here on. With `asFile` the packets too, as a capture file. */
  end(asFile: boolean): Promise<Watched>;
}

export interface Watched {
  readonly outcome: WireOutcome;
  /** Both directions, from the first step of the close on; null where no file was asked for. */
  readonly pcap: Uint8Array | null;
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
    return {
      end: async (asFile) => {
        const trace = await this.#capture.end();
        return { outcome: outcomeOf(trace, localPort, beganMs), pcap: asFile ? pcapOf(trace.frames) : null };
      },
    };
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
