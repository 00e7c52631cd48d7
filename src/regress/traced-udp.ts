import type { OperationOptions } from '../sockets/arguments.js';
import type { CloseResult } from '../sockets/overlapped-socket.js';
import type { UdpSocket } from '../sockets/udp-socket.js';
import { type Settled, settled } from './expectations.js';
import type { PeerDatagramSocket } from './peer.js';
import type { Trace } from './trace.js';
import { describeOptions } from './traced-tcp.js';

/** What a receive got: the bytes and who sent them. */
export interface Datagram {
  readonly data: Uint8Array;
  readonly port: number;
  readonly truncated: boolean;
}

/** A UdpSocket of ours whose operations are recorded. */
export class TracedUdp {
  readonly socket: UdpSocket;
  readonly name: string;
  readonly #trace: Trace;

  constructor(trace: Trace, name: string, socket: UdpSocket) {
    this.#trace = trace;
    this.name = name;
    this.socket = socket;
  }

  recvFrom(options: OperationOptions & { readonly size?: number } = {}): Promise<Settled<Datagram>> {
    const buffer = new Uint8Array(options.size ?? 2048);
    let datagram: Datagram | undefined;
    const run = async () => {
      const { bytesTransferred, address, truncated } = await this.socket.recvFrom(buffer, options);
      datagram = { data: buffer.subarray(0, bytesTransferred), port: address.port, truncated };
      return bytesTransferred;
    };
    const promise = this.#trace.operation(this.name, 'recvFrom', describeOptions(options), run);
    return settled(promise.then(() => datagram as Datagram));
  }

  sendTo(data: Uint8Array, peer: PeerDatagramSocket, options: OperationOptions = {}): Promise<Settled<number>> {
    const detail = [`${data.length} B`, describeOptions(options)].filter(Boolean).join(', ');
    const to = { host: peer.host, port: peer.port };
    return settled(this.#trace.operation(this.name, 'sendTo', detail, () => this.socket.sendTo(data, to, options)));
  }

  close(): Promise<CloseResult> {
    return this.#trace.operation(this.name, 'close()', '', () => this.socket.close());
  }

  closesocket(): Promise<CloseResult> {
    return this.#trace.operation(this.name, 'closesocket()', '', () => this.socket.closesocket());
  }
}
