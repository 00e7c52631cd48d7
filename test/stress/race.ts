import { Worker } from 'node:worker_threads';
import { type DriverName, openProactor, TcpSocket } from '../../src/index.js';
import type { Proactor } from '../../src/port/proactor.js';
import { Random } from '../support/random.js';
import { assertAtRest } from '../support/stage.js';
import { soon, turns } from '../support/waiting.js';
import { type Footprint, footprint } from './footprint.js';
import type { PeerGreeting, PeerReport, PeerSettings, RaceMessage } from './race-peer.js';
import { Racer } from './racer.js';

/** A peer on a busy machine is late, but not by this much. */
const PEER_PATIENCE_MS = 30_000;

export interface RaceOptions {
  readonly driver: DriverName;
  /** Default: openProactor() with the driver. */
  readonly makeProactor?: () => Proactor;
  readonly seed: number;
  /** Receives to start in all. */
  readonly receives: number;
  /** Connections at a time. */
  readonly sockets?: number;
  /** How often a round ends with a close, an abort or a closesocket at a random point, and a new connection. */
  readonly closeRate?: number;
  readonly onProgress?: (tally: Readonly<Tally>) => void;
}

/** How the operations ended. */
export interface Tally {
  receives: number;
  received: number;
  timedOut: number;
  aborted: number;
  /** Ended by a close of ours. */
  ended: number;
  bytes: number;
  sends: number;
  connections: number;
}

export interface RaceReport extends Tally {
  readonly seconds: number;
  /** After the warm-up, and at the end. */
  readonly before: Footprint;
  readonly after: Footprint;
}

/** What all racers share. */
export interface Race {
  readonly proactor: Proactor;
  readonly random: Random;
  readonly tally: Tally;
  readonly closeRate: number;
  readonly port: number;
  /** By lane: when its peer is to write next (see PeerSettings). */
  readonly moments: Float64Array;
  /** Whether there are receives left to start. */
  goesOn(): boolean;
  newId(): number;
  /** What the peer says of a connection once it is over. */
  greetingOf(id: number): Promise<PeerGreeting>;
  reportOf(id: number): Promise<PeerReport>;
}

const WARM_UP = 0.25;

/**
 * Receives whose timeouts, aborts and closes fall around the arrival of the bytes, on many connections at once. Every
 * byte both ways is checked against a seeded stream: one that is lost, doubled or swapped throws. Afterwards nothing may
 * be left: no operation, no slot, no descriptor, no memory.
 */
export async function runRace(options: RaceOptions): Promise<RaceReport> {
  const { seed, receives, sockets = 200, closeRate = 0.002 } = options;
  const proactor = options.makeProactor?.() ?? openProactor({ driver: options.driver });
  const moments = new SharedArrayBuffer(sockets * Float64Array.BYTES_PER_ELEMENT);
  const peers = await startPeers({ seed: seed + 1, moments });
  const tally: Tally = newTally();
  let nextId = 0;
  let limit = Math.floor(receives * WARM_UP);
  const race: Race = {
    proactor,
    random: new Random(seed),
    tally,
    closeRate,
    port: peers.port,
    moments: new Float64Array(moments),
    goesOn: () => tally.receives < limit,
    newId: () => nextId++,
    greetingOf: peers.greetingOf,
    reportOf: peers.reportOf,
  };
  const progress = setInterval(() => options.onProgress?.(tally), 1000);
  const started = performance.now();
  try {
    await runRound(race, sockets);
    const before = await footprint(proactor);
    limit = receives;
    await runRound(race, sockets);
    const after = await footprint(proactor);
    return { ...tally, seconds: (performance.now() - started) / 1000, before, after };
  } finally {
    clearInterval(progress);
    await peers.stop();
    proactor.destroy();
  }
}

/** A round on as many connections as there may be, down to the last byte, and to nothing left. */
async function runRound(race: Race, sockets: number): Promise<void> {
  await Promise.all(Array.from({ length: sockets }, (_, lane) => new Racer(race, lane).run()));
  await turns(5);
  await assertAtRest(race.proactor);
}

function newTally(): Tally {
  return { receives: 0, received: 0, timedOut: 0, aborted: 0, ended: 0, bytes: 0, sends: 0, connections: 0 };
}

/** What comes under a number, for whoever waits for it, before or after. */
class Mailbox<T> {
  readonly #kept = new Map<number, T>();
  readonly #waiting = new Map<number, (mail: T) => void>();

  put(id: number, mail: T): void {
    const wake = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (wake === undefined) this.#kept.set(id, mail);
    else wake(mail);
  }

  take(id: number): Promise<T> {
    const mail = this.#kept.get(id);
    this.#kept.delete(id);
    return mail === undefined ? new Promise((resolve) => this.#waiting.set(id, resolve)) : Promise.resolve(mail);
  }
}

async function startPeers(workerData: PeerSettings) {
  const worker = new Worker(new URL('race-peer.js', import.meta.url), { workerData });
  const greetings = new Mailbox<PeerGreeting>();
  const reports = new Mailbox<PeerReport>();
  let failure = '';
  worker.on('error', (error) => {
    failure = `; it failed: ${String(error)}`;
  });
  const listening = new Promise<number>((resolve) => {
    worker.on('message', (message: number | RaceMessage) => {
      if (typeof message === 'number') resolve(message);
      else if ('greeted' in message) greetings.put(message.greeted, message);
      else reports.put(message.id, message);
    });
  });
  const greetingOf = (id: number) =>
    soon(greetings.take(id), `the peer's greeting of connection ${id}${failure}`, PEER_PATIENCE_MS);
  const reportOf = (id: number) =>
    soon(reports.take(id), `the peer's report of connection ${id}${failure}`, PEER_PATIENCE_MS);
  const stop = async () => {
    worker.postMessage('stop');
    await worker.terminate();
  };
  return { port: await soon(listening, 'the peers to listen'), greetingOf, reportOf, stop };
}

/** Connects one more socket of the race. */
export async function joinRace(race: Race): Promise<TcpSocket> {
  return TcpSocket.connect({ host: '127.0.0.1', port: race.port, proactor: race.proactor });
}
