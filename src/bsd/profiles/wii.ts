import type { StackProfile } from '../profile/profile.js';
import { BSD_CONSTANTS, BSD_FIONBIO, INT_LINGER, NEWLIB_ERRORS } from './families.js';

/**
 * The Wii's stack as libogc gives it to programs, with newlib's numbers for IOS's own. It has no getsockname, no
 * getpeername and no getsockopt that answers. Numbers from headers; not run on a console.
 */
export const WII: StackProfile = {
  name: 'wii',
  title: 'Wii (libogc)',
  sources: ['libogc gc/network.h, libogc/network_wii.c', 'newlib sys/errno.h'],
  library: 'libogc',
  byteOrder: 'big',
  symbols: {
    socket: 'net_socket',
    bind: 'net_bind',
    listen: 'net_listen',
    accept: 'net_accept',
    connect: 'net_connect',
    recv: 'net_recv',
    send: 'net_send',
    recvfrom: 'net_recvfrom',
    sendto: 'net_sendto',
    shutdown: 'net_shutdown',
    close: 'net_close',
    setsockopt: 'net_setsockopt',
    ioctl: 'net_ioctl',
    poll: 'net_poll',
  },
  types: {
    recv: { result: 'int32', parameters: ['int32', 'memory', 'int32', 'uint32'] },
    send: { result: 'int32', parameters: ['int32', 'memory', 'int32', 'uint32'] },
    recvfrom: { result: 'int32', parameters: ['int32', 'memory', 'int32', 'uint32', 'memory', 'memory'] },
    sendto: { result: 'int32', parameters: ['int32', 'memory', 'int32', 'uint32', 'memory', 'uint32'] },
    ioctl: { result: 'int32', parameters: ['int32', 'uint32', 'memory'] },
    poll: { result: 'int32', parameters: ['memory', 'int32', 'int32'] },
  },
  setUp: [{ symbol: 'net_init', arguments: [] }],
  tearDown: [{ symbol: 'net_deinit', arguments: [], result: 'void' }],
  // An IOS number that libogc does not know is -10000 + n: it stays a number without a name.
  errorReport: { by: 'negatedResult' },
  errors: NEWLIB_ERRORS,
  constants: {
    ...BSD_CONSTANTS,
    AF_UNIX: null,
    SO_ERROR: null,
    // Not in the header.
    IP_TTL: 2,
    IP_MULTICAST_TTL: null,
    IP_MULTICAST_LOOP: null,
    IP_ADD_MEMBERSHIP: null,
    IP_DROP_MEMBERSHIP: null,
    MSG_PEEK: null,
    MSG_TRUNC: null,
    // The header's number is from another stack, and what IOS makes of it is not known.
    MSG_DONTWAIT: null,
    poll: { POLLIN: 0x0003, POLLPRI: 0x0004, POLLOUT: 0x0008, POLLERR: 0x0020, POLLHUP: 0x0040, POLLNVAL: 0x0080 },
  },
  layouts: {
    // Eight bytes and no more are sent to IOS.
    sockaddr: { hasLength: true, inBytes: 8, unixPathBytes: 104 },
    pollfd: { size: 12, fd: [0, 4], events: [4, 4], revents: [8, 4] },
    // net_select is built on net_poll, with fd_set and timeval of the program's C library.
    fdSet: null,
    timeval: null,
    linger: INT_LINGER,
    epollEvent: null,
  },
  nonBlocking: { by: 'ioctl', FIONBIO: BSD_FIONBIO },
  waits: ['poll'],
  quirks: { needsInit: true, soErrorMissing: true, pollZeroFails: true, nullTimeoutCrashes: true },
  limits: { lowestDescriptor: 0, highestDescriptor: 2 ** 31 - 1 },
};
