import type { StackProfile } from '../profile/profile.js';
import { BSD_CONSTANTS, INT_LINGER, NEWLIB_ERRORS, POSIX_POLLFD } from './families.js';

/** The PlayStation Portable's stack. Numbers from an emulator's header and pspsdk; not run on a console. */
export const PSP: StackProfile = {
  name: 'psp',
  title: 'PlayStation Portable (pspnet_inet)',
  sources: ['ppsspp Core/HLE/NetInetConstants.h, sceNetInet.cpp', 'pspsdk src/net/pspnet.h, pspnet_inet.h'],
  library: 'pspnet_inet',
  byteOrder: 'little',
  symbols: {
    socket: 'sceNetInetSocket',
    bind: 'sceNetInetBind',
    listen: 'sceNetInetListen',
    accept: 'sceNetInetAccept',
    connect: 'sceNetInetConnect',
    recv: 'sceNetInetRecv',
    send: 'sceNetInetSend',
    recvfrom: 'sceNetInetRecvfrom',
    sendto: 'sceNetInetSendto',
    shutdown: 'sceNetInetShutdown',
    close: 'sceNetInetClose',
    getsockopt: 'sceNetInetGetsockopt',
    setsockopt: 'sceNetInetSetsockopt',
    getsockname: 'sceNetInetGetsockname',
    getpeername: 'sceNetInetGetpeername',
    poll: 'sceNetInetPoll',
    select: 'sceNetInetSelect',
  },
  // sceNetInit(pool bytes, two priorities and stack sizes of its threads): pspsdk's samples give these.
  setUp: [
    {
      symbol: 'sceNetInit',
      arguments: [{ int32: 0x20000 }, { int32: 42 }, { int32: 4096 }, { int32: 42 }, { int32: 4096 }],
    },
    { symbol: 'sceNetInetInit', arguments: [] },
  ],
  tearDown: [
    { symbol: 'sceNetInetTerm', arguments: [] },
    { symbol: 'sceNetTerm', arguments: [] },
  ],
  errorReport: { by: 'call', symbol: 'sceNetInetGetErrno' },
  errors: NEWLIB_ERRORS,
  constants: { ...BSD_CONSTANTS, AF_UNIX: null },
  layouts: {
    sockaddr: { hasLength: true, inBytes: 16, unixPathBytes: 104 },
    pollfd: POSIX_POLLFD,
    // A descriptor's place in the set is its number masked with 0xff.
    fdSet: { kind: 'bits', bits: 256, wordBytes: 4, offset: 0 },
    timeval: { size: 8, seconds: [0, 4], microseconds: [4, 4] },
    linger: INT_LINGER,
    epollEvent: null,
  },
  // SO_NONBLOCK
  nonBlocking: { by: 'option', option: 0x1009 },
  waits: ['poll', 'select'],
  quirks: { needsInit: true, descriptorTagBits: 0x7fff_ff00 },
  limits: { lowestDescriptor: 0, highestDescriptor: 255 },
};
