import { type AddressInfo, createServer, type Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { firstDifference, Random, streamBytes } from '../support/random.js';

// The other end of the race, in a thread of its own: node:net sockets that send bytes of their stream at the moments they
// are told through shared memory, to a fraction of a millisecond, and check what they receive. A connection says with its
// first 8 bytes which stream and which lane it is.

export interface PeerSettings {
  readonly seed: number;
  /** A lane's next moment to write, in milliseconds since 1970; 0 for none. Float64. */
  readonly moments: SharedArrayBuffer;
}

export const HEAD_BYTES = 8;

/** What became of one connection. */
export interface PeerReport {
  readonly id: number;
  readonly sent: number;
  readonly received: number;
  /** Where the bytes received differ from the stream, or -1. */
  readonly difference: number;
  /** The connection's end: 'end', or the code of an error. */
  readonly ending: string;
}

/** The peer knows whose connection it has: what happens from now on is told under this number. */
export interface PeerGreeting {
  readonly greeted: number;
}

export type RaceMessage = PeerGreeting | PeerReport;

export const sentStream = (id: number) => id * 2;
export const receivedStream = (id: number) => id * 2 + 1;

const LONGEST_WRITE = 48;

class RacingPeer {
  readonly #socket: Socket;
  readonly #random: Random;
  readonly #moments: Float64Array;
  #head = Buffer.alloc(0);
  #id = -1;
  #lane = -1;
  #sent = 0;
  #received = 0;
  #difference = -1;
  #ending = '';

  constructor(socket: Socket, random: Random, moments: Float64Array, ended: (peer: RacingPeer) => void) {
    this.#socket = socket;
    this.#random = random;
    this.#moments = moments;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('end', () => {
      this.#ending ||= 'end';
      // Whatever was written before is still on its way, and counts.
      socket.end();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#ending ||= error.code ?? error.message;
    });
    socket.on('close', () => ended(this));
  }

  get report(): PeerReport {
    return {
      id: this.#id,
      sent: this.#sent,
      received: this.#received,
      difference: this.#difference,
      ending: this.#ending,
    };
  }

  sendIfDue(now: number): void {
    if (this.#id === -1 || this.#ending !== '' || !this.#socket.writable) return;
    const moment = this.#moments[this.#lane] as number;
    if (moment === 0 || now < moment) return;
    this.#moments[this.#lane] = 0;
    const length = 1 + this.#random.below(LONGEST_WRITE);
    this.#socket.write(streamBytes(sentStream(this.#id), this.#sent, length));
    this.#sent += length;
  }

  #receive(chunk: Buffer): void {
    let bytes = chunk;
    if (this.#id === -1) {
      this.#head = Buffer.concat([this.#head, chunk]);
      if (this.#head.length < HEAD_BYTES) return;
      this.#id = this.#head.readInt32LE(0);
      this.#lane = this.#head.readInt32LE(4);
      tell({ greeted: this.#id });
      bytes = this.#head.subarray(HEAD_BYTES);
    }
    const at = firstDifference(receivedStream(this.#id), this.#received, bytes);
    if (at !== -1 && this.#difference === -1) this.#difference = this.#received + at;
    this.#received += bytes.length;
  }
}

function tell(message: RaceMessage): void {
  parentPort?.postMessage(message);
}

function main(): void {
  const { seed, moments: shared } = workerData as PeerSettings;
  const moments = new Float64Array(shared);
  const random = new Random(seed);
  const peers = new Set<RacingPeer>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const peer = new RacingPeer(socket, random, moments, (ended) => {
      peers.delete(ended);
      tell(ended.report);
    });
    peers.add(peer);
  });
  // Spinning, and not on timers: those know whole milliseconds only.
  const spin = () => {
    const now = performance.timeOrigin + performance.now();
    for (const peer of peers) peer.sendIfDue(now);
    if (server.listening || peers.size > 0) setImmediate(spin);
  };
  server.listen(0, '127.0.0.1', 1024, () => {
    parentPort?.postMessage((server.address() as AddressInfo).port);
    spin();
  });
  parentPort?.once('message', () => {
    server.close();
    parentPort?.unref();
  });
}

if (parentPort !== null && workerData !== null) main();
