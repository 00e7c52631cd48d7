import { defineStruct } from '../layout.js';

/** Structures of Winsock and of overlapped IO on 64-bit Windows. Checked against the headers named here. */
export const HEADERS = ['winsock2.h', 'ws2tcpip.h', 'mswsock.h', 'mstcpip.h', 'windows.h', 'stddef.h'] as const;

/** What the kernel writes while a request is pending: at a fixed address until its completion was dequeued. */
export const OVERLAPPED = defineStruct(
  'OVERLAPPED',
  32,
  { Internal: [0, 8], InternalHigh: [8, 8], Offset: [16, 4], OffsetHigh: [20, 4], hEvent: [24, 8] },
  'OVERLAPPED',
);

export const OVERLAPPED_ENTRY = defineStruct(
  'OVERLAPPED_ENTRY',
  32,
  { lpCompletionKey: [0, 8], lpOverlapped: [8, 8], Internal: [16, 8], dwNumberOfBytesTransferred: [24, 4] },
  'OVERLAPPED_ENTRY',
);

export const WSABUF = defineStruct('WSABUF', 16, { len: [0, 4], buf: [8, 8] }, 'WSABUF');

export const WSAMSG = defineStruct(
  'WSAMSG',
  56,
  {
    name: [0, 8],
    namelen: [8, 4],
    lpBuffers: [16, 8],
    dwBufferCount: [24, 4],
    Control: [32, 16],
    dwFlags: [48, 4],
  },
  'WSAMSG',
);

export const WSADATA = defineStruct('WSADATA', 408, { wVersion: [0, 2], wHighVersion: [2, 2] }, 'WSADATA');

export const WSAPROTOCOL_INFOW = defineStruct(
  'WSAPROTOCOL_INFOW',
  628,
  { dwServiceFlags1: [0, 4] },
  'WSAPROTOCOL_INFOW',
);

export const GUID = defineStruct('GUID', 16, { Data1: [0, 4], Data2: [4, 2], Data3: [6, 2], Data4: [8, 8] }, 'GUID');

export const sockaddr_in = defineStruct('sockaddr_in', 16, {
  sin_family: [0, 2],
  sin_port: [2, 2],
  sin_addr: [4, 4],
});

export const sockaddr_in6 = defineStruct('sockaddr_in6', 28, {
  sin6_family: [0, 2],
  sin6_port: [2, 2],
  sin6_flowinfo: [4, 4],
  sin6_addr: [8, 16],
  sin6_scope_id: [24, 4],
});

export const sockaddr_storage = defineStruct('sockaddr_storage', 128, { ss_family: [0, 2] });

export const WSAPOLLFD = defineStruct('WSAPOLLFD', 16, { fd: [0, 8], events: [8, 2], revents: [10, 2] }, 'WSAPOLLFD');

export const linger = defineStruct('linger', 4, { l_onoff: [0, 2], l_linger: [2, 2] });

export const ip_mreq = defineStruct('ip_mreq', 8, { imr_multiaddr: [0, 4], imr_interface: [4, 4] });

export const ipv6_mreq = defineStruct('ipv6_mreq', 20, { ipv6mr_multiaddr: [0, 16], ipv6mr_interface: [16, 4] });

export const TCP_INITIAL_RTO_PARAMETERS = defineStruct(
  'TCP_INITIAL_RTO_PARAMETERS',
  4,
  { Rtt: [0, 2], MaxSynRetransmissions: [2, 1] },
  'TCP_INITIAL_RTO_PARAMETERS',
);
