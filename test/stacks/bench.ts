import assert from 'node:assert/strict';
import type { SimulationFlags } from '../../src/bsd/simulation/flags.js';
import { CALL_NAMES, LINUX, type OpenStack, openStack, SimulatedStack, type StackProfile } from '../../src/stack.js';
import { LOOPBACK, RawPeers } from './fuzz/raw-peers.js';

/** Linux's numbers and layouts, without epoll: a stack to which one quirk at a time is given. */
export const PLAIN: StackProfile = {
  ...LINUX,
  name: 'plain',
  symbols: Object.fromEntries(CALL_NAMES.filter((name) => !/^epoll|^k/.test(name)).map((name) => [name, name])),
  nonBlocking: { by: 'option', option: 0x1100 },
  waits: ['poll', 'select'],
  limits: { lowestDescriptor: 3, highestDescriptor: 1023 },
};

const BLOCKING_LIMIT_MS = 30;

/** What a probe plays on: an open stack, and peers on the host. What it says must not depend on the stack. */
export class Bench {
  readonly opened: OpenStack;
  readonly peers = new RawPeers();
  readonly #open = new Set<number>();
  readonly #openPeers = new Set<number>();

  constructor(opened: OpenStack) {
    this.opened = opened;
  }

  /** A connection that was made on the stack, and its peer. */
  connected(): { readonly descriptor: number; readonly peer: number } {
    const descriptor = this.socket();
    const result = this.say(this.opened.stack.connect(descriptor, { ...LOOPBACK, port: this.peers.port }));
    assert.ok(result === 0 || result === 'EINPROGRESS', String(result));
    const peer = this.peers.accept();
    this.#openPeers.add(peer);
    return { descriptor, peer };
  }

  /** A socket whose connect is refused, and what the connect said. */
  refused(): { readonly descriptor: number; readonly result: string | number } {
    const descriptor = this.socket();
    const address = { ...LOOPBACK, port: this.peers.refusingPort };
    return { descriptor, result: this.say(this.opened.stack.connect(descriptor, address)) };
  }

  socket(type: 'stream' | 'datagram' = 'stream'): number {
    const descriptor = this.opened.stack.socket('IPv4', type, true);
    if (descriptor < 0) throw new Error(`socket() says ${this.say(descriptor)}`);
    this.#open.add(descriptor);
    return descriptor;
  }

  /** A listener of the stack's, and its port. */
  listener(): { readonly descriptor: number; readonly port: number } {
    const { stack } = this.opened;
    const descriptor = this.socket();
    assert.equal(this.say(stack.bind(descriptor, { ...LOOPBACK, port: 0 })), 0);
    assert.equal(this.say(stack.listen(descriptor, 4)), 0);
    return { descriptor, port: stack.localAddress(descriptor)?.port ?? 0 };
  }

  /** A peer of the host's that has connected to a listener of the stack's. */
  peerTo(port: number): number {
    const peer = this.peers.connect(port);
    this.#openPeers.add(peer);
    return peer;
  }

  reset(peer: number): void {
    this.#openPeers.delete(peer);
    this.peers.reset(peer);
  }

  close(descriptor: number): string | number {
    this.#open.delete(descriptor);
    return this.say(this.opened.stack.close(descriptor));
  }

  recv(descriptor: number, length = 100): string | number {
    return this.say(this.opened.stack.recv(descriptor, new Uint8Array(length), length));
  }

  send(descriptor: number, length = 100): string | number {
    return this.say(this.opened.stack.send(descriptor, new Uint8Array(length), length));
  }

  /** `revents`, after the count; or the error's name. */
  poll(entries: readonly (readonly [descriptor: number, events: number])[], timeoutMs = 0): readonly unknown[] {
    const revents = new Uint16Array(entries.length);
    const ready = this.opened.waiter.poll(
      {
        descriptors: Int32Array.from(entries, ([descriptor]) => descriptor),
        events: Uint16Array.from(entries, ([, events]) => events),
        revents,
        count: entries.length,
      },
      timeoutMs,
    );
    return [this.say(ready), ...revents];
  }

  /** For each list the places of the ready ones; or the error's name. */
  select(read: readonly number[], write: readonly number[], except: readonly number[], timeoutMs = 0): unknown {
    const found = this.opened.waiter.select({ read, write, except }, timeoutMs);
    if (typeof found === 'number') return this.say(found);
    const places = (asked: readonly number[], ready: readonly number[]) => ready.map((each) => asked.indexOf(each));
    return [places(read, found.read), places(write, found.write), places(except, found.except)];
  }

  say(result: number): string | number {
    return result >= 0 ? result : this.opened.stack.errors.name(-result);
  }

  end(): void {
    for (const peer of this.#openPeers) this.peers.reset(peer);
    for (const descriptor of this.#open) this.opened.stack.close(descriptor);
    this.peers.destroy();
  }
}

export type Probe = (bench: Bench) => unknown;

/** What a probe says on Linux as it is. */
export function onLinux(probe: Probe): string {
  return played(openStack(LINUX), probe);
}

/** What it says on a stack that is laid out as `stack` and misbehaves as `flags` say, for a library told of `told`. */
export function onStack(stack: StackProfile, flags: SimulationFlags, told: StackProfile, probe: Probe): string {
  const simulation = new SimulatedStack(stack, { blockingLimitMs: BLOCKING_LIMIT_MS, ...flags });
  try {
    return played(openStack(told, simulation), probe);
  } catch (error) {
    return `throws ${error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error)}`;
  } finally {
    simulation.destroy();
  }
}

function played(opened: OpenStack, probe: Probe): string {
  const bench = new Bench(opened);
  try {
    return JSON.stringify(probe(bench));
  } finally {
    bench.end();
    opened.close();
  }
}
