import type { StackProfile } from '../profile/profile.js';
import {
  ANY_DESCRIPTOR,
  BSD_CONSTANTS,
  BSD_ERRORS,
  BSD_FIONREAD,
  FD_SET_1024,
  INT_LINGER,
  KAME_CONSTANTS,
  POSIX_POLLFD,
  POSIX_SYMBOLS,
} from './families.js';

/** macOS. Numbers from headers; the stack itself was not run. */
export const DARWIN: StackProfile = {
  name: 'darwin',
  title: 'macOS',
  sources: [
    'Go syscall/zerrors_darwin_arm64.go',
    'xnu bsd/sys/{socket,poll,event,_select}.h',
    'libuv src/unix/stream.c (EPROTOTYPE)',
    'gnulib doc/posix-functions/poll.texi',
  ],
  library: null,
  byteOrder: 'little',
  symbols: { ...POSIX_SYMBOLS, kqueue: 'kqueue', kevent: 'kevent' },
  setUp: [],
  tearDown: [],
  errorReport: { by: 'errno' },
  errors: {
    ...BSD_ERRORS,
    ENOTSUP: 45,
    EOPNOTSUPP: 102,
    ECANCELED: 89,
    EILSEQ: 92,
    EBADMSG: 94,
    EPROTO: 100,
  },
  constants: {
    ...BSD_CONSTANTS,
    ...KAME_CONSTANTS,
    AF_INET6: 30,
    // TCP_KEEPALIVE: it is the idle time here.
    TCP_KEEPIDLE: 0x10,
    TCP_KEEPINTVL: 0x101,
    TCP_KEEPCNT: 0x102,
    FIONREAD: BSD_FIONREAD,
    kqueue: {
      EVFILT_READ: -1,
      EVFILT_WRITE: -2,
      EV_ADD: 0x0001,
      EV_DELETE: 0x0002,
      EV_ONESHOT: 0x0010,
      EV_EOF: 0x8000,
      EV_ERROR: 0x4000,
    },
  },
  layouts: {
    sockaddr: { hasLength: true, inBytes: 16, unixPathBytes: 104 },
    pollfd: POSIX_POLLFD,
    fdSet: FD_SET_1024,
    timeval: { size: 16, seconds: [0, 8], microseconds: [8, 4] },
    linger: INT_LINGER,
    epollEvent: null,
    // sys/event.h, of a 64-bit process.
    kevent: {
      size: 32,
      ident: [0, 8],
      filter: [8, 2],
      flags: [10, 2],
      fflags: [12, 4],
      data: [16, 8],
      udata: [24, 8],
    },
    timespec: { size: 16, seconds: [0, 8], nanoseconds: [8, 8] },
  },
  nonBlocking: { by: 'fcntl', F_GETFL: 3, F_SETFL: 4, O_NONBLOCK: 0x0004, F_SETFD: 2, FD_CLOEXEC: 1 },
  // poll fails on devices; for sockets it is as good as the others.
  waits: ['kqueue', 'poll', 'select'],
  quirks: { acceptInheritsNonBlocking: true, sendEprototype: true },
  limits: ANY_DESCRIPTOR,
};
