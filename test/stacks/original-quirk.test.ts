import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type OpenStack,
  openStack,
  PROFILES,
  type SimulationFlags,
  type StackProfile,
  simulatePs3,
} from '../../src/stack.js';
import { newSeed, Random } from '../support/random.js';
import { EchoServer, type WaitWith } from './echo-server.js';
import { isPattern, LOOPBACK, pattern, RawPeers } from './fuzz/raw-peers.js';

const PS3 = PROFILES['ps3'] as StackProfile;
/** All that a PlayStation 3 has: descriptors 24 to 1023. */
const SOCKETS = 1000;
const ROUNDS = 12;
const TURNS_TO_REST = 3000;
const ROUND_BYTES = 700;

/** The library as it would be without the filter: it takes what select and poll return for what they say elsewhere. */
const UNFILTERED: StackProfile = {
  ...PS3,
  quirks: {
    ...PS3.quirks,
    waitReportsSocketError: false,
    waitErrorConsumes: false,
    pollErrorCountIsMinusOne: false,
  },
};

function connect(opened: OpenStack, peers: RawPeers): { descriptor: number; peer: number } {
  const { stack } = opened;
  const descriptor = stack.socket('IPv4', 'stream', true);
  assert.ok(descriptor >= 0, stack.errors.name(-descriptor));
  const result = stack.connect(descriptor, { ...LOOPBACK, port: peers.port });
  assert.ok(result === 0 || result === -stack.inProgress);
  return { descriptor, peer: peers.accept() };
}

/** A server with two clients: one resets its connection, the other wants its bytes back. */
function serveBesideAReset(profile: StackProfile, waitWith: WaitWith): string {
  const simulation = simulatePs3();
  const peers = new RawPeers();
  const opened = openStack(profile, simulation);
  const server = new EchoServer(opened, waitWith);
  const broken = connect(opened, peers);
  const innocent = connect(opened, peers);
  server.serve(broken.descriptor);
  server.serve(innocent.descriptor);
  try {
    peers.send(innocent.peer, pattern(1, 0, 100));
    peers.reset(broken.peer);
    for (let i = 0; i < 4; i++) server.turn();
    const echoed = peers.receive(innocent.peer, 200);
    const isIntact = typeof echoed !== 'string' && echoed.length === 100 && isPattern(1, 0, echoed);
    const reports = server.reports.map(({ descriptor, code }) => `${descriptor - broken.descriptor} ${code}`);
    return `echoed ${isIntact}, told ${reports}`;
  } catch (error) {
    return `dies of ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    peers.reset(innocent.peer);
    peers.destroy();
    simulation.destroy();
  }
}

for (const waitWith of ['poll', 'select'] as const) {
  describe(`a PlayStation 3's ${waitWith}`, () => {
    test('kills an echo server with the ECONNRESET of another socket, where nobody filters it', () => {
      assert.equal(serveBesideAReset(UNFILTERED, waitWith), `dies of ${waitWith}: ECONNRESET`);
    });

    test('does not, with the filter: the innocent gets its bytes, and the broken one its error, once', () => {
      assert.equal(serveBesideAReset(PS3, waitWith), 'echoed true, told 0 ECONNRESET');
    });

    for (const flags of [
      {},
      { waitErrorConsumes: true, waitErrorWins: 'last' },
      { waitErrorFromOutside: true, waitErrorWins: 'lowest' },
    ] as const satisfies readonly SimulationFlags[]) {
      test(`loses no byte and no error of ${SOCKETS} sockets, a third of them reset: ${JSON.stringify(flags)}`, () => {
        const seed = newSeed();
        console.log(`  seed ${seed}`);
        new Storm(waitWith, flags, new Random(seed)).run();
      });
    }
  });
}

interface Client {
  readonly descriptor: number;
  readonly peer: number;
  /** The round in which it resets the connection; -1 for never. */
  readonly resetsIn: number;
  sent: number;
  received: number;
}

/** All the sockets there are, under load, a random third of which are reset at some time. */
class Storm {
  readonly #simulation;
  readonly #peers = new RawPeers();
  readonly #opened: OpenStack;
  readonly #server: EchoServer;
  readonly #random: Random;
  readonly #clients: Client[] = [];

  constructor(waitWith: WaitWith, flags: SimulationFlags, random: Random) {
    this.#simulation = simulatePs3(flags);
    this.#opened = openStack(PS3, this.#simulation);
    this.#server = new EchoServer(this.#opened, waitWith);
    this.#random = random;
  }

  run(): void {
    try {
      this.#open();
      for (let round = 0; round < ROUNDS; round++) this.#round(round);
      this.#rest();
      this.#check();
    } finally {
      for (const { peer, resetsIn } of this.#clients) if (resetsIn === -1) this.#peers.reset(peer);
      this.#peers.destroy();
      this.#simulation.destroy();
    }
  }

  #open(): void {
    for (let i = 0; i < SOCKETS; i++) {
      const { descriptor, peer } = connect(this.#opened, this.#peers);
      const resetsIn = this.#random.chance(1 / 3) ? this.#random.below(ROUNDS) : -1;
      this.#clients.push({ descriptor, peer, resetsIn, sent: 0, received: 0 });
      this.#server.serve(descriptor);
    }
    const { stack } = this.#opened;
    assert.equal(stack.errors.name(-stack.socket('IPv4', 'stream', true)), 'EMFILE', 'the 1001st');
  }

  #round(round: number): void {
    for (const [i, client] of this.#clients.entries()) {
      if (client.resetsIn !== -1 && client.resetsIn < round) continue;
      const sent = this.#peers.send(client.peer, pattern(i, client.sent, 1 + this.#random.below(ROUND_BYTES)));
      assert.equal(typeof sent, 'number', String(sent));
      client.sent += Number(sent);
      if (client.resetsIn === round) this.#peers.reset(client.peer);
      // The server runs in the midst of it all.
      if (this.#random.chance(0.01)) this.#server.turn();
    }
    this.#server.turn();
    for (const [i, client] of this.#clients.entries()) if (client.resetsIn === -1) this.#receive(i, client);
  }

  #receive(i: number, client: Client): void {
    while (client.received < client.sent && this.#peers.readable(client.peer, 0)) {
      const bytes = this.#peers.receive(client.peer, client.sent - client.received);
      assert.ok(typeof bytes !== 'string', `client ${i}: ${String(bytes)}`);
      assert.ok(isPattern(i, client.received, bytes), `client ${i} gets other bytes`);
      client.received += bytes.length;
    }
  }

  /** The server goes on until everybody who is left has all bytes back, and every reset was told. */
  #rest(): void {
    for (let turn = 0; turn < TURNS_TO_REST; turn++) {
      const ready = this.#server.turn(1);
      for (const [i, client] of this.#clients.entries()) if (client.resetsIn === -1) this.#receive(i, client);
      const done = this.#clients.every(({ resetsIn, sent, received }) => resetsIn !== -1 || sent === received);
      if (ready === 0 && done && this.#server.isIdle) return;
    }
  }

  #check(): void {
    const { stack } = this.#opened;
    const told = new Map<number, string[]>();
    for (const { descriptor, code } of this.#server.reports) {
      told.set(descriptor, [...(told.get(descriptor) ?? []), code]);
    }
    let resets = 0;
    for (const { descriptor, resetsIn, sent, received } of this.#clients) {
      const codes = told.get(descriptor) ?? [];
      if (resetsIn === -1) {
        assert.deepEqual([codes, received], [[], sent], `socket ${descriptor}`);
        continue;
      }
      resets++;
      // Asked once more, it has no error left, and has come to its end.
      const again = [stack.takeError(descriptor), stack.recv(descriptor, new Uint8Array(1), 1)];
      assert.deepEqual([codes, again], [['ECONNRESET'], [0, 0]], `socket ${descriptor}`);
    }
    assert.equal(this.#server.reports.length, resets);
    assert.ok(resets > SOCKETS / 5 && resets < SOCKETS / 2, `${resets} of ${SOCKETS} were reset`);
  }
}
