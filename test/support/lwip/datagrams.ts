import { EventEmitter } from 'node:events';
import type { Sender, UdpPeerSocket } from '../udp-peer.js';
import { closeSocket, NAME_BYTES, openDatagrams, placeOf, portOf, receiveFrom, sendTo } from './calls.js';
import { forget, watch } from './ticking.js';

const LARGEST_DATAGRAM = 65_535;

/** As much of node:dgram's Socket as the tests' peers use, over lwIP's 127.0.0.1. */
export class LwipDatagrams extends EventEmitter implements UdpPeerSocket {
  readonly #descriptor: number;
  readonly #place: Sender;

  constructor(port: number) {
    super();
    this.#descriptor = openDatagrams(port);
    this.#place = { address: '127.0.0.1', port: portOf(this.#descriptor, 'local') };
    watch(this);
  }

  address(): Sender {
    return this.#place;
  }

  send(data: Uint8Array | string, port: number, _host: string, done: (error: Error | null) => void): void {
    const sent = sendTo(this.#descriptor, Buffer.from(data), port);
    setImmediate(() => done(typeof sent === 'number' ? null : new Error(`lwip_sendto: ${sent}`)));
  }

  tick(): void {
    const bytes = Buffer.allocUnsafe(LARGEST_DATAGRAM);
    const name = new Uint8Array(NAME_BYTES);
    for (;;) {
      const got = receiveFrom(this.#descriptor, bytes, name);
      if (typeof got === 'string') return;
      this.emit('message', Buffer.from(bytes.subarray(0, got)), placeOf(name));
    }
  }

  close(done: () => void): void {
    forget(this);
    closeSocket(this.#descriptor);
    setImmediate(done);
  }
}
