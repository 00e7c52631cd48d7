import type { Segment } from './segment.js';

export type WireSide = 'ours' | 'peer';

/**
 * Whose ports are whose in a scenario. Every connection has a port at one end that somebody listened on, so that the
 * side of a segment follows without knowing the port that the system gave the other end.
 */
export class WireScope {
  readonly #sides = new Map<number, WireSide>();
  readonly #names = new Map<string, string>();

  own(port: number, side: WireSide): void {
    this.#sides.set(port, side);
  }

  /** What a connection of ours is called in reports. */
  name(name: string, ourPort: number, peerPort: number): void {
    this.#names.set(`${ourPort} ${peerPort}`, name);
  }

  /** Who sent it; null where it is none of the scenario's. */
  sender(segment: Segment): WireSide | null {
    const from = this.#sides.get(segment.source.port);
    if (from !== undefined) return from;
    const to = this.#sides.get(segment.destination.port);
    return to === undefined ? null : to === 'ours' ? 'peer' : 'ours';
  }

  /** The connection's name; '' where it never got one. */
  nameOf(segment: Segment, sender: WireSide): string {
    const [ours, peers] =
      sender === 'ours' ? [segment.source, segment.destination] : [segment.destination, segment.source];
    return this.#names.get(`${ours.port} ${peers.port}`) ?? '';
  }
}
