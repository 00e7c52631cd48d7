import { MAX_DATAGRAM_BYTES } from '../../port/datagram-features.js';
import type { DatagramBatch } from '../../port/datagrams.js';
import { nowMs } from '../clock.js';
import type { PeerSendResult } from '../peer-protocol.js';
import { addressOf, type PeerPlace } from './peer-place.js';

const RECEIVES_PER_TURN = 32;

/** After a receive that failed, by which nothing may have changed: it must not keep the event loop busy. */
const RETRY_MS = 5;

/** A datagram socket of the peer's on a stack. */
export class PeerDatagrams {
  readonly port: number;
  readonly #place: PeerPlace;
  readonly #number: number;
  readonly #descriptor: number;
  readonly #key: number;
  readonly #incoming: DatagramBatch;
  readonly #outgoing: DatagramBatch;
  readonly #chunks: Uint8Array[] = [];
  #closed = false;

  /** The descriptor, which is bound, is this socket's from here on. */
  constructor(place: PeerPlace, descriptor: number, number: number) {
    this.#place = place;
    this.#number = number;
    this.#descriptor = descriptor;
    this.port = place.stack.localAddress(descriptor)?.port ?? 0;
    this.#incoming = place.stack.createBatch(1, MAX_DATAGRAM_BYTES);
    this.#outgoing = place.stack.createBatch(1, MAX_DATAGRAM_BYTES);
    this.#key = place.loop.add(descriptor, () => this.#receive());
  }

  get received(): Uint8Array {
    return Buffer.concat(this.#chunks);
  }

  sendTo(data: Uint8Array, host: string, port: number): PeerSendResult {
    const { stack, report } = this.#place;
    const sinceMs = nowMs();
    this.#outgoing.clear();
    this.#outgoing.add(data, addressOf(host, port));
    const sent = this.#closed ? 0 : stack.sendBatch(this.#descriptor, this.#outgoing, 0);
    const code = this.#closed ? 'EBADF' : sent < 0 ? stack.errors.name(-sent) : '';
    report(code === '' ? 'sent' : 'sendFailed', this.#number, { bytes: data.length, code, sinceMs });
    return { code };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#place.loop.remove(this.#descriptor, this.#key);
    this.#place.stack.close(this.#descriptor);
  }

  #receive(): void {
    const { stack, loop, report } = this.#place;
    if (this.#closed) return;
    for (let call = 0; call < RECEIVES_PER_TURN; call++) {
      const got = stack.recvBatch(this.#descriptor, this.#incoming);
      if (got === -stack.again) return loop.want(this.#descriptor, true, false);
      if (got < 0) {
        report('error', this.#number, { code: stack.errors.name(-got) });
        return loop.after(RETRY_MS, () => this.#receive());
      }
      for (let i = 0; i < got; i++) {
        const bytes = this.#incoming.data(i).slice();
        this.#chunks.push(bytes);
        report('datagram', this.#number, { bytes: bytes.length, remotePort: this.#incoming.address(i).port });
      }
    }
    loop.postpone(() => this.#receive());
  }
}
