import { type AddressInfo, connect, createServer, type NetConnectOpts, type Server } from 'node:net';
import type { UdpPeerSocket } from './udp-peer.js';
import { soon } from './waiting.js';

/** How a connection ended, as seen from the peer. */
export type Ending = 'FIN' | 'RST';

/** What a peer needs of a socket: node:net's has it, and so has one over another stack than the host's. */
export interface PeerSocket {
  readonly localPort?: number | undefined;
  readonly remotePort?: number | undefined;
  on(event: 'end' | 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'data', listener: (chunk: Buffer) => void): unknown;
  listenerCount(event: 'data'): number;
  write(data: Uint8Array | string, done?: (error?: Error | null) => void): unknown;
  end(data?: Uint8Array | string): unknown;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
  resetAndDestroy(): unknown;
}

/** Hands out connections one by one, as peers. */
export interface PeerListener {
  readonly port: number;
  accept(): Promise<Peer>;
  close(): Promise<void>;
}

export interface PeerPlace {
  readonly host?: string;
  readonly path?: string;
  readonly backlog?: number;
}

/** Where peers come from: the host's own stack, or the one that is tried where it cannot reach the host's. */
export interface PeerSide {
  listen(where: PeerPlace, paused: boolean): Promise<PeerListener>;
  connect(where: { port: number; host?: string } | { path: string }): Promise<Peer>;
  /** Absent: node:dgram's. */
  bindDatagrams?(host?: string, port?: number): Promise<UdpPeerSocket>;
}

/**
 * The other end of a connection: node:net, which is an independent user of the stack. It keeps what it received and
 * what it saw of the connection's end, in order.
 */
export class Peer {
  readonly socket: PeerSocket;
  /** What happened, in order: `data 5`, `FIN`, `RST`, or the code of another error. */
  readonly seen: string[] = [];
  #chunks: Buffer[] = [];
  #buffered = 0;
  #receivedBytes = 0;
  #changed: (() => void)[] = [];

  /** `paused`: it reads nothing until `resume`, so that its window fills up. */
  constructor(socket: PeerSocket, paused = false) {
    this.socket = socket;
    socket.on('end', () => this.#saw('FIN'));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#saw(error.code === 'ECONNRESET' ? 'RST' : (error.code ?? error.message));
    });
    socket.on('close', () => this.#saw('closed'));
    if (!paused) this.resume();
  }

  /** Bytes received since the start, taken by `read` or not. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  resume(): void {
    if (this.socket.listenerCount('data') === 0) this.socket.on('data', (chunk: Buffer) => this.#keep(chunk));
    this.socket.resume();
  }

  /** The next `length` bytes. */
  async read(length: number): Promise<Buffer> {
    while (this.#buffered < length) {
      if (this.#over) throw new Error(`The peer wanted ${length} bytes, and saw: ${this.seen.join(', ')}`);
      await soon(this.#change(), `${length} bytes at the peer, which saw: ${this.seen.join(', ')}`);
    }
    const all = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
    this.#chunks = all.length > length ? [all.subarray(length)] : [];
    this.#buffered -= length;
    return all.subarray(0, length);
  }

  /** What is left up to the connection's end. */
  async readAll(): Promise<Buffer> {
    await this.ending();
    return this.read(this.#buffered);
  }

  /** The connection's end: an end of the stream is a FIN, ECONNRESET a RST. */
  async ending(): Promise<Ending> {
    for (;;) {
      const ending = this.seen.find((event) => event === 'FIN' || event === 'RST');
      if (ending !== undefined) return ending as Ending;
      if (this.#over) throw new Error(`The peer saw neither FIN nor RST: ${this.seen.join(', ')}`);
      await soon(this.#change(), `the end of the connection at the peer, which saw: ${this.seen.join(', ')}`);
    }
  }

  /**
   * The end of a connection that was closed both ways, beyond doubt. libuv takes a RST behind bytes that nobody had read
   * yet for an end (uv__stream_io: a partial read and POLLHUP), but the next send knows better: it fails at once after a
   * RST, and succeeds after a FIN.
   */
  async confirmedEnding(): Promise<Ending> {
    if ((await this.ending()) === 'RST') return 'RST';
    return this.send('?').then(
      () => 'FIN',
      () => 'RST',
    );
  }

  /** Resolves when the peer's system has taken the bytes; rejects with the peer's error. */
  send(data: Uint8Array | string): Promise<void> {
    const written = new Promise<void>((resolve, reject) => {
      this.socket.write(data, (error) => (error ? reject(error) : resolve()));
    });
    return soon(written, 'the peer to send');
  }

  /** Sends a FIN. */
  end(data?: Uint8Array | string): void {
    if (data === undefined) this.socket.end();
    else this.socket.end(data);
  }

  /** Sends a RST. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.socket.destroy();
    while (!this.seen.includes('closed')) await soon(this.#change(), 'the peer to close');
  }

  get #over(): boolean {
    return this.seen.some((event) => !event.startsWith('data'));
  }

  #keep(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    this.#receivedBytes += chunk.length;
    this.#saw(`data ${chunk.length}`);
  }

  #saw(event: string): void {
    this.seen.push(event);
    const changed = this.#changed;
    this.#changed = [];
    for (const resolve of changed) resolve();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#changed.push(resolve));
  }
}

/** A node:net server that hands out its connections one by one, as peers. */
export class PeerServer implements PeerListener {
  readonly server: Server;
  readonly #paused: boolean;
  readonly #peers: Peer[] = [];
  readonly #waiting: ((peer: Peer) => void)[] = [];

  private constructor(paused: boolean) {
    this.#paused = paused;
    this.server = createServer({ allowHalfOpen: true, pauseOnConnect: paused, noDelay: true }, (socket) => {
      const peer = new Peer(socket, this.#paused);
      const next = this.#waiting.shift();
      if (next) next(peer);
      else this.#peers.push(peer);
    });
  }

  static async listen(where: PeerPlace, paused = false): Promise<PeerServer> {
    const made = new PeerServer(paused);
    const listening = new Promise<void>((resolve, reject) => {
      made.server.once('error', reject);
      if (where.path !== undefined) made.server.listen(where.path, resolve);
      else made.server.listen(0, where.host ?? '127.0.0.1', where.backlog ?? 4096, resolve);
    });
    await soon(listening, 'a node:net server to listen');
    return made;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** The next connection. */
  accept(): Promise<Peer> {
    const peer = this.#peers.shift();
    if (peer) return Promise.resolve(peer);
    return soon(new Promise((resolve) => this.#waiting.push(resolve)), 'a connection at the node:net server');
  }

  /** Stops listening. Connections that were handed out live on. */
  async close(): Promise<void> {
    for (const peer of this.#peers) peer.socket.destroy();
    this.server.close();
  }
}

/** Connects a node:net peer. */
export async function connectPeer(where: { port: number; host?: string } | { path: string }): Promise<Peer> {
  const options: NetConnectOpts =
    'path' in where
      ? { path: where.path, allowHalfOpen: true }
      : { port: where.port, host: where.host ?? '127.0.0.1', allowHalfOpen: true, noDelay: true };
  const socket = connect(options);
  const peer = new Peer(socket);
  await soon(
    new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    }),
    'a node:net peer to connect',
  );
  return peer;
}

export const NODE_PEERS: PeerSide = {
  listen: (where, paused) => PeerServer.listen(where, paused),
  connect: connectPeer,
};
