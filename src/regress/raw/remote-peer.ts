import { ws2_32 } from '../../../native-bindings/windows/ws2_32.js';
import { BareError, type PlainSocket } from './bare-platform.js';
import type { PeerHello, PeerReply, PeerRequest } from './peer-protocol.js';
import { checked, connectTo, type PeerSource } from './winsock-calls.js';
import type { Watched, WatchedConnection, WireWatch } from './wire-watch.js';

const CHUNK_BYTES = 4096;

/** A peer on the Linux side of Wine, asked with blocking calls over a connection of its own. */
export class RemotePeers implements PeerSource, WireWatch {
  readonly hello: PeerHello;
  readonly #socket: number;
  readonly #chunk = new Uint8Array(CHUNK_BYTES);
  #rest = '';

  /** `port`: the one that the service announced, on this machine. */
  constructor(port: number) {
    this.#socket = connectTo(port);
    const { hello } = this.ask({ verb: 'hello' });
    if (hello === undefined) throw new BareError('The peer service', 'does not say hello');
    this.hello = hello;
  }

  get port(): number {
    return this.hello.port;
  }

  accept(): PlainSocket {
    return new RemotePeer(this, this.ask({ verb: 'accept' }).peer ?? -1);
  }

  async begin(localPort: number): Promise<WatchedConnection> {
    this.ask({ verb: 'watch', port: localPort });
    return { end: async (asFile) => this.#watched(asFile) };
  }

  close(): void {
    ws2_32().closesocket(this.#socket);
  }

  ask(request: PeerRequest): Exclude<PeerReply, { error: string }> {
    const line = Buffer.from(`${JSON.stringify(request)}\n`);
    for (let sent = 0; sent < line.length; ) {
      sent += checked('send', ws2_32().send(this.#socket, line.subarray(sent), line.length - sent, 0));
    }
    const reply = JSON.parse(this.#line()) as PeerReply;
    if ('error' in reply) throw new BareError(`The peer's ${request.verb}`, reply.error);
    return reply;
  }

  #watched(asFile: boolean): Watched {
    const { wire, pcap } = this.ask({ verb: 'unwatch', asFile });
    if (wire === undefined) throw new BareError('The peer service', 'saw nothing of the wire');
    return { outcome: wire, pcap: pcap === undefined ? null : Buffer.from(pcap, 'base64') };
  }

  #line(): string {
    for (;;) {
      const end = this.#rest.indexOf('\n');
      if (end !== -1) {
        const line = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 1);
        return line;
      }
      const got = checked('recv', ws2_32().recv(this.#socket, this.#chunk, this.#chunk.byteLength, 0));
      if (got === 0) throw new BareError('The peer service', 'has gone');
      this.#rest += Buffer.from(this.#chunk.subarray(0, got)).toString('latin1');
    }
  }
}

class RemotePeer implements PlainSocket {
  readonly #service: RemotePeers;
  readonly #peer: number;
  #open = true;

  constructor(service: RemotePeers, peer: number) {
    this.#service = service;
    this.#peer = peer;
  }

  waitReadable(withinMs: number): boolean {
    return this.#service.ask({ verb: 'wait', peer: this.#peer, ms: withinMs }).ready ?? false;
  }

  recv(): number | string | null {
    return this.#service.ask({ verb: 'recv', peer: this.#peer }).got ?? null;
  }

  send(data: Uint8Array): string {
    const base64 = Buffer.from(data).toString('base64');
    return this.#service.ask({ verb: 'send', peer: this.#peer, base64 }).code ?? '';
  }

  close(): void {
    if (this.#open) this.#service.ask({ verb: 'close', peer: this.#peer });
    this.#open = false;
  }
}
