import type { StackProfile } from '../profile/profile.js';
import { LINUX } from './linux.js';

/**
 * lwIP as Debian packages it (liblwip0 2.1.3), brought up by `startLwip`. That build takes constants, layouts and error
 * numbers from the host's own headers (lwipopts.h, LWIP_SOCKET_EXTERNAL_HEADERS), so they are Linux's; what lwIP itself
 * lacks or does otherwise was measured.
 */
export const LWIP: StackProfile = {
  ...LINUX,
  name: 'lwip',
  title: "lwIP 2.1.3 (Debian's liblwip0)",
  sources: ['lwip/sockets.h', 'lwip/netif.h', 'lwipopts.h', 'measured: liblwip0 2.1.3+dfsg1-2'],
  library: 'liblwip.so.0',
  symbols: {
    socket: 'lwip_socket',
    bind: 'lwip_bind',
    listen: 'lwip_listen',
    accept: 'lwip_accept',
    connect: 'lwip_connect',
    recv: 'lwip_recv',
    send: 'lwip_send',
    recvfrom: 'lwip_recvfrom',
    sendto: 'lwip_sendto',
    shutdown: 'lwip_shutdown',
    close: 'lwip_close',
    getsockopt: 'lwip_getsockopt',
    setsockopt: 'lwip_setsockopt',
    getsockname: 'lwip_getsockname',
    getpeername: 'lwip_getpeername',
    fcntl: 'lwip_fcntl',
    ioctl: 'lwip_ioctl',
    poll: 'lwip_poll',
  },
  constants: {
    ...LINUX.constants,
    AF_UNIX: null,
    // lwIP has IPv6, but the interface that `startLwip` makes has no address of it.
    AF_INET6: null,
    SO_REUSEPORT: null,
    SO_SNDBUF: null,
    TCP_USER_TIMEOUT: null,
  },
  layouts: { ...LINUX.layouts, fdSet: null, timeval: null, epollEvent: null },
  nonBlocking: { by: 'fcntl', F_GETFL: 3, F_SETFL: 4, O_NONBLOCK: 0o4000 },
  waits: ['poll'],
  quirks: {
    pollInvalidFdAborts: true,
    pollZeroFails: true,
    refusedIsReset: true,
    hupFoldedIntoIn: true,
    lingerZeroNoRst: true,
    acceptForgetsNoDelay: true,
    noTearDown: true,
  },
  limits: { lowestDescriptor: 1, highestDescriptor: 2 ** 31 - 1 },
};
