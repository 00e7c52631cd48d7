import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { afterEach, beforeEach } from 'node:test';
import type { Proactor } from '../../src/index.js';
import { type UdpBindOptions, UdpSocket } from '../../src/sockets/udp-socket.js';
import { assertAtRest, type DriverUnderTest } from './stage.js';
import { soon } from './waiting.js';

export interface Message {
  readonly data: Buffer;
  readonly from: RemoteInfo;
}

/** The other end: node:dgram, which is an independent user of the stack. It keeps what it received, in order. */
export class UdpPeer {
  readonly socket: Socket;
  readonly #messages: Message[] = [];
  #waiting: ((message: Message) => void)[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('message', (data, from) => {
      const next = this.#waiting.shift();
      if (next) next({ data, from });
      else this.#messages.push({ data, from });
    });
    // ICMP errors are not what the peer is for.
    socket.on('error', () => undefined);
  }

  static async bind(host = '127.0.0.1', port = 0): Promise<UdpPeer> {
    const type = host.includes(':') ? 'udp6' : 'udp4';
    const socket = createSocket({ type, reuseAddr: port !== 0, recvBufferSize: 1 << 20 });
    await soon(new Promise<void>((resolve) => socket.bind(port, host, resolve)), 'a node:dgram socket to be bound');
    return new UdpPeer(socket);
  }

  get port(): number {
    return this.socket.address().port;
  }

  /** Messages that nobody has taken. */
  get kept(): number {
    return this.#messages.length;
  }

  /** Resolves when the system has taken the datagram; on loopback it has then arrived. */
  send(data: Uint8Array | string, port: number, host = this.socket.address().address): Promise<void> {
    const sent = new Promise<void>((resolve, reject) => {
      this.socket.send(data, port, host, (error) => (error ? reject(error) : resolve()));
    });
    return soon(sent, 'the peer to send');
  }

  receive(): Promise<Message> {
    const message = this.#messages.shift();
    if (message) return Promise.resolve(message);
    return soon(new Promise((resolve) => this.#waiting.push(resolve)), 'a datagram at the peer');
  }

  async texts(count: number): Promise<string[]> {
    const texts: string[] = [];
    while (texts.length < count) texts.push((await this.receive()).data.toString());
    return texts;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.socket.close(() => resolve()));
  }
}

/** What a test plays on: a proactor of its own, its sockets and their peers. All of it is taken down afterwards. */
export class UdpStage {
  readonly name: string;
  readonly proactor: Proactor;
  readonly #sockets: UdpSocket[] = [];
  readonly #peers = new Set<UdpPeer>();

  constructor(driver: DriverUnderTest) {
    this.name = driver.name;
    this.proactor = driver.makeProactor();
  }

  /** A socket of ours, on 127.0.0.1 unless told otherwise. */
  async bind(options: UdpBindOptions = {}): Promise<UdpSocket> {
    const socket = await UdpSocket.bind({ host: '127.0.0.1', proactor: this.proactor, ...options });
    this.#sockets.push(socket);
    return socket;
  }

  async peer(host?: string, port?: number): Promise<UdpPeer> {
    const peer = await UdpPeer.bind(host, port);
    this.#peers.add(peer);
    return peer;
  }

  async pair(options: UdpBindOptions = {}): Promise<{ socket: UdpSocket; peer: UdpPeer }> {
    return { socket: await this.bind(options), peer: await this.peer() };
  }

  /** A port of this machine that nobody listens on. */
  async deadPort(): Promise<number> {
    const peer = await UdpPeer.bind();
    const { port } = peer;
    await peer.close();
    return port;
  }

  async close(peer: UdpPeer): Promise<void> {
    this.#peers.delete(peer);
    await peer.close();
  }

  async clear(): Promise<void> {
    for (const socket of this.#sockets) await soon(socket.abort(), 'a socket to close at the end of the test');
    for (const peer of this.#peers) await peer.close();
    await assertAtRest(this.proactor);
    this.proactor.destroy();
  }
}

export type OnUdpStage = () => UdpStage;

/** Gives each test of the surrounding suite a stage, and clears it after the test. */
export function useUdpStage(driver: DriverUnderTest): OnUdpStage {
  let stage: UdpStage | undefined;
  beforeEach(() => {
    stage = new UdpStage(driver);
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
