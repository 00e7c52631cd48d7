import { ExpectationError, SkipScenario } from './expectations.js';
import type { PeerCommand, PeerEvent, PeerMessage, PeerSendResult } from './peer-protocol.js';
import { type OpenPeer, openWorkerPeer, type PeerTransport } from './peer-transport.js';

/** How long a scenario waits for something that the peer should see. Loopback takes microseconds. */
const SEEN_WITHIN_MS = 4000;

type EventTest = (events: readonly PeerEvent[]) => boolean;

interface Waiter {
  readonly test: EventTest;
  readonly resolve: () => void;
}

/** The runner's end of the peer. */
export class Peer {
  readonly #transport: PeerTransport;
  readonly #pending = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  readonly #waiters = new Set<Waiter>();
  #events: PeerEvent[] = [];
  #lastId = 0;
  #onEvent: (event: PeerEvent) => void = () => undefined;
  /** Told of each port that the peer listens on or has bound, before the scenario knows it. */
  onPort: (port: number) => Promise<void> = async () => undefined;

  constructor(open: OpenPeer = openWorkerPeer) {
    this.#transport = open({
      message: (message) => this.#received(message),
      failed: (error) => this.#failed(error),
    });
  }

  /** What has happened since the last `clear`. */
  get events(): readonly PeerEvent[] {
    return this.#events;
  }

  set onEvent(onEvent: (event: PeerEvent) => void) {
    this.#onEvent = onEvent;
  }

  request(command: PeerCommand): Promise<unknown> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#transport.post({ id, command });
    });
  }

  /** Waits until the events satisfy `test`; `what` says in an error what was expected. */
  async until(what: string, test: EventTest, withinMs = SEEN_WITHIN_MS): Promise<void> {
    if (test(this.#events)) return;
    let waiter: Waiter | undefined;
    let timer: NodeJS.Timeout | undefined;
    const happened = await new Promise<boolean>((resolve) => {
      waiter = { test, resolve: () => resolve(true) };
      this.#waiters.add(waiter);
      timer = setTimeout(() => resolve(false), withinMs);
    });
    clearTimeout(timer);
    if (waiter) this.#waiters.delete(waiter);
    if (!happened) throw new ExpectationError(what, `${describeEvents(this.#events)} within ${withinMs} ms`);
  }

  /** Listens on a free port; the system chooses it. */
  async listen(options: { host?: string; path?: string; reading?: boolean } = {}): Promise<PeerServer> {
    const { host = '127.0.0.1', reading = true, path } = options;
    const command: PeerCommand = { verb: 'listen', host, reading, ...(path === undefined ? {} : { path }) };
    const { server, port } = (await this.request(command)) as { server: number; port: number };
    if (port !== 0) await this.onPort(port);
    return new PeerServer(this, server, host, port);
  }

  async connect(
    port: number,
    options: { host?: string; path?: string; reading?: boolean } = {},
  ): Promise<PeerConnection> {
    const { host = '127.0.0.1', reading = true, path } = options;
    const command: PeerCommand = { verb: 'connect', host, port, reading, ...(path === undefined ? {} : { path }) };
    return new PeerConnection(this, (await this.request(command)) as number);
  }

  async bind(host = '127.0.0.1', port = 0): Promise<PeerDatagramSocket> {
    const bound = (await this.request({ verb: 'bind', host, port })) as { socket: number; port: number };
    await this.onPort(bound.port);
    return new PeerDatagramSocket(this, bound.socket, host, bound.port);
  }

  /** Drops everything the last scenario left at the peer's end. */
  async clear(): Promise<void> {
    await this.request({ verb: 'clear' });
    this.#events = [];
    this.#waiters.clear();
    this.#onEvent = () => undefined;
  }

  /** Lets the peer do what it has to do by now, while this thread is busy. */
  goOn(): void {
    this.#transport.goOn();
  }

  async terminate(): Promise<void> {
    await this.#transport.terminate();
  }

  #received(message: PeerMessage): void {
    if ('event' in message) {
      this.#events.push(message.event);
      this.#onEvent(message.event);
      for (const waiter of [...this.#waiters]) if (waiter.test(this.#events)) waiter.resolve();
      return;
    }
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if ('value' in message) pending?.resolve(message.value);
    else if ('cannot' in message) pending?.reject(new SkipScenario(message.cannot));
    else pending?.reject(Object.assign(new Error(`The peer failed: ${message.error}`), { code: message.code }));
  }

  #failed(error: Error): void {
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

export class PeerServer {
  readonly #peer: Peer;
  readonly #server: number;
  readonly host: string;
  readonly port: number;

  constructor(peer: Peer, server: number, host: string, port: number) {
    this.#peer = peer;
    this.#server = server;
    this.host = host;
    this.port = port;
  }

  /** The connection that came from our `localPort`; 0 is the latest of a UNIX-domain path. */
  async connectionFrom(localPort: number): Promise<PeerConnection> {
    const isIt = (event: PeerEvent) => event.kind === 'connected' && event.remotePort === localPort;
    await this.#peer.until('the peer accepts the connection', (events) => events.some(isIt));
    return new PeerConnection(this.#peer, this.#peer.events.findLast(isIt)?.connection ?? -1);
  }

  async close(): Promise<void> {
    await this.#peer.request({ verb: 'closeServer', server: this.#server });
  }
}

/** The peer's end of a connection: what it is to do, and what it saw. */
export class PeerConnection {
  readonly #peer: Peer;
  readonly number: number;

  constructor(peer: Peer, number: number) {
    this.#peer = peer;
    this.number = number;
  }

  get events(): readonly PeerEvent[] {
    return this.#peer.events.filter((event) => event.connection === this.number);
  }

  send(data: Uint8Array, plan: { afterMs?: number; thenClose?: boolean } = {}): Promise<PeerSendResult> {
    const full = { afterMs: plan.afterMs ?? 0, thenClose: plan.thenClose ?? false };
    return this.#peer.request({ verb: 'send', connection: this.number, data, plan: full }) as Promise<PeerSendResult>;
  }

  end(): Promise<unknown> {
    return this.#peer.request({ verb: 'end', connection: this.number });
  }

  reset(): Promise<unknown> {
    return this.#peer.request({ verb: 'reset', connection: this.number });
  }

  pause(): Promise<unknown> {
    return this.#peer.request({ verb: 'pause', connection: this.number });
  }

  resume(): Promise<unknown> {
    return this.#peer.request({ verb: 'resume', connection: this.number });
  }

  echo(): Promise<unknown> {
    return this.#peer.request({ verb: 'echo', connection: this.number });
  }

  received(): Promise<Uint8Array> {
    return this.#peer.request({ verb: 'received', connection: this.number }) as Promise<Uint8Array>;
  }

  get bytesSeen(): number {
    return this.events.reduce((total, event) => total + (event.kind === 'data' ? event.bytes : 0), 0);
  }

  /** Waits until the peer has so many bytes in all. */
  seesBytes(bytes: number): Promise<void> {
    return this.#peer.until(`the peer receives ${bytes} bytes`, () => this.bytesSeen >= bytes);
  }

  /** Waits until the connection has ended for the peer, and says how it ended first. */
  async ending(): Promise<'FIN' | 'RST'> {
    const isEnding = (event: PeerEvent) => event.kind === 'fin' || event.kind === 'rst';
    await this.#peer.until('the peer sees the connection end', () => this.events.some(isEnding));
    return this.events.find(isEnding)?.kind === 'fin' ? 'FIN' : 'RST';
  }

  /** Waits until nothing more can come: both directions are over at the peer's end. */
  closed(): Promise<void> {
    return this.#peer.until('the peer sees the connection close', () =>
      this.events.some((event) => event.kind === 'closed'),
    );
  }
}

export class PeerDatagramSocket {
  readonly #peer: Peer;
  readonly number: number;
  readonly host: string;
  readonly port: number;

  constructor(peer: Peer, number: number, host: string, port: number) {
    this.#peer = peer;
    this.number = number;
    this.host = host;
    this.port = port;
  }

  get datagrams(): readonly PeerEvent[] {
    return this.#peer.events.filter((event) => event.connection === this.number && event.kind === 'datagram');
  }

  sendTo(data: Uint8Array, port: number, afterMs = 0): Promise<PeerSendResult> {
    const command = { verb: 'sendTo', socket: this.number, data, host: this.host, port, afterMs } as const;
    return this.#peer.request(command) as Promise<PeerSendResult>;
  }

  /** Waits until so many datagrams have come in all. */
  sees(count: number): Promise<void> {
    return this.#peer.until(`the peer receives ${count} datagrams`, () => this.datagrams.length >= count);
  }

  received(): Promise<Uint8Array> {
    return this.#peer.request({ verb: 'received', connection: this.number }) as Promise<Uint8Array>;
  }

  close(): Promise<unknown> {
    return this.#peer.request({ verb: 'closeSocket', socket: this.number });
  }
}

/** The peer's view in a few words, for messages. */
export function describeEvents(events: readonly PeerEvent[]): string {
  if (events.length === 0) return 'it saw nothing';
  const latest = events.slice(-6).map((event) => {
    const detail = event.code !== '' ? ` ${event.code}` : event.bytes > 0 ? ` ${event.bytes} B` : '';
    return `${event.kind}${detail}`;
  });
  return `it saw ${events.length > 6 ? '… ' : ''}${latest.join(', ')}`;
}
