import type { StackProfile } from '../profile/profile.js';
import { BSD_CONSTANTS, INT_LINGER, NEWLIB_ERRORS } from './families.js';

/** The buffer that soc:U works in, and its alignment, are the caller's: this many bytes is what libctru's sample has. */
const SOC_BUFFER_BYTES = 0x10_0000;

/** The Nintendo 3DS's stack as libctru gives it to programs. Numbers from headers; not run on a console. */
export const N3DS: StackProfile = {
  name: '3ds',
  title: 'Nintendo 3DS (libctru)',
  sources: [
    'libctru include/sys/socket.h, include/poll.h, source/services/soc/*.c',
    'newlib sys/errno.h, sys/_default_fcntl.h',
  ],
  library: 'libctru',
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
    close: 'closesocket',
    getsockopt: 'getsockopt',
    setsockopt: 'setsockopt',
    getsockname: 'getsockname',
    getpeername: 'getpeername',
    fcntl: 'fcntl',
    poll: 'poll',
  },
  setUp: [{ symbol: 'socInit', arguments: [{ memory: { bytes: SOC_BUFFER_BYTES } }, { int32: SOC_BUFFER_BYTES }] }],
  tearDown: [{ symbol: 'socExit', arguments: [] }],
  errorReport: { by: 'errno' },
  errors: NEWLIB_ERRORS,
  constants: {
    ...BSD_CONSTANTS,
    AF_INET6: 23,
    AF_UNIX: null,
    SO_ERROR: 0x1009,
    // Commented out in the header: "not working".
    SO_KEEPALIVE: null,
    SO_BROADCAST: null,
    SO_REUSEPORT: null,
    IP_TTL: null,
    IP_MULTICAST_TTL: null,
    IP_MULTICAST_LOOP: null,
    IP_ADD_MEMBERSHIP: null,
    IP_DROP_MEMBERSHIP: null,
    MSG_DONTWAIT: 0x04,
    MSG_TRUNC: null,
    poll: { POLLIN: 0x01, POLLPRI: 0x02, POLLOUT: 0x10, POLLERR: 0x08, POLLHUP: 0x04, POLLNVAL: 0x20 },
  },
  layouts: {
    sockaddr: { hasLength: false, inBytes: 16, unixPathBytes: 108 },
    pollfd: { size: 12, fd: [0, 4], events: [4, 4], revents: [8, 4] },
    // libctru builds select on poll, with fd_set and timeval of the program's C library.
    fdSet: null,
    timeval: null,
    linger: INT_LINGER,
    epollEvent: null,
  },
  nonBlocking: { by: 'fcntl', F_GETFL: 3, F_SETFL: 4, O_NONBLOCK: 0x4000 },
  waits: ['poll'],
  quirks: { needsInit: true, fcntlErrnoWrongSign: true, soErrorStale: true, pollZeroFails: true },
  limits: { lowestDescriptor: 0, highestDescriptor: 2 ** 31 - 1 },
};
