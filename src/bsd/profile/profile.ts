import type { FunctionType } from '../library/library.js';
import type { CallName } from './calls.js';
import type { QuirkFlags } from './quirks.js';

/**
 * A socket stack described as data: all that the library must know to talk to it. Whoever writes one for a new stack
 * has ported the whole library to it (docs/porting.md).
 */
export interface StackProfile {
  /** `ps3`: what `--stack` and messages call it. */
  readonly name: string;
  /** `PlayStation 3 (lv2)`: for people. */
  readonly title: string;
  /** Where each fact comes from: headers, manuals, emulators. */
  readonly sources: readonly string[];
  /** The library to load where none is given: a path or soname; null is the running program itself. */
  readonly library: string | null;
  readonly byteOrder: 'little' | 'big';
  /** The symbol of each call that the stack has. What is not here is missing and fails with ENOSYS. */
  readonly symbols: Readonly<Partial<Record<CallName, string>>>;
  /** Prototypes that differ from CALL_TYPES. */
  readonly types?: Readonly<Partial<Record<CallName, FunctionType>>>;
  /** Calls to make before the first socket, and after the last; a negative result is a failure. */
  readonly setUp: readonly SetUpCall[];
  readonly tearDown: readonly SetUpCall[];
  readonly errorReport: ErrorReport;
  /** The stack's error numbers by POSIX code: `{ ECONNRESET: 54 }`. */
  readonly errors: Readonly<Record<string, number>>;
  /** Further numbers for some of those codes. */
  readonly errorAliases?: Readonly<Record<string, readonly number[]>>;
  readonly constants: StackConstants;
  readonly layouts: StackLayouts;
  readonly nonBlocking: NonBlockingSwitch;
  /** What to wait with, best first. `poll` may be built from `select` and the other way round. */
  readonly waits: readonly WaitKind[];
  readonly quirks: QuirkFlags;
  readonly limits: StackLimits;
}

export type WaitKind = 'epoll' | 'kqueue' | 'poll' | 'select';

/** A call of the set-up or the tear-down, with plain arguments: numbers, or bytes as hexadecimal text. */
export interface SetUpCall {
  readonly symbol: string;
  readonly arguments: readonly SetUpArgument[];
  readonly result?: 'int32' | 'void';
  /** Results that are no failure: 0 alone (WSAStartup, which gives its error), or all that are not negative. */
  readonly success?: 'zero' | 'notNegative';
}

export type SetUpArgument =
  | { readonly int32: number }
  /** NULL. */
  | { readonly memory: null }
  /** A structure: so many zeroed bytes, with 32-bit words (of the stack's byte order) set at these offsets. */
  | { readonly memory: { readonly bytes: number; readonly words?: readonly (readonly [at: number, value: number])[] } };

/** How a call says that it has failed, and where its number is. */
export type ErrorReport =
  /** -1, and the C library's errno. */
  | { readonly by: 'errno' }
  /** -1, and a function that gives the number (WSAGetLastError). */
  | { readonly by: 'call'; readonly symbol: string }
  /** -1, and a function that gives the number's address (_sys_net_errno_loc). */
  | { readonly by: 'location'; readonly symbol: string }
  /** The result is the negated number (libogc). */
  | { readonly by: 'negatedResult' }
  /** The result is the number, tagged in its high bits, as a negative int (sceNet: 0x80410100 | errno). */
  | { readonly by: 'taggedResult'; readonly tag: number; readonly mask: number };

/** A named constant that the stack lacks is null. */
export interface StackConstants {
  readonly AF_INET: number;
  readonly AF_INET6: number | null;
  readonly AF_UNIX: number | null;
  readonly SOCK_STREAM: number;
  readonly SOCK_DGRAM: number;
  readonly SOL_SOCKET: number;
  readonly SO_ERROR: number | null;
  readonly SO_LINGER: number | null;
  readonly SO_REUSEADDR: number | null;
  readonly SO_REUSEPORT: number | null;
  readonly SO_KEEPALIVE: number | null;
  readonly SO_BROADCAST: number | null;
  readonly SO_SNDBUF: number | null;
  readonly SO_RCVBUF: number | null;
  readonly SO_TYPE: number | null;
  readonly IPPROTO_IP: number;
  readonly IPPROTO_TCP: number;
  readonly IPPROTO_IPV6: number | null;
  readonly TCP_NODELAY: number | null;
  readonly TCP_KEEPIDLE: number | null;
  readonly TCP_KEEPINTVL: number | null;
  readonly TCP_KEEPCNT: number | null;
  readonly TCP_USER_TIMEOUT: number | null;
  readonly IPV6_V6ONLY: number | null;
  readonly IPV6_UNICAST_HOPS: number | null;
  readonly IPV6_MULTICAST_HOPS: number | null;
  readonly IPV6_MULTICAST_LOOP: number | null;
  readonly IPV6_JOIN_GROUP: number | null;
  readonly IPV6_LEAVE_GROUP: number | null;
  readonly IP_TTL: number | null;
  readonly IP_MULTICAST_TTL: number | null;
  readonly IP_MULTICAST_LOOP: number | null;
  readonly IP_ADD_MEMBERSHIP: number | null;
  readonly IP_DROP_MEMBERSHIP: number | null;
  readonly MSG_PEEK: number | null;
  /** Where it is null, the socket itself must not block. */
  readonly MSG_DONTWAIT: number | null;
  readonly MSG_NOSIGNAL: number | null;
  readonly MSG_TRUNC: number | null;
  readonly SHUT_RD: number;
  readonly SHUT_WR: number;
  readonly SHUT_RDWR: number;
  readonly FIONREAD: number | null;
  readonly poll: PollConstants;
  /** Absent: Linux's, which are poll's bits. */
  readonly epoll?: EpollConstants;
  /** What a kqueue is told and tells; for stacks that have one. */
  readonly kqueue?: KqueueConstants;
}

/** The bits of poll; 0 where the stack has no such bit. */
export interface PollConstants {
  readonly POLLIN: number;
  readonly POLLPRI: number;
  readonly POLLOUT: number;
  readonly POLLERR: number;
  readonly POLLHUP: number;
  readonly POLLNVAL: number;
}

/** The numbers of epoll; 0 where the stack has no such bit. */
export interface EpollConstants {
  readonly EPOLL_CTL_ADD: number;
  readonly EPOLL_CTL_MOD: number;
  readonly EPOLL_CTL_DEL: number;
  readonly EPOLLIN: number;
  readonly EPOLLPRI: number;
  readonly EPOLLOUT: number;
  readonly EPOLLERR: number;
  readonly EPOLLHUP: number;
}

/** The numbers of kqueue: filters are told apart by them, flags are bits. */
export interface KqueueConstants {
  readonly EVFILT_READ: number;
  readonly EVFILT_WRITE: number;
  readonly EV_ADD: number;
  readonly EV_DELETE: number;
  readonly EV_ONESHOT: number;
  readonly EV_EOF: number;
  readonly EV_ERROR: number;
}

/** `[offset, bytes]` of an integer field. */
export type Field = readonly [offset: number, bytes: 1 | 2 | 4 | 8];

export interface StackLayouts {
  readonly sockaddr: {
    /** 4.4BSD's: a byte of length before a byte of family. */
    readonly hasLength: boolean;
    /** Bytes of sockaddr_in that the stack wants to be given: 16, or 8 where it takes no more (libogc). */
    readonly inBytes: number;
    /** Bytes of sockaddr_in6: 28 unless said otherwise. */
    readonly in6Bytes?: number;
    readonly unixPathBytes: number;
  };
  readonly pollfd: {
    readonly size: number;
    readonly fd: Field;
    readonly events: Field;
    readonly revents: Field;
  } | null;
  readonly fdSet: /** Bits in words of the stack's byte order; the first bit stands for descriptor `offset`. */
    | { readonly kind: 'bits'; readonly bits: number; readonly wordBytes: 4 | 8; readonly offset: number }
    /** Winsock's: a count, then descriptors. */
    | {
        readonly kind: 'array';
        readonly capacity: number;
        readonly count: Field;
        readonly firstAt: number;
        readonly entryBytes: 4 | 8;
      }
    | null;
  readonly timeval: { readonly size: number; readonly seconds: Field; readonly microseconds: Field } | null;
  readonly linger: { readonly size: number; readonly onOff: Field; readonly seconds: Field } | null;
  readonly epollEvent: { readonly size: number; readonly events: Field; readonly data: Field } | null;
  /** For kqueue, whose timeout is a `struct timespec`. */
  readonly kevent?: KeventLayout | null;
  readonly timespec?: TimespecLayout | null;
}

export interface KeventLayout {
  readonly size: number;
  readonly ident: Field;
  readonly filter: Field;
  readonly flags: Field;
  readonly fflags: Field;
  readonly data: Field;
  readonly udata: Field;
}

export interface TimespecLayout {
  readonly size: number;
  readonly seconds: Field;
  readonly nanoseconds: Field;
}

/** How a socket is made non-blocking. */
export type NonBlockingSwitch =
  | {
      readonly by: 'fcntl';
      readonly F_GETFL: number;
      readonly F_SETFL: number;
      readonly O_NONBLOCK: number;
      /** Where they are given, no child process inherits a socket. */
      readonly F_SETFD?: number;
      readonly FD_CLOEXEC?: number;
    }
  | { readonly by: 'ioctl'; readonly FIONBIO: number }
  /** setsockopt at SOL_SOCKET: SO_NBIO, SO_NONBLOCK. */
  | { readonly by: 'option'; readonly option: number };

export interface StackLimits {
  /** Descriptors are lowest..highest; where they are no small integers, 0 and 2^53 - 1. */
  readonly lowestDescriptor: number;
  readonly highestDescriptor: number;
}
