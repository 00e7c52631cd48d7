import { afterEach, beforeEach } from 'node:test';
import type { Proactor } from '../../src/index.js';
import { type UdpBindOptions, UdpSocket } from '../../src/sockets/udp-socket.js';
import { assertAtRest, type DriverUnderTest } from './stage.js';
import { bindNodeDatagrams, UdpPeer } from './udp-peer.js';
import { soon } from './waiting.js';

/** What a test plays on: a proactor of its own, its sockets and their peers. All of it is taken down afterwards. */
export class UdpStage {
  readonly name: string;
  readonly proactor: Proactor;
  readonly #bindPeer: typeof bindNodeDatagrams;
  readonly #sockets: UdpSocket[] = [];
  readonly #peers = new Set<UdpPeer>();

  constructor(driver: DriverUnderTest) {
    this.name = driver.name;
    this.proactor = driver.makeProactor();
    this.#bindPeer = driver.peers?.bindDatagrams ?? bindNodeDatagrams;
  }

  /** A socket of ours, on 127.0.0.1 unless told otherwise. */
  async bind(options: UdpBindOptions = {}): Promise<UdpSocket> {
    const socket = await UdpSocket.bind({ host: '127.0.0.1', proactor: this.proactor, ...options });
    this.#sockets.push(socket);
    return socket;
  }

  async peer(host?: string, port?: number): Promise<UdpPeer> {
    const peer = new UdpPeer(await this.#bindPeer(host, port));
    this.#peers.add(peer);
    return peer;
  }

  async pair(options: UdpBindOptions = {}): Promise<{ socket: UdpSocket; peer: UdpPeer }> {
    return { socket: await this.bind(options), peer: await this.peer() };
  }

  /** A port of this machine that nobody listens on. */
  async deadPort(): Promise<number> {
    const peer = new UdpPeer(await this.#bindPeer());
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
