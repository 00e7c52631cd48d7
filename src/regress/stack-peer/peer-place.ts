import type { BsdStack } from '../../bsd/stack.js';
import type { SocketAddress } from '../../port/address.js';
import type { PeerEvent } from '../peer-protocol.js';
import type { PeerLoop } from './peer-loop.js';

export type ReportPeerEvent = (kind: PeerEvent['kind'], connection: number, more?: Partial<PeerEvent>) => void;

/** What all sockets of a peer share: the stack they are on, what makes them go on, and who hears of them. */
export interface PeerPlace {
  readonly stack: BsdStack;
  readonly loop: PeerLoop;
  readonly report: ReportPeerEvent;
  /** Has the close of this connection send a RST. Throws PeerCannot where the stack cannot be made to. */
  readonly makeReset: (descriptor: number) => void;
}

export function addressOf(host: string, port: number): SocketAddress {
  return { family: host.includes(':') ? 'IPv6' : 'IPv4', address: host, port };
}

/** Makes a call again for as long as signals interrupt it. */
export function uninterrupted(stack: BsdStack, call: () => number): number {
  let result = call();
  while (result === -stack.interrupted) result = call();
  return result;
}
