import { EBADF, EMFILE } from '../../../native-bindings/linux/errno.js';
import type { StackLimits } from '../profile/profile.js';
import type { SimulationFlags } from './flags.js';

/** What the simulation knows of a socket besides what the host knows. */
export class SimulatedSocket {
  readonly kind = 'socket';
  readonly descriptor: number;
  readonly host: number;
  /** The host's. */
  readonly family: number;
  readonly type: number;
  blocking = true;
  /**
   * Linux's number of an error that the simulation has had to look at, which cleared it on the host: the socket's own
   * next call still has to hear of it. 0 where there is none.
   */
  latched = 0;
  /** A connect has begun and nobody has seen its end. */
  connecting = false;
  connectFailed = false;
  /** connect() has named a peer: for datagrams. */
  hasPeer = false;
  /** The one EPROTOTYPE has been said. */
  saidPrototype = false;

  constructor(descriptor: number, host: number, family: number, type: number) {
    this.descriptor = descriptor;
    this.host = host;
    this.family = family;
    this.type = type;
  }
}

/** An epoll of the simulation's: the host's, whose reports name sockets by their simulated descriptors. */
export class SimulatedEpoll {
  readonly kind = 'epoll';
  readonly descriptor: number;
  readonly host: number;
  /** What a report brings back, by descriptor. */
  readonly data = new Map<number, Uint8Array>();

  constructor(descriptor: number, host: number) {
    this.descriptor = descriptor;
    this.host = host;
  }
}

/** What a kqueue of the simulation's has been asked about a socket. */
export interface Knote {
  readonly socket: SimulatedSocket;
  readonly isRead: boolean;
  readonly oneShot: boolean;
  /** `udata`, which every report brings back. */
  readonly data: Uint8Array;
}

/** A kqueue of the simulation's, of which the host knows nothing. */
export class SimulatedKqueue {
  readonly kind = 'kqueue';
  readonly descriptor: number;
  /** By descriptor, for each direction. */
  readonly reads = new Map<number, Knote>();
  readonly writes = new Map<number, Knote>();

  constructor(descriptor: number) {
    this.descriptor = descriptor;
  }
}

export type Described = SimulatedSocket | SimulatedEpoll | SimulatedKqueue;

const SCATTERED_FROM = 0x1a4;
const SCATTERED_STEP = 4;

/** The simulated stack's descriptors: from the lowest on, with tag bits above them, EMFILE where there is no more. */
export class Descriptors {
  readonly #byNumber = new Map<number, Described>();
  readonly #lowest: number;
  readonly #highest: number;
  readonly #tag: number;
  readonly #step: number;
  readonly #scattered: boolean;
  #next: number;

  constructor(limits: StackLimits, flags: SimulationFlags) {
    this.#scattered = flags.scatteredDescriptors ?? false;
    this.#lowest = limits.lowestDescriptor;
    this.#highest = limits.highestDescriptor;
    this.#tag = flags.descriptorTagBits ?? 0;
    this.#step = this.#scattered ? SCATTERED_STEP : 1;
    this.#next = this.#scattered ? Math.max(this.#lowest, SCATTERED_FROM) : this.#lowest;
  }

  get size(): number {
    return this.#byNumber.size;
  }

  /** The socket that a call means by a descriptor, or undefined: EBADF. The tag is part of the descriptor. */
  socket(descriptor: number): SimulatedSocket | undefined {
    const found = this.#lookUp(descriptor);
    return found?.kind === 'socket' ? found : undefined;
  }

  epoll(descriptor: number): SimulatedEpoll | undefined {
    const found = this.#lookUp(descriptor);
    return found?.kind === 'epoll' ? found : undefined;
  }

  kqueue(descriptor: number): SimulatedKqueue | undefined {
    const found = this.#lookUp(descriptor);
    return found?.kind === 'kqueue' ? found : undefined;
  }

  /** The socket by its number alone, as an fd_set has it. */
  socketOfNumber(number: number): SimulatedSocket | undefined {
    const found = this.#byNumber.get(number);
    return found?.kind === 'socket' ? found : undefined;
  }

  /** Gives a descriptor to what `make` makes of it, or the negated error: it is called with a free one only. */
  add(make: (descriptor: number) => Described | number): number {
    const number = this.#free();
    if (number < 0) return number;
    const made = make(this.#tagged(number));
    if (typeof made === 'number') return made;
    this.#byNumber.set(number, made);
    return made.descriptor;
  }

  /** Takes a descriptor out of the table. */
  remove(descriptor: number): Described | number {
    const found = this.#lookUp(descriptor);
    if (found === undefined) return -EBADF;
    const number = this.numberOf(descriptor);
    this.#byNumber.delete(number);
    if (!this.#scattered) this.#next = Math.min(this.#next, number);
    return found;
  }

  all(): IterableIterator<Described> {
    return this.#byNumber.values();
  }

  /** A descriptor without its tag. */
  numberOf(descriptor: number): number {
    return this.#tag === 0 ? descriptor : (descriptor & ~this.#tag) >>> 0;
  }

  #lookUp(descriptor: number): Described | undefined {
    const found = this.#byNumber.get(this.numberOf(descriptor));
    return found !== undefined && found.descriptor === descriptor ? found : undefined;
  }

  #tagged(number: number): number {
    return this.#tag === 0 ? number : number | this.#tag;
  }

  /** The lowest free number from the last hole on, as POSIX has it. */
  #free(): number {
    let number = this.#next;
    while (this.#byNumber.has(number)) number += this.#step;
    if (number > this.#highest) return -EMFILE;
    this.#next = number + this.#step;
    return number;
  }
}
