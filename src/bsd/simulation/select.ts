import * as c from '../../../native-bindings/linux/constants.js';
import { EBADF, EFAULT, EINVAL, ENOSYS } from '../../../native-bindings/linux/errno.js';
import type { NativeValue } from '../library/library.js';
import type { StackLayouts } from '../profile/profile.js';
import type { SimulatedSocket } from './descriptors.js';
import { type FdSet, fdSetBytes, openFdSet } from './fd-sets.js';
import { bytesAt } from './memory.js';
import { Timeouts } from './timeouts.js';
import { type Entry, INTERRUPTED, Wait } from './wait.js';
import type { World } from './world.js';

// What select(2) takes for readable, writable and exceptional (fs/select.c: POLLIN_SET, POLLOUT_SET, POLLEX_SET).
const READ = c.POLLIN | c.POLLHUP | c.POLLERR;
const WRITE = c.POLLOUT | c.POLLERR;
const EXCEPT = c.POLLPRI;

/** One of the three sets: what it holds, and what the bits of it are. */
interface Asked {
  readonly set: FdSet;
  readonly members: readonly (readonly [member: number, socket: SimulatedSocket])[];
  readonly events: number;
  readonly ready: number;
  readonly isExcept: boolean;
}

/** select() of the simulated stack. */
export class Select {
  readonly #world: World;
  readonly #wait: Wait;
  readonly #timeouts: Timeouts;

  constructor(world: World) {
    this.#world = world;
    this.#wait = new Wait(world);
    this.#timeouts = new Timeouts(world.flags);
  }

  /** Ready bits, or descriptors; or the negated number of Linux's error. */
  select(nfds: number, read: NativeValue, write: NativeValue, except: NativeValue, timeout: NativeValue): number {
    const layout = this.#world.profile.layouts.fdSet;
    if (layout === null) return -ENOSYS;
    if (layout.kind === 'bits' && (nfds < 0 || nfds > layout.offset + layout.bits)) return -EINVAL;
    const timeoutMs = this.#timeoutMs(timeout);
    if (timeoutMs < 0) return timeoutMs;
    const asked: Asked[] = [];
    const kinds = [
      [read, c.POLLIN, READ, false],
      [write, c.POLLOUT, WRITE, false],
      [except, c.POLLPRI, EXCEPT, true],
    ] as const;
    for (const [pointer, events, ready, isExcept] of kinds) {
      if (pointer === null || pointer === 0) continue;
      const bytes = bytesAt(pointer, fdSetBytes(layout, nfds));
      if (bytes === null) return -EFAULT;
      const set = openFdSet(layout, this.#world.integers, bytes, nfds);
      const members = this.#socketsOf(layout, set.members());
      if (members === null) return -EBADF;
      asked.push({ set, members, events, ready, isExcept });
    }
    if (this.#world.flags.emptySetFails && asked.every(({ members }) => members.length === 0)) return -EINVAL;
    return this.#run(asked, timeoutMs);
  }

  #run(asked: readonly Asked[], timeoutMs: number): number {
    const entries = entriesOf(asked);
    const ready: (readonly number[])[] = [];
    const { count, failing, interrupted } = this.#wait.run(entries, timeoutMs, (found) => {
      const bits = new Map(entries.map(({ socket }, i) => [socket, found[i] ?? 0]));
      const sockets = new Set<SimulatedSocket>();
      ready.length = 0;
      for (const each of asked) {
        const members = each.members.filter(([, socket]) => this.#isReady(each, socket, bits.get(socket) ?? 0));
        for (const [, socket] of members) sockets.add(socket);
        ready.push(members.map(([member]) => member));
      }
      if (this.#world.flags.selectCountsDescriptors) return sockets.size;
      return ready.reduce((total, { length }) => total + length, 0);
    });
    if (interrupted) return INTERRUPTED;
    asked.forEach(({ set }, i) => {
      set.keep(ready[i] ?? []);
    });
    return failing === null ? count : -this.#wait.reported(failing);
  }

  #isReady({ ready, isExcept }: Asked, socket: SimulatedSocket, found: number): boolean {
    const { flags } = this.#world;
    if (flags.connectFailOnlyInExcept && socket.connectFailed) return isExcept;
    if (flags.exceptNeverSet && isExcept) return false;
    return (found & ready) !== 0;
  }

  #socketsOf(
    layout: NonNullable<StackLayouts['fdSet']>,
    members: readonly number[],
  ): [member: number, socket: SimulatedSocket][] | null {
    const { descriptors } = this.#world;
    const sockets: [number, SimulatedSocket][] = [];
    for (const member of members) {
      const socket = layout.kind === 'bits' ? descriptors.socketOfNumber(member) : descriptors.socket(member);
      if (socket === undefined) return null;
      sockets.push([member, socket]);
    }
    return sockets;
  }

  /** Milliseconds, or the negated error. */
  #timeoutMs(pointer: NativeValue): number {
    const { flags, integers, profile } = this.#world;
    if (pointer === null || pointer === 0) {
      return flags.nullTimeoutCrashes ? -EFAULT : Number.POSITIVE_INFINITY;
    }
    const layout = profile.layouts.timeval;
    if (layout === null) return -ENOSYS;
    const bytes = bytesAt(pointer, layout.size);
    if (bytes === null) return -EFAULT;
    const seconds = integers.read(bytes, 0, layout.seconds);
    const timeoutMs = this.#timeouts.ofSelect(seconds, integers.read(bytes, 0, layout.microseconds));
    return timeoutMs < 0 ? -EINVAL : timeoutMs;
  }
}

/** Each socket once, with whatever the sets ask of it. */
function entriesOf(asked: readonly Asked[]): Entry[] {
  const wanted = new Map<SimulatedSocket, number>();
  for (const { members, events } of asked) {
    for (const [, socket] of members) wanted.set(socket, (wanted.get(socket) ?? 0) | events);
  }
  return [...wanted].map(([socket, events]) => ({ socket, events }));
}
