/** Constants of Winsock and of the parts of Windows' API that sockets need. Checked against the headers named here. */
export const HEADERS = ['winsock2.h', 'ws2tcpip.h', 'mswsock.h', 'mstcpip.h', 'windows.h'] as const;

// ws2def.h, winsock2.h: families, types, protocols
// https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-wsasocketw
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 23;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const IPPROTO_IP = 0;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_IPV6 = 41;
export const WSA_FLAG_OVERLAPPED = 0x01;
export const WSA_FLAG_NO_HANDLE_INHERIT = 0x80;
export const SD_RECEIVE = 0;
export const SD_SEND = 1;
export const SD_BOTH = 2;
export const MSG_PEEK = 0x2;

// winsock2.h: options of SOL_SOCKET
// https://learn.microsoft.com/windows/win32/winsock/sol-socket-socket-options
export const SOL_SOCKET = 0xffff;
export const SO_REUSEADDR = 0x0004;
export const SO_EXCLUSIVEADDRUSE = -5; // ~SO_REUSEADDR
export const SO_KEEPALIVE = 0x0008;
export const SO_BROADCAST = 0x0020;
export const SO_LINGER = 0x0080;
export const SO_SNDBUF = 0x1001;
export const SO_RCVBUF = 0x1002;
export const SO_ERROR = 0x1007;
export const SO_TYPE = 0x1008;
export const SO_PROTOCOL_INFOW = 0x2005;
export const XP1_IFS_HANDLES = 0x00020000;

// mswsock.h
export const SO_UPDATE_ACCEPT_CONTEXT = 0x700b;
export const SO_UPDATE_CONNECT_CONTEXT = 0x7010;
export const TF_DISCONNECT = 0x01;
export const TF_REUSE_SOCKET = 0x02;
export const SIO_UDP_CONNRESET = 0x9800000c;
export const SIO_BASE_HANDLE = 0x48000022;

// winsock2.h, mstcpip.h: ioctlsocket and WSAIoctl
// https://learn.microsoft.com/windows/win32/winsock/winsock-ioctls
export const FIONBIO = 0x8004667e;
export const FIONREAD = 0x4004667f;
export const SIO_GET_EXTENSION_FUNCTION_POINTER = 0xc8000006;
export const SIO_TCP_INITIAL_RTO = 0x98000011;
export const TCP_INITIAL_RTO_UNSPECIFIED_RTT = 0xffff;
export const TCP_INITIAL_RTO_NO_SYN_RETRANSMISSIONS = 0xfe;

// winsock2.h: WSAPoll
// https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-wsapoll
export const POLLRDNORM = 0x0100;
export const POLLERR = 0x0001;
export const POLLHUP = 0x0002;

// winsock2.h, ws2ipdef.h: options of the protocols
export const TCP_NODELAY = 0x0001;
export const IP_MULTICAST_IF = 9;
export const IP_MULTICAST_TTL = 10;
export const IP_MULTICAST_LOOP = 11;
export const IP_ADD_MEMBERSHIP = 12;
export const IP_DROP_MEMBERSHIP = 13;
export const IP_TTL = 4;
export const IPV6_UNICAST_HOPS = 4;
export const IPV6_MULTICAST_IF = 9;
export const IPV6_MULTICAST_HOPS = 10;
export const IPV6_MULTICAST_LOOP = 11;
export const IPV6_JOIN_GROUP = 12;
export const IPV6_LEAVE_GROUP = 13;
export const IPV6_V6ONLY = 27;

// winbase.h, winnt.h
export const INFINITE = 0xffffffff;
export const FILE_SKIP_COMPLETION_PORT_ON_SUCCESS = 0x1;
export const FILE_SKIP_SET_EVENT_ON_HANDLE = 0x2;
export const MEM_COMMIT = 0x1000;
export const MEM_RESERVE = 0x2000;
export const PAGE_READWRITE = 0x04;
