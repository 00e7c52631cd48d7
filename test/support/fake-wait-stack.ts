import type { FunctionType, NativeCall, NativeValue, StackLibrary } from '../../src/bsd/library/library.js';
import type { StackConstants, StackLayouts, StackProfile, WaitKind } from '../../src/bsd/profile/profile.js';
import type { QuirkFlags } from '../../src/bsd/profile/quirks.js';

/** A socket of the fake stack: what poll and select would say of it. */
export interface FakeSocket {
  readable?: boolean;
  writable?: boolean;
  urgent?: boolean;
  /** A pending error, in the fake stack's numbers. */
  error?: number;
  /** The connection is gone both ways. */
  hangUp?: boolean;
  /** No peer: getpeername fails. */
  unconnected?: boolean;
  listener?: boolean;
}

/** BSD's numbers, so that nothing passes by being the host's. */
export const E = {
  EBADF: 9,
  EINTR: 4,
  ENOMEM: 12,
  EINVAL: 22,
  EAGAIN: 35,
  ECONNRESET: 54,
  ENOTCONN: 57,
  ECONNREFUSED: 61,
} as const;

/** The fake stack's own bits of poll: none is where Linux has it. */
export const BITS = { POLLIN: 0x10, POLLPRI: 0x20, POLLOUT: 0x40, POLLERR: 0x100, POLLHUP: 0x200, POLLNVAL: 0x400 };

const SO_ERROR = 0x1007;
const SO_TYPE = 0x1008;

/** Answers of one call that take the place of the stack's own behaviour. */
type Script = (call: string) => { readonly returned: number; readonly errno: number } | undefined;

/**
 * A stack of plain data that misbehaves on demand, behind the surface that a native one has: structures in its own
 * layout and byte order (big-endian pollfd { u32 revents; s64 fd; u32 events }), its own numbers, and a fake clock.
 */
export class FakeWaitStack implements StackLibrary {
  readonly name = 'fake';
  readonly sockets = new Map<number, FakeSocket>();
  /** The names of the calls that were made, in order, and the timeouts that waits were given (Infinity: none). */
  readonly calls: string[] = [];
  readonly timeouts: number[] = [];
  /** How the stack misbehaves. */
  readonly quirks: QuirkFlags & {
    readonly eventsZeroTrigger?: boolean;
    readonly outsidersTrigger?: boolean;
    readonly leavesAnswersOut?: boolean;
  };
  readonly setBits: number;
  script: Script = () => undefined;
  /** Runs inside a wait that finds nothing, as time passing; a later wait sees what it did. */
  whileWaiting: () => void = () => undefined;
  #errno = 0;
  readonly #capacity: number;

  constructor(quirks: FakeWaitStack['quirks'] = {}, setBits = 1024, arrayCapacity = 4) {
    this.quirks = quirks;
    this.setBits = setBits;
    this.#capacity = arrayCapacity;
  }

  find(symbol: string, _type: FunctionType): NativeCall | null {
    const calls: Readonly<Record<string, NativeCall>> = {
      fake_poll: (...values) => this.#enter('poll', () => this.#poll(values)),
      fake_select: (...values) => this.#enter('select', () => this.#select(values)),
      fake_getsockopt: (...values) => this.#enter('getsockopt', () => this.#getsockopt(values)),
      fake_recv: (...values) => this.#enter('recv', () => this.#recv(values)),
      fake_getpeername: (...values) => this.#enter('getpeername', () => this.#getpeername(values)),
    };
    return calls[symbol] ?? null;
  }

  lastErrno(): number {
    return this.#errno;
  }

  readInt32(): number {
    throw new Error('The fake stack has no errno of its own');
  }

  count(name: string): number {
    return this.calls.filter((call) => call === name).length;
  }

  #enter(name: string, call: () => number): number {
    this.calls.push(name);
    const scripted = this.script(name);
    if (scripted === undefined) return call();
    if (scripted.returned < 0) this.#errno = scripted.errno;
    return scripted.returned;
  }

  #fail(errno: number): number {
    this.#errno = errno;
    return -1;
  }

  /** The first pending error that this stack lets a wait fail with, and perhaps forgets. */
  #reported(asked: ReadonlyMap<number, boolean>): number {
    if (!this.quirks.waitReportsSocketError) return 0;
    for (const [descriptor, socket] of this.sockets) {
      if (!socket.error) continue;
      const wants = asked.get(descriptor);
      const counts =
        wants === undefined ? this.quirks.outsidersTrigger : wants || this.quirks.eventsZeroTrigger !== false;
      if (!counts) continue;
      const { error } = socket;
      if (this.quirks.waitErrorConsumes) {
        delete socket.error;
        socket.hangUp = true;
      }
      return error;
    }
    return 0;
  }

  #poll([memory, count, timeout]: NativeValue[]): number {
    const view = viewOf(memory);
    const entries = Number(count);
    this.timeouts.push(timeout === -1 ? Number.POSITIVE_INFINITY : Number(timeout));
    const asked = new Map<number, boolean>();
    for (let i = 0; i < entries; i++) asked.set(view.getInt32(16 * i + 8), view.getUint32(16 * i + 12) !== 0);
    if (entries === 0 && this.quirks.pollZeroFails) return this.#fail(E.EINVAL);
    const scan = (): number => {
      let ready = 0;
      for (let i = 0; i < entries; i++) {
        const descriptor = view.getInt32(16 * i + 8);
        if (descriptor < 0) continue;
        const socket = this.sockets.get(descriptor);
        if (socket === undefined && this.quirks.pollInvalidFdAborts) {
          view.setUint32(16 * i, BITS.POLLNVAL);
          return -1;
        }
        const answer = this.#answer(socket, view.getUint32(16 * i + 12));
        view.setUint32(16 * i, answer);
        if (answer !== 0) ready++;
      }
      return ready;
    };
    let ready = scan();
    if (ready === 0 && timeout !== 0) {
      this.whileWaiting();
      ready = scan();
    }
    if (ready < 0) return -1;
    const error = this.#reported(asked);
    if (error === 0) return ready;
    if (this.quirks.leavesAnswersOut) for (let i = 0; i < entries; i++) view.setUint32(16 * i, 0);
    return this.#fail(error);
  }

  #answer(socket: FakeSocket | undefined, events: number): number {
    if (socket === undefined) return BITS.POLLNVAL;
    const broken = socket.error !== undefined;
    if (broken && this.quirks.connectFailInvisible) return 0;
    const gone = broken || socket.hangUp === true;
    let answer = 0;
    if (socket.readable || gone) answer |= BITS.POLLIN;
    if (socket.writable || gone) answer |= BITS.POLLOUT;
    if (socket.urgent) answer |= BITS.POLLPRI;
    answer &= events;
    if (broken) answer |= BITS.POLLERR;
    if (gone) answer |= this.quirks.hupFoldedIntoIn ? BITS.POLLIN : BITS.POLLHUP;
    return answer;
  }

  #select([nfds, read, write, except, timeval]: NativeValue[]): number {
    const time = timeval === null ? null : viewOf(timeval);
    if (time === null && this.quirks.nullTimeoutCrashes) throw new Error('crashed: NULL timeout');
    this.timeouts.push(time === null ? Infinity : time.getInt32(12) * 1000 + time.getInt32(4) / 1000);
    const tag = this.quirks.descriptorTagBits ?? 0;
    const sets = [read, write, except].map((set) => new FakeSet(set as Uint8Array | null, tag, this.sockets));
    const [readers, writers, watched] = sets.map((set) => set.members(Number(nfds))) as [number[], number[], number[]];
    const asked = new Map([...readers, ...writers, ...watched].map((descriptor) => [descriptor, true]));
    if (asked.size === 0 && this.quirks.emptySetFails) return this.#fail(E.EINVAL);
    for (const descriptor of asked.keys()) if (!this.sockets.has(descriptor)) return this.#fail(E.EBADF);
    const scan = () => [
      readers.filter((descriptor) => this.#selects(descriptor, 'read')),
      writers.filter((descriptor) => this.#selects(descriptor, 'write')),
      watched.filter((descriptor) => this.#selects(descriptor, 'except')),
    ];
    let found = scan();
    const waits = time === null || time.getInt32(12) !== 0 || time.getInt32(4) !== 0;
    if (found.flat().length === 0 && waits) {
      this.whileWaiting();
      found = scan();
    }
    const error = this.#reported(asked);
    sets.forEach((set, i) => {
      set.write(found[i] as number[]);
    });
    if (error !== 0) return this.#fail(error);
    return this.quirks.selectCountsDescriptors ? new Set(found.flat()).size : found.flat().length;
  }

  #selects(descriptor: number, which: 'read' | 'write' | 'except'): boolean {
    const socket = this.sockets.get(descriptor);
    if (socket === undefined) return false;
    const hidden = this.quirks.connectFailOnlyInExcept === true && socket.error !== undefined;
    const gone = (socket.error !== undefined || socket.hangUp === true) && !hidden;
    if (which === 'read') return socket.readable === true || gone;
    if (which === 'write') return socket.writable === true || gone;
    return !this.quirks.exceptNeverSet && (socket.urgent === true || hidden);
  }

  #getsockopt([descriptor, , option, value]: NativeValue[]): number {
    const socket = this.sockets.get(Number(descriptor));
    if (socket === undefined) return this.#fail(E.EBADF);
    if (option === SO_ERROR && this.quirks.soErrorMissing) return this.#fail(E.EINVAL);
    const view = viewOf(value);
    if (option === SO_TYPE) view.setInt32(0, 1);
    if (option === SO_ERROR) {
      view.setInt32(0, socket.error ?? 0);
      if (socket.error !== undefined) {
        delete socket.error;
        socket.hangUp = true;
      }
    }
    return 0;
  }

  #getpeername([descriptor]: NativeValue[]): number {
    const socket = this.sockets.get(Number(descriptor));
    if (socket === undefined) return this.#fail(E.EBADF);
    const gone = socket.hangUp || socket.error !== undefined || socket.unconnected || socket.listener;
    return gone ? this.#fail(E.ENOTCONN) : 0;
  }

  /** A peek: one byte where there is something, the end where the connection is gone. */
  #recv([descriptor]: NativeValue[]): number {
    const socket = this.sockets.get(Number(descriptor));
    if (socket === undefined) return this.#fail(E.EBADF);
    if (socket.listener || socket.unconnected) return this.#fail(E.ENOTCONN);
    if (socket.error !== undefined) return this.#fail(socket.error);
    if (socket.hangUp) return 0;
    return socket.readable ? 1 : this.#fail(E.EAGAIN);
  }

  /** The profile that describes this stack; `quirks` are those that it admits to. */
  profile(waits: readonly WaitKind[], quirks: QuirkFlags = {}, kind: 'bits' | 'array' = 'bits'): StackProfile {
    return {
      name: 'fake',
      title: 'Fake',
      sources: [],
      library: null,
      byteOrder: 'big',
      symbols: {
        poll: 'fake_poll',
        select: 'fake_select',
        getsockopt: 'fake_getsockopt',
        getpeername: 'fake_getpeername',
        recv: 'fake_recv',
      },
      setUp: [],
      tearDown: [],
      errorReport: { by: 'errno' },
      errors: E,
      constants: { ...CONSTANTS, poll: BITS },
      layouts: {
        ...LAYOUTS,
        fdSet:
          kind === 'bits'
            ? { kind: 'bits', bits: this.setBits, wordBytes: 4, offset: 0 }
            : { kind: 'array', capacity: this.#capacity, count: [0, 4], firstAt: 4, entryBytes: 4 },
      },
      nonBlocking: { by: 'option', option: 0x1100 },
      waits,
      quirks,
      limits: { lowestDescriptor: 0, highestDescriptor: 1023 },
    };
  }
}

const CONSTANTS: Omit<StackConstants, 'poll'> = {
  AF_INET: 2,
  AF_INET6: null,
  AF_UNIX: null,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOL_SOCKET: 0xffff,
  SO_ERROR: SO_ERROR,
  SO_LINGER: null,
  SO_REUSEADDR: null,
  SO_REUSEPORT: null,
  SO_KEEPALIVE: null,
  SO_BROADCAST: null,
  SO_SNDBUF: null,
  SO_RCVBUF: null,
  SO_TYPE: SO_TYPE,
  IPPROTO_IP: 0,
  IPPROTO_TCP: 6,
  IPPROTO_IPV6: null,
  TCP_NODELAY: null,
  TCP_KEEPIDLE: null,
  TCP_KEEPINTVL: null,
  TCP_KEEPCNT: null,
  IPV6_V6ONLY: null,
  IP_TTL: null,
  IP_MULTICAST_TTL: null,
  IP_MULTICAST_LOOP: null,
  IP_ADD_MEMBERSHIP: null,
  IP_DROP_MEMBERSHIP: null,
  MSG_PEEK: 2,
  MSG_DONTWAIT: 0x80,
  MSG_NOSIGNAL: null,
  MSG_TRUNC: null,
  SHUT_RD: 0,
  SHUT_WR: 1,
  SHUT_RDWR: 2,
  FIONREAD: null,
  TCP_USER_TIMEOUT: null,
  IPV6_UNICAST_HOPS: null,
  IPV6_MULTICAST_HOPS: null,
  IPV6_MULTICAST_LOOP: null,
  IPV6_JOIN_GROUP: null,
  IPV6_LEAVE_GROUP: null,
};

const LAYOUTS: Omit<StackLayouts, 'fdSet'> = {
  sockaddr: { hasLength: true, inBytes: 16, unixPathBytes: 104 },
  pollfd: { size: 16, fd: [4, 8], events: [12, 4], revents: [0, 4] },
  timeval: { size: 16, seconds: [8, 8], microseconds: [0, 8] },
  linger: null,
  epollEvent: null,
};

/** The stack's side of an fd_set: bits in big-endian words of 32, or a count and an array. */
class FakeSet {
  readonly #view: DataView | null;
  readonly #tag: number;
  readonly #sockets: ReadonlyMap<number, FakeSocket>;
  readonly #isArray: boolean;

  constructor(bytes: Uint8Array | null, tag: number, sockets: ReadonlyMap<number, FakeSocket>) {
    this.#view = bytes === null ? null : viewOf(bytes);
    this.#tag = tag;
    this.#sockets = sockets;
    this.#isArray = bytes !== null && bytes.length % 32 !== 0;
  }

  members(nfds: number): number[] {
    const view = this.#view;
    if (view === null) return [];
    if (this.#isArray) return Array.from({ length: view.getUint32(0) }, (_, i) => view.getUint32(4 + 4 * i));
    const numbers = Array.from({ length: Math.min(nfds, view.byteLength * 8) }, (_, bit) => bit);
    return numbers
      .filter((bit) => ((view.getUint32((bit >> 5) * 4) >>> (bit & 31)) & 1) !== 0)
      .map((bit) => (this.#sockets.has(bit | this.#tag) ? bit | this.#tag : bit));
  }

  write(found: readonly number[]): void {
    const view = this.#view;
    if (view === null) return;
    if (this.#isArray) {
      view.setUint32(0, found.length);
      // The order is nobody's business.
      [...found].reverse().forEach((descriptor, i) => {
        view.setUint32(4 + 4 * i, descriptor);
      });
      return;
    }
    for (let at = 0; at < view.byteLength; at += 4) view.setUint32(at, 0);
    for (const descriptor of found) {
      const bit = descriptor & ~this.#tag;
      const at = (bit >> 5) * 4;
      view.setUint32(at, (view.getUint32(at) | (1 << (bit & 31))) >>> 0);
    }
  }
}

function viewOf(memory: NativeValue | undefined): DataView {
  if (!(memory instanceof Uint8Array)) throw new Error('A call was given no memory');
  return new DataView(memory.buffer, memory.byteOffset, memory.byteLength);
}
