import { Peer, type PeerListener, type PeerSide } from '../peer.js';
import { soon } from '../waiting.js';
import { LwipDatagrams } from './datagrams.js';
import { connectLwip, LwipServer, type LwipSocket } from './socket.js';

const BACKLOG = 255;

/** A server on lwIP that hands out its connections one by one, as peers. */
class LwipListener implements PeerListener {
  readonly #server: LwipServer;
  readonly #paused: boolean;
  readonly #peers: Peer[] = [];
  readonly #waiting: ((peer: Peer) => void)[] = [];

  constructor(backlog: number, paused: boolean) {
    this.#paused = paused;
    this.#server = new LwipServer(backlog, paused, (socket) => this.#connected(socket));
  }

  get port(): number {
    return this.#server.port;
  }

  accept(): Promise<Peer> {
    const peer = this.#peers.shift();
    if (peer) return Promise.resolve(peer);
    return soon(new Promise((resolve) => this.#waiting.push(resolve)), 'a connection at the lwIP server');
  }

  async close(): Promise<void> {
    for (const peer of this.#peers) peer.socket.destroy();
    this.#server.close();
  }

  #connected(socket: LwipSocket): void {
    const peer = new Peer(socket, this.#paused);
    const next = this.#waiting.shift();
    if (next) next(peer);
    else this.#peers.push(peer);
  }
}

/** Peers on lwIP: its loopback is its own, and node:net cannot reach it. */
export const LWIP_PEERS: PeerSide = {
  listen: async ({ backlog = BACKLOG }, paused) => new LwipListener(Math.min(backlog, BACKLOG), paused),
  connect: async (where) => {
    if ('path' in where) throw new Error('lwIP has no UNIX-domain sockets');
    return new Peer(await soon(connectLwip(where.port), 'an lwIP peer to connect'));
  },
  bindDatagrams: async (_host, port = 0) => new LwipDatagrams(port),
};
