import type { DriverName } from '../port/driver.js';
import type { Proactor } from '../port/proactor.js';
import type { OverlappedSocket } from '../sockets/overlapped-socket.js';
import { type ListenOptions, TcpListener } from '../sockets/tcp-listener.js';
import { TcpSocket, type TcpSocketOptions } from '../sockets/tcp-socket.js';
import { UdpSocket } from '../sockets/udp-socket.js';
import { nowMs, waitMs } from './clock.js';
import { ExpectationError, type Settled, SkipScenario, settled } from './expectations.js';
import { descriptorLimit } from './machine.js';
import type { Peer, PeerConnection, PeerDatagramSocket, PeerServer } from './peer.js';
import type { Trace } from './trace.js';
import { TracedTcp } from './traced-tcp.js';
import { TracedUdp } from './traced-udp.js';

/** Both ends of a connection. */
export interface Pair {
  readonly ours: TracedTcp;
  readonly peer: PeerConnection;
}

export interface PairOptions extends TcpSocketOptions {
  /** Whether the peer reads what arrives (the default), or leaves it in the kernel. */
  readonly reading?: boolean;
  readonly host?: string;
}

/** Descriptors that the process needs for itself and for the peer's thread. */
const RESERVED_DESCRIPTORS = 48;

const NAMES = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** What a scenario works with: a proactor of its own, the peer, and expectations. */
export class ScenarioContext {
  readonly driver: DriverName;
  readonly proactor: Proactor;
  readonly peer: Peer;
  readonly trace: Trace;
  /** Expectations that held, in order. */
  readonly held: string[] = [];
  /** Sockets that the stack has in all, where that is fewer than the process may have. */
  mostSockets = Number.POSITIVE_INFINITY;
  /** Told of the ports that are ours, before anybody sends there. */
  onPorts: (ports: readonly number[]) => Promise<void> = async () => undefined;
  readonly #sockets = new Set<OverlappedSocket>();
  readonly #servers = new Map<string, PeerServer>();
  #named = 0;

  constructor(driver: DriverName, proactor: Proactor, peer: Peer, trace: Trace) {
    this.driver = driver;
    this.proactor = proactor;
    this.peer = peer;
    this.trace = trace;
  }

  /** Connects a socket of ours to the peer. */
  async pair(options: PairOptions = {}): Promise<Pair> {
    const { reading = true, host = '127.0.0.1', ...socketOptions } = options;
    const server = await this.#server(host, reading);
    const name = this.nextName();
    const connect = () => TcpSocket.connect({ ...socketOptions, host, port: server.port, proactor: this.proactor });
    const socket = this.keep(await this.trace.operation(name, 'connect', '', connect));
    const peer = await server.connectionFrom(socket.localAddress?.port ?? 0);
    this.trace.name(peer.number, name);
    return { ours: new TracedTcp(this.trace, name, socket), peer };
  }

  /** A connected socket of ours under a name of its own, with the peer's end of it. */
  traced(socket: TcpSocket, peer: PeerConnection): TracedTcp {
    const name = this.nextName();
    this.trace.name(peer.number, name);
    return new TracedTcp(this.trace, name, socket);
  }

  /** A listener of ours. */
  async listen(options: ListenOptions = {}): Promise<TcpListener> {
    const listener = await this.#listener(options);
    await this.onPorts([listener.port]);
    return listener;
  }

  /** Listeners of ours, as many as the process may open. */
  async listeners(count: number): Promise<TcpListener[]> {
    const listeners: TcpListener[] = [];
    for (let i = 0; i < Math.min(count, this.affordableSockets()); i++) listeners.push(await this.#listener({}));
    await this.onPorts(listeners.map((listener) => listener.port));
    return listeners;
  }

  /**
   * The port of a listener whose queue of connections is full and that accepts none: the kernel leaves further
   * connects unanswered.
   */
  async fullListener(): Promise<number> {
    const listener = await this.listen({ backlog: 1 });
    const { port } = listener;
    for (let i = 0; i < 8; i++) {
      const filling = TcpSocket.connect({ host: '127.0.0.1', port, timeoutMs: 50, proactor: this.proactor });
      const outcome = await settled(filling);
      if ('error' in outcome) return port;
      this.keep(outcome.value);
    }
    return this.notApplicable('this platform answers connects that its listener has no room for');
  }

  /** So many sockets the process may still open: a shell's limit may be as low as 64 descriptors. */
  affordableSockets(): number {
    const used = this.proactor.driver.statistics().openSockets;
    return Math.max(Math.min(descriptorLimit() - RESERVED_DESCRIPTORS, this.mostSockets) - used, 4);
  }

  /** Accepts what the peer's connect brings. */
  async acceptedPair(listener: TcpListener, options: { reading?: boolean } = {}): Promise<Pair> {
    const name = this.nextName();
    const accepting = this.trace.operation(name, 'accept', '', () => listener.accept({ timeoutMs: 4000 }));
    const [peer, socket] = await Promise.all([this.peer.connect(listener.port, options), accepting]);
    this.trace.name(peer.number, name);
    return { ours: new TracedTcp(this.trace, name, this.keep(socket)), peer };
  }

  /** Has the runner close the socket if the scenario does not get to it. */
  keep<T extends OverlappedSocket>(socket: T): T {
    this.#sockets.add(socket);
    return socket;
  }

  nextName(): string {
    const index = this.#named++;
    return NAMES[index] ?? `S${index + 1}`;
  }

  /** Something must be so; `saw` says what is there instead. */
  expect(what: string, holds: boolean, saw: string): void {
    if (!holds) throw new ExpectationError(what, saw);
    this.held.push(what);
  }

  expectEqual<T extends string | number | boolean | bigint>(what: string, actual: T, expected: T): void {
    this.expect(what, actual === expected, `it is ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
  }

  /** The outcome must be the error with this code; '' is success. */
  expectCode(what: string, outcome: Settled<unknown>, code: string): void {
    const saw = 'error' in outcome ? `it failed: ${outcome.code}: ${outcome.error.message}` : 'it succeeded';
    this.expect(what, outcome.code === code, saw);
  }

  expectBytes(what: string, actual: Uint8Array, expected: Uint8Array): void {
    let same = 0;
    while (same < actual.length && same < expected.length && actual[same] === expected[same]) same++;
    const equal = same === actual.length && same === expected.length;
    this.expect(what, equal, `${actual.length} of ${expected.length} bytes came, and they differ from byte ${same} on`);
  }

  /** How the connection ended for the peer must be this. */
  async expectEnding(connection: PeerConnection, ending: 'FIN' | 'RST'): Promise<void> {
    const seen = await connection.ending();
    this.expect(`the peer sees ${ending}`, seen === ending, `it saw ${seen}`);
  }

  /** The value of an outcome that must be a success. */
  success<T>(what: string, outcome: Settled<T>): T {
    this.expectCode(what, outcome, '');
    return (outcome as { value: T }).value;
  }

  /** A UDP socket of ours, and one of the peer's. */
  async udp(): Promise<{ ours: TracedUdp; peer: PeerDatagramSocket }> {
    const name = this.nextName();
    const peer = await this.peer.bind();
    const socket = this.keep(await UdpSocket.bind({ host: '127.0.0.1', proactor: this.proactor }));
    await this.onPorts([socket.port]);
    this.trace.connection(name, socket.port, peer.port);
    this.trace.name(peer.number, name);
    return { ours: new TracedUdp(this.trace, name, socket), peer };
  }

  /**
   * Keeps this thread from hearing anything for so long. Afterwards the event loop looks at its timers before it looks
   * at its sockets: a deadline that passed meanwhile is noticed before the data that arrived meanwhile. The peer is
   * not deaf, wherever it lives.
   */
  async deafen(durationMs: number): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    const untilMs = nowMs() + durationMs;
    while (nowMs() < untilMs) this.peer.goOn();
  }

  wait(durationMs: number): Promise<void> {
    return waitMs(durationMs);
  }

  notApplicable(reason: string): never {
    throw new SkipScenario(reason);
  }

  /** Closes what the scenario left open; the driver must then hold nothing any more. */
  async tidy(): Promise<void> {
    await Promise.all([...this.#sockets].map((socket) => socket.abort()));
    this.#sockets.clear();
  }

  async #listener(options: ListenOptions): Promise<TcpListener> {
    return this.keep(await TcpListener.listen({ host: '127.0.0.1', proactor: this.proactor, ...options }));
  }

  async #server(host: string, reading: boolean): Promise<PeerServer> {
    const key = `${host} ${reading}`;
    const server = this.#servers.get(key) ?? (await this.peer.listen({ host, reading }));
    this.#servers.set(key, server);
    return server;
  }
}
