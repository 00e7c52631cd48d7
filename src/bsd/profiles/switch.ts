import type { StackProfile } from '../profile/profile.js';
import { BSD_CONSTANTS, BSD_FIONREAD, INT_LINGER, KAME_CONSTANTS, NEWLIB_ERRORS, POSIX_POLLFD } from './families.js';

/**
 * The Nintendo Switch's stack (FreeBSD's) as libnx gives it to programs: with newlib's error numbers for its own.
 * Numbers from headers; not run on a console.
 */
export const SWITCH: StackProfile = {
  name: 'switch',
  title: 'Nintendo Switch (libnx)',
  sources: [
    'libnx nx/include/sys/socket.h, nx/source/runtime/devices/socket.c',
    'FreeBSD netinet/{in,tcp}.h',
    'newlib sys/errno.h',
  ],
  library: 'libnx',
  byteOrder: 'little',
  symbols: {
    socket: 'socket',
    bind: 'bind',
    listen: 'listen',
    accept: 'accept',
    connect: 'connect',
    recv: 'recv',
    send: 'send',
    recvfrom: 'recvfrom',
    sendto: 'sendto',
    shutdown: 'shutdown',
    close: 'close',
    getsockopt: 'getsockopt',
    setsockopt: 'setsockopt',
    getsockname: 'getsockname',
    getpeername: 'getpeername',
    fcntl: 'fcntl',
    ioctl: 'ioctl',
    poll: 'poll',
  },
  // NULL is the default configuration.
  setUp: [{ symbol: 'socketInitialize', arguments: [{ memory: null }] }],
  tearDown: [{ symbol: 'socketExit', arguments: [], result: 'void' }],
  // What libnx cannot translate is 10000 + n: it stays a number without a name.
  errorReport: { by: 'errno' },
  errors: NEWLIB_ERRORS,
  constants: {
    ...BSD_CONSTANTS,
    ...KAME_CONSTANTS,
    AF_INET6: 28,
    AF_UNIX: null,
    TCP_KEEPIDLE: 256,
    TCP_KEEPINTVL: 512,
    TCP_KEEPCNT: 1024,
    MSG_NOSIGNAL: 0x20000,
    FIONREAD: BSD_FIONREAD,
  },
  layouts: {
    sockaddr: { hasLength: true, inBytes: 16, unixPathBytes: 104 },
    pollfd: POSIX_POLLFD,
    // libnx builds select on poll, with fd_set and timeval of the program's C library.
    fdSet: null,
    timeval: null,
    linger: INT_LINGER,
    epollEvent: null,
  },
  nonBlocking: { by: 'fcntl', F_GETFL: 3, F_SETFL: 4, O_NONBLOCK: 0x4000 },
  waits: ['poll'],
  quirks: { needsInit: true, selectCountsDescriptors: true },
  limits: { lowestDescriptor: 0, highestDescriptor: 2 ** 31 - 1 },
};
