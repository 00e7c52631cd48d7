import * as c from '../../../native-bindings/linux/constants.js';
import { ECONNRESET, EINTR, EPIPE } from '../../../native-bindings/linux/errno.js';
import type { SimulatedSocket } from './descriptors.js';
import type { World } from './world.js';

/** A socket that a poll or a select was asked about, in the order of the call. Events are the host's bits. */
export interface Entry {
  readonly socket: SimulatedSocket;
  readonly events: number;
}

// While something that the call does not show keeps a socket ready, it is left out of the host's wait, and looked at
// again this often.
const HIDDEN_LOOK_MS = 2;
const LONGEST_HOST_WAIT_MS = 2 ** 31 - 1;

/** What waiting on the simulated stack comes to. */
export interface Waited {
  /** What the caller's `show` has counted. */
  readonly count: number;
  /** Whose error the wait fails with; it may be nobody's. */
  readonly failing: SimulatedSocket | null;
  readonly interrupted: boolean;
}

interface Look extends Entry {
  readonly descriptor: number;
  found: number;
}

/** Waiting for sockets, with the errors that are pending on them as the flags have it. */
export class Wait {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /**
   * Waits until `show`, given the host's bits of each entry, counts something, an error is to be reported, or the time
   * is over. Infinity for no limit of time.
   */
  run(entries: readonly Entry[], timeoutMs: number, show: (found: readonly number[]) => number): Waited {
    const asked = entries.map((entry) => look(entry));
    const all = [...asked, ...this.#outsiders(entries)];
    if (this.#world.interrupts()) return { count: 0, failing: null, interrupted: true };
    const end = performance.now() + timeoutMs;
    for (;;) {
      this.#world.host.wait(all, 0);
      for (const each of all) this.#notice(each);
      const count = show(asked.map(({ found }) => found));
      const failing = this.#failing(all, asked.length);
      const left = end - performance.now();
      if (count > 0 || failing !== null || left <= 0) return { count, failing, interrupted: false };
      this.#block(all, left);
    }
  }

  /** The wait has told of a socket's error; where that clears it, nobody else will. */
  reported(socket: SimulatedSocket): number {
    const error = socket.latched;
    if (this.#world.flags.waitErrorConsumes) socket.latched = 0;
    return error;
  }

  #outsiders(entries: readonly Entry[]): Look[] {
    const { flags, descriptors } = this.#world;
    if (!flags.waitReportsSocketError || !flags.waitErrorFromOutside) return [];
    const inside = new Set(entries.map(({ socket }) => socket));
    const outsiders: Look[] = [];
    for (const each of descriptors.all()) {
      if (each.kind === 'socket' && !inside.has(each)) outsiders.push(look({ socket: each, events: 0 }));
    }
    return outsiders;
  }

  /** Takes note of how a connect ended, and keeps an error that the host tells only once. */
  #notice(each: Look): void {
    const { socket } = each;
    const { flags, host } = this.#world;
    const looks = flags.waitReportsSocketError || socket.connecting;
    if ((each.found & c.POLLERR) !== 0 && socket.latched === 0 && looks) socket.latched = host.takeError(socket.host);
    if (socket.latched !== 0) each.found |= c.POLLERR;
    if (!socket.connecting) return;
    // A connection that was made and is gone already has not failed to be made: in SYN_SENT a RST is ECONNREFUSED.
    if (socket.latched !== 0 && socket.latched !== ECONNRESET && socket.latched !== EPIPE) socket.connectFailed = true;
    if ((each.found & (c.POLLERR | c.POLLOUT)) !== 0) socket.connecting = false;
  }

  #failing(all: readonly Look[], asked: number): SimulatedSocket | null {
    const { flags } = this.#world;
    if (!flags.waitReportsSocketError) return null;
    const failing = all.filter(
      ({ socket, events }, i) => socket.latched !== 0 && (i >= asked || events !== 0 || !flags.waitErrorNeedsEvents),
    );
    switch (flags.waitErrorWins ?? 'first') {
      case 'first':
        return failing[0]?.socket ?? null;
      case 'last':
        return failing.at(-1)?.socket ?? null;
      case 'lowest':
        return failing.map(({ socket }) => socket).sort((a, b) => a.descriptor - b.descriptor)[0] ?? null;
    }
  }

  #block(all: readonly Look[], leftMs: number): void {
    const quiet = all.filter(({ found }) => found === 0);
    const limit = quiet.length === all.length ? LONGEST_HOST_WAIT_MS : HIDDEN_LOOK_MS;
    this.#world.host.wait(quiet, Math.min(Math.ceil(leftMs), limit));
  }
}

/** The result of a wait that was interrupted. */
export const INTERRUPTED = -EINTR;

function look({ socket, events }: Entry): Look {
  return { socket, events, descriptor: socket.host, found: 0 };
}
