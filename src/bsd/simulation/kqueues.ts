import * as c from '../../../native-bindings/linux/constants.js';
import { EPOLLRDHUP } from '../../../native-bindings/linux/epoll.js';
import { EBADF, EFAULT, EINVAL, ENOENT, ENOSYS } from '../../../native-bindings/linux/errno.js';
import type { NativeValue } from '../library/library.js';
import { describeKqueue, type KqueueDescription } from '../waiting/kqueue-set.js';
import { type Knote, SimulatedKqueue, type SimulatedSocket } from './descriptors.js';
import { bytesAt } from './memory.js';
import { Timeouts } from './timeouts.js';
import { type Entry, INTERRUPTED, Wait } from './wait.js';
import type { World } from './world.js';

// EPOLLRDHUP has POLLRDHUP's value.
const POLLRDHUP = EPOLLRDHUP;
const ANYTHING = c.POLLIN | c.POLLOUT | POLLRDHUP;
const NS_PER_US = 1000;

/** A list that kevent is given. */
export interface KeventList {
  readonly pointer: NativeValue;
  readonly count: number;
}

/** A report, before it is written. */
interface Found {
  readonly knote: Knote;
  readonly isEnd: boolean;
  readonly error: number;
}

/**
 * kqueue of the simulated stack, for reading and writing, over the host's poll: kqueue(2) of FreeBSD, which macOS's
 * comes from. A socket that was never connected is ready for nothing, as there. Level-triggered or EV_ONESHOT; other
 * flags are EINVAL.
 */
export class Kqueues {
  readonly #world: World;
  readonly #wait: Wait;
  readonly #timeouts: Timeouts;

  constructor(world: World) {
    this.#world = world;
    this.#wait = new Wait(world);
    this.#timeouts = new Timeouts(world.flags);
  }

  create(): number {
    return this.#world.descriptors.add((descriptor) => new SimulatedKqueue(descriptor));
  }

  /** The reports there are, or the negated number of Linux's error. */
  event(descriptor: number, changes: KeventList, events: KeventList, timeout: NativeValue): number {
    const description = describeKqueue(this.#world.profile);
    if (description === null) return -ENOSYS;
    const kqueue = this.#world.descriptors.kqueue(descriptor);
    if (kqueue === undefined) return -EBADF;
    if (changes.count < 0 || events.count < 0) return -EINVAL;
    const { size } = description.kevent;
    const changed = bytesAt(changes.pointer, changes.count * size);
    const room = bytesAt(events.pointer, events.count * size);
    if ((changes.count > 0 && changed === null) || (events.count > 0 && room === null)) return -EFAULT;
    const timeoutMs = this.#timeoutOf(description, timeout);
    if (timeoutMs < 0) return -EINVAL;
    const call = new Kevent(this.#world, this.#wait, description, kqueue);
    const failures = changed === null ? 0 : call.change(changed, changes.count, room, events.count);
    // Whoever has changes that failed hears of them first.
    if (failures !== 0 || room === null || events.count === 0) return failures;
    return call.collect(room, events.count, timeoutMs);
  }

  #timeoutOf({ timespec }: KqueueDescription, pointer: NativeValue): number {
    if (pointer === null || pointer === 0) return Number.POSITIVE_INFINITY;
    const bytes = bytesAt(pointer, timespec.size);
    if (bytes === null) return -1;
    const { integers } = this.#world;
    const nanoseconds = integers.read(bytes, 0, timespec.nanoseconds);
    return this.#timeouts.ofSelect(integers.read(bytes, 0, timespec.seconds), nanoseconds / NS_PER_US);
  }
}

/** One call of kevent. */
class Kevent {
  readonly #world: World;
  readonly #wait: Wait;
  readonly #description: KqueueDescription;
  readonly #kqueue: SimulatedKqueue;

  constructor(world: World, wait: Wait, description: KqueueDescription, kqueue: SimulatedKqueue) {
    this.#world = world;
    this.#wait = wait;
    this.#description = description;
    this.#kqueue = kqueue;
  }

  /** Makes changes; those that fail are told where there is room, and end the call where there is none. */
  change(changes: Uint8Array, count: number, room: Uint8Array | null, places: number): number {
    const { kevent, constants } = this.#description;
    const { errors, integers } = this.#world;
    let failures = 0;
    for (let i = 0; i < count; i++) {
      const change = changes.subarray(i * kevent.size, (i + 1) * kevent.size);
      const failed = this.#changeOne(change);
      if (failed === 0) continue;
      if (room === null || failures === places) return -failed;
      const at = failures * kevent.size;
      room.set(change, at);
      integers.write(room, at, kevent.flags, constants.EV_ERROR);
      integers.write(room, at, kevent.data, errors.numberOf(failed));
      failures++;
    }
    return failures;
  }

  collect(room: Uint8Array, places: number, timeoutMs: number): number {
    const knotes = this.#knotes();
    const sockets = [...new Set(knotes.map(({ socket }) => socket))];
    const entries: Entry[] = sockets.map((socket) => ({ socket, events: ANYTHING }));
    const bits = new Map<SimulatedSocket, number>();
    let ready: Found[] = [];
    const { failing, interrupted } = this.#wait.run(entries, timeoutMs, (found) => {
      sockets.forEach((socket, i) => {
        bits.set(socket, found[i] ?? 0);
      });
      ready = knotes.map((knote) => this.#look(knote, bits.get(knote.socket) ?? 0)).filter((each) => each !== null);
      return ready.length;
    });
    if (interrupted) return INTERRUPTED;
    if (failing !== null) return -this.#wait.reported(failing);
    const told = ready.slice(0, places);
    told.forEach((found, i) => {
      this.#write(room, i * this.#description.kevent.size, found);
    });
    return told.length;
  }

  /** Linux's number of the error, or 0. */
  #changeOne(change: Uint8Array): number {
    const { kevent, constants } = this.#description;
    const { descriptors, integers } = this.#world;
    const descriptor = integers.read(change, 0, kevent.ident);
    const filter = integers.read(change, 0, kevent.filter);
    const flags = integers.read(change, 0, kevent.flags);
    const { EV_ADD, EV_DELETE, EV_ONESHOT, EVFILT_READ, EVFILT_WRITE } = constants;
    if (filter !== EVFILT_READ && filter !== EVFILT_WRITE) return EINVAL;
    if ((flags & ~(EV_ADD | EV_DELETE | EV_ONESHOT)) !== 0) return EINVAL;
    const socket = descriptors.socket(descriptor);
    if (socket === undefined) return EBADF;
    const isRead = filter === EVFILT_READ;
    const notes = isRead ? this.#kqueue.reads : this.#kqueue.writes;
    const isThere = notes.get(descriptor)?.socket === socket;
    if ((flags & EV_DELETE) !== 0) return isThere && notes.delete(descriptor) ? 0 : ENOENT;
    if ((flags & EV_ADD) === 0 && !isThere) return ENOENT;
    const [at, length] = kevent.udata;
    notes.set(descriptor, {
      socket,
      isRead,
      oneShot: (flags & EV_ONESHOT) !== 0,
      data: change.slice(at, at + length),
    });
    return 0;
  }

  /** Those of sockets that are still open: a close takes a socket out of every kqueue. */
  #knotes(): Knote[] {
    const { reads, writes } = this.#kqueue;
    for (const notes of [reads, writes]) {
      for (const [descriptor, { socket }] of notes) {
        if (this.#world.descriptors.socket(descriptor) !== socket) notes.delete(descriptor);
      }
    }
    return [...reads.values(), ...writes.values()];
  }

  #look(knote: Knote, bits: number): Found | null {
    const { socket, isRead } = knote;
    // Linux calls a stream that was never connected hung up; one that is over has no more to receive besides.
    const isUnconnected = (bits & c.POLLHUP) !== 0 && (bits & POLLRDHUP) === 0 && socket.type === c.SOCK_STREAM;
    const isReady = (bits & (c.POLLERR | (isRead ? c.POLLIN | POLLRDHUP : c.POLLOUT))) !== 0;
    if (!isReady || (isUnconnected && (bits & c.POLLERR) === 0)) return null;
    if ((bits & c.POLLERR) !== 0 && socket.latched === 0) {
      socket.latched = this.#world.host.takeError(socket.host);
    }
    return { knote, isEnd: (bits & (isRead ? POLLRDHUP : c.POLLHUP)) !== 0, error: socket.latched };
  }

  #write(room: Uint8Array, at: number, { knote, isEnd, error }: Found): void {
    const { kevent, constants } = this.#description;
    const { errors, integers } = this.#world;
    const { socket, isRead, oneShot, data } = knote;
    const flags = constants.EV_ADD | (oneShot ? constants.EV_ONESHOT : 0) | (isEnd ? constants.EV_EOF : 0);
    integers.write(room, at, kevent.ident, socket.descriptor);
    integers.write(room, at, kevent.filter, isRead ? constants.EVFILT_READ : constants.EVFILT_WRITE);
    integers.write(room, at, kevent.flags, flags);
    integers.write(room, at, kevent.fflags, isEnd && error !== 0 ? errors.numberFor(socket, error) : 0);
    integers.write(room, at, kevent.data, 0);
    room.set(data, at + kevent.udata[0]);
    if (oneShot) (isRead ? this.#kqueue.reads : this.#kqueue.writes).delete(socket.descriptor);
  }
}
