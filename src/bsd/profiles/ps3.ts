import type { StackProfile } from '../profile/profile.js';
import { BSD_CONSTANTS, FD_SET_1024, INT_LINGER, POSIX_POLLFD, SONY_ERRORS } from './families.js';

/** Memory that the stack is given for its buffers: what PSL1GHT gives it. */
const POOL_BYTES = 0x20000;

/**
 * The PlayStation 3's stack (lv2). The quirk that this part of the library began with is its own: select and poll fail
 * when an error is pending on one of the sockets. Numbers from headers and emulators; not run on a console.
 */
export const PS3: StackProfile = {
  name: 'ps3',
  title: 'PlayStation 3 (lv2)',
  sources: [
    'PSL1GHT ppu/include/net/{net,socket,select,poll}.h',
    'RPCS3 rpcs3/Emu/Cell/lv2/sys_net.h, sys_net_.cpp',
    'the report of select() and poll() failing with the error that is pending on a socket',
  ],
  library: null,
  byteOrder: 'big',
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
    close: 'socketclose',
    getsockopt: 'getsockopt',
    setsockopt: 'setsockopt',
    getsockname: 'getsockname',
    getpeername: 'getpeername',
    poll: 'socketpoll',
    select: 'socketselect',
  },
  types: { poll: { result: 'int32', parameters: ['memory', 'int32', 'int32'] } },
  // {void *memory; int size; int flags} with 32-bit pointers; without memory of its own the stack takes the pool's.
  setUp: [
    {
      symbol: 'sys_net_initialize_network_ex',
      arguments: [{ memory: { bytes: 12, words: [[4, POOL_BYTES]] } }],
    },
  ],
  tearDown: [{ symbol: 'sys_net_finalize_network', arguments: [] }],
  errorReport: { by: 'location', symbol: '_sys_net_errno_loc' },
  errors: SONY_ERRORS,
  constants: {
    ...BSD_CONSTANTS,
    // The number is in the headers, and no socket is given for it.
    AF_INET6: 24,
    AF_UNIX: null,
  },
  layouts: {
    sockaddr: { hasLength: true, inBytes: 16, unixPathBytes: 104 },
    pollfd: POSIX_POLLFD,
    fdSet: FD_SET_1024,
    timeval: { size: 16, seconds: [0, 8], microseconds: [8, 8] },
    linger: INT_LINGER,
    epollEvent: null,
  },
  nonBlocking: { by: 'option', option: 0x1100 },
  waits: ['poll', 'select'],
  quirks: {
    waitReportsSocketError: true,
    // Nobody has published whether the report clears the error. Set, the library is right in both cases.
    waitErrorConsumes: true,
    pollErrorCountIsMinusOne: true,
    exceptNeverSet: true,
    emptySetFails: true,
    pollZeroReturnsAtOnce: true,
    hupFoldedIntoIn: true,
    selectCountsDescriptors: true,
    acceptInheritsNonBlocking: true,
    needsInit: true,
  },
  limits: { lowestDescriptor: 24, highestDescriptor: 1023 },
};
