import type { StackProfile } from '../profile/profile.js';
import { BSD_CONSTANTS, INT_LINGER, SONY_ERRORS } from './families.js';

/**
 * The PlayStation Vita's stack, which has neither poll nor select, but an epoll with numbers of its own. Numbers from
 * headers; not run on a console.
 */
export const VITA: StackProfile = {
  name: 'vita',
  title: 'PlayStation Vita (SceNet)',
  sources: ['vita-headers include/psp2common/net.h, include/psp2/net/net.h'],
  library: 'SceNet',
  byteOrder: 'little',
  symbols: {
    socket: 'sceNetSocket',
    bind: 'sceNetBind',
    listen: 'sceNetListen',
    accept: 'sceNetAccept',
    connect: 'sceNetConnect',
    recv: 'sceNetRecv',
    send: 'sceNetSend',
    recvfrom: 'sceNetRecvfrom',
    sendto: 'sceNetSendto',
    shutdown: 'sceNetShutdown',
    close: 'sceNetSocketClose',
    getsockopt: 'sceNetGetsockopt',
    setsockopt: 'sceNetSetsockopt',
    getsockname: 'sceNetGetsockname',
    getpeername: 'sceNetGetpeername',
    epoll_create: 'sceNetEpollCreate',
    epoll_ctl: 'sceNetEpollControl',
    epoll_wait: 'sceNetEpollWait',
    epoll_close: 'sceNetEpollDestroy',
  },
  types: {
    // A name for debuggers comes first.
    socket: { result: 'int32', parameters: ['memory', 'int32', 'int32', 'int32'] },
    epoll_create: { result: 'int32', parameters: ['memory', 'int32'] },
  },
  // {void *memory; int size; int flags}. The memory is the caller's to give: this profile gives none.
  setUp: [{ symbol: 'sceNetInit', arguments: [{ memory: { bytes: 12, words: [[4, 0x10_0000]] } }] }],
  tearDown: [{ symbol: 'sceNetTerm', arguments: [] }],
  errorReport: { by: 'taggedResult', tag: 0x8041_0100, mask: 0xff },
  errors: SONY_ERRORS,
  constants: {
    ...BSD_CONSTANTS,
    AF_UNIX: null,
    MSG_TRUNC: null,
    epoll: {
      EPOLL_CTL_ADD: 1,
      EPOLL_CTL_MOD: 2,
      EPOLL_CTL_DEL: 3,
      EPOLLIN: 0x01,
      EPOLLPRI: 0,
      EPOLLOUT: 0x02,
      EPOLLERR: 0x08,
      EPOLLHUP: 0x10,
    },
  },
  layouts: {
    sockaddr: { hasLength: true, inBytes: 16, unixPathBytes: 104 },
    pollfd: null,
    fdSet: null,
    timeval: null,
    linger: INT_LINGER,
    // {u32 events; u32 reserved; u32 system[4]; union {int fd; u64}}
    epollEvent: { size: 32, events: [0, 4], data: [24, 8] },
  },
  nonBlocking: { by: 'option', option: 0x1100 },
  waits: ['epoll'],
  quirks: { needsInit: true, timeoutUnit: 'microseconds' },
  limits: { lowestDescriptor: 0, highestDescriptor: 1023 },
};
