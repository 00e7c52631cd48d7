import assert from 'node:assert/strict';
import { afterEach, beforeEach } from 'node:test';
import type { ConnectOptions, TcpSocketOptions } from '../../src/index.js';
import { type DriverName, type ListenOptions, type Proactor, TcpListener, TcpSocket } from '../../src/index.js';
import type { DriverSocket } from '../../src/port/driver.js';
import type { ContractLimit } from './contract-test.js';
import { NODE_PEERS, type Peer, type PeerListener, type PeerPlace, PeerServer, type PeerSide } from './peer.js';
import { soon, turn, until } from './waiting.js';

/** A driver that the contract is tried on, or the readiness driver on a stack of its own. */
export interface DriverUnderTest {
  /** The driver's name, or the stack's: `linux-poll`. */
  readonly name: string;
  readonly makeProactor: () => Proactor;
  /** Absent: node:net's. */
  readonly peers?: PeerSide;
  /** The driver, where the name is a stack's. */
  readonly driver?: DriverName;
  /** What the stack forbids. */
  readonly limits?: readonly ContractLimit[];
}

/** One of our sockets and the peer at its other end. */
export interface Connected {
  readonly socket: TcpSocket;
  readonly peer: Peer;
}

/** The stage of the test that is running. */
export type OnStage = () => Stage;

interface Closable {
  close(): Promise<unknown>;
}

/** Turns of the event loop that a proactor may take to come to rest after the last close has resolved. */
const TURNS_TO_REST = 1000;

/** What a test plays on: a proactor of its own, its sockets, and their peers. All of it is taken down afterwards. */
export class Stage {
  readonly name: string;
  /** What the sockets call their driver. */
  readonly driverName: string;
  readonly proactor: Proactor;
  readonly #driver: DriverUnderTest;
  readonly #peerSide: PeerSide;
  readonly #others: Stage[] = [];
  readonly #sockets: (TcpSocket | TcpListener)[] = [];
  readonly #peers: Closable[] = [];

  constructor(driver: DriverUnderTest) {
    this.#driver = driver;
    this.#peerSide = driver.peers ?? NODE_PEERS;
    this.name = driver.name;
    this.driverName = driver.driver ?? driver.name;
    this.proactor = driver.makeProactor();
  }

  /** A socket that connected to a peer's server. */
  async connected(options: Partial<ConnectOptions & TcpSocketOptions> = {}, paused = false): Promise<Connected> {
    const server = await this.#peerSide.listen({}, paused);
    const connecting = this.connect({ port: server.port, ...options });
    const peer = this.peer(await server.accept());
    const socket = await connecting;
    await server.close();
    return { socket, peer };
  }

  /** A socket that was accepted from a peer. */
  async accepted(options: Partial<ListenOptions> = {}): Promise<Connected & { listener: TcpListener }> {
    const listener = await this.listen(options);
    const accepting = listener.accept();
    const peer = await this.peerTo({ port: listener.port });
    const socket = this.track(await soon(accepting, 'an accept'));
    return { socket, peer, listener };
  }

  /** Two sockets of ours, connected to each other. */
  async pair(options: Partial<ConnectOptions & TcpSocketOptions> = {}): Promise<[TcpSocket, TcpSocket]> {
    const listener = await this.listen();
    const accepting = listener.accept();
    const first = await this.connect({ port: listener.port, ...options });
    const second = this.track(await soon(accepting, 'an accept'));
    await listener.close();
    return [first, second];
  }

  async connect(options: ConnectOptions & TcpSocketOptions): Promise<TcpSocket> {
    const where = options.path === undefined ? { host: '127.0.0.1' } : {};
    return this.track(await soon(TcpSocket.connect({ proactor: this.proactor, ...where, ...options }), 'a connect'));
  }

  async listen(options: Partial<ListenOptions> = {}): Promise<TcpListener> {
    const where = options.path === undefined ? { host: '127.0.0.1' } : {};
    return this.track(await TcpListener.listen({ proactor: this.proactor, ...where, ...options }));
  }

  /** A node:net server as it is, whatever the driver's peers are. */
  async nodeServer(): Promise<PeerServer> {
    const server = await PeerServer.listen({});
    this.#peers.push(server);
    return server;
  }

  /** A server of the peers' for connections of ours. */
  async server(where: PeerPlace = {}, paused = false): Promise<PeerListener> {
    const server = await this.#peerSide.listen(where, paused);
    this.#peers.push(server);
    return server;
  }

  /** A peer that connects to a listener of ours. */
  async peerTo(where: { port: number; host?: string } | { path: string }): Promise<Peer> {
    return this.peer(await this.#peerSide.connect(where));
  }

  /** Has a socket closed at the end of the test. */
  track<T extends TcpSocket | TcpListener>(socket: T): T {
    this.#sockets.push(socket);
    return socket;
  }

  peer(peer: Peer): Peer {
    this.#peers.push(peer);
    return peer;
  }

  /** A proactor that this stage neither checks nor destroys. */
  looseProactor(): Proactor {
    return this.#driver.makeProactor();
  }

  /** A stage with a proactor of its own beside this one. */
  another(): Stage {
    const stage = new Stage(this.#driver);
    this.#others.push(stage);
    return stage;
  }

  /** Takes everything down; what the test left behind fails it. A second call does nothing. */
  async clear(): Promise<void> {
    if (this.proactor.closed) return;
    try {
      for (const other of this.#others) await other.clear();
      for (const socket of this.#sockets) await soon(socket.abort(), 'a socket to close at the end of the test');
      for (const peer of this.#peers.reverse()) await peer.close();
      await assertAtRest(this.proactor);
    } finally {
      this.proactor.destroy();
    }
  }
}

/** Waits until so many bytes have arrived that nobody has received: a stack may deliver in a thread of its own. */
export function arrived(socket: TcpSocket, bytes: number): Promise<void> {
  const { handle } = socket as unknown as { readonly handle: DriverSocket };
  return until(() => socket.proactor.driver.unreadBytes(handle) >= bytes, `${bytes} bytes to arrive`);
}

/** Nothing is open, nothing is in flight, nothing is lent and no deadline is armed. */
export async function assertAtRest(proactor: Proactor): Promise<void> {
  for (let i = 0; i < TURNS_TO_REST; i++) {
    const { openSockets, pendingRequests, lentBuffers } = proactor.driver.statistics();
    if (proactor.outstanding + proactor.armedDeadlines + openSockets + pendingRequests + lentBuffers === 0) break;
    await turn();
  }
  const left = {
    outstanding: proactor.outstanding,
    armedDeadlines: proactor.armedDeadlines,
    ...proactor.driver.statistics(),
  };
  assert.deepEqual(left, {
    outstanding: 0,
    armedDeadlines: 0,
    openSockets: 0,
    pendingRequests: 0,
    lentBuffers: 0,
    staleCompletions: 0,
  });
}

/** Gives each test of the surrounding suite a stage, and clears it after the test. */
export function useStage(driver: DriverUnderTest): OnStage {
  let stage: Stage | undefined;
  beforeEach(() => {
    stage = new Stage(driver);
  });
  afterEach(async () => {
    const ended = stage;
    stage = undefined;
    await ended?.clear();
  });
  return () => {
    if (stage === undefined) throw new Error('There is no stage outside a test');
    return stage;
  };
}
