import { defineStruct } from '../layout.js';

/** Linux's socket structures on a 64-bit little-endian machine. Checked against the headers named here. */
export const HEADERS = [
  'sys/socket.h',
  'sys/un.h',
  'netinet/in.h',
  'poll.h',
  'sys/uio.h',
  'time.h',
  'linux/errqueue.h',
  'stddef.h',
] as const;
export const DEFINES = ['_GNU_SOURCE'] as const;

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

export const sockaddr_un = defineStruct('sockaddr_un', 110, {
  sun_family: [0, 2],
  sun_path: [2, 108],
});

export const sockaddr_storage = defineStruct('sockaddr_storage', 128, { ss_family: [0, 2] });

export const linger = defineStruct('linger', 8, { l_onoff: [0, 4], l_linger: [4, 4] });

export const ip_mreqn = defineStruct('ip_mreqn', 12, {
  imr_multiaddr: [0, 4],
  imr_address: [4, 4],
  imr_ifindex: [8, 4],
});

export const ipv6_mreq = defineStruct('ipv6_mreq', 20, { ipv6mr_multiaddr: [0, 16], ipv6mr_interface: [16, 4] });

export const iovec = defineStruct('iovec', 16, { iov_base: [0, 8], iov_len: [8, 8] });

export const msghdr = defineStruct('msghdr', 56, {
  msg_name: [0, 8],
  msg_namelen: [8, 4],
  msg_iov: [16, 8],
  msg_iovlen: [24, 8],
  msg_control: [32, 8],
  msg_controllen: [40, 8],
  msg_flags: [48, 4],
});

export const mmsghdr = defineStruct('mmsghdr', 64, { msg_hdr: [0, 56], msg_len: [56, 4] });

export const cmsghdr = defineStruct('cmsghdr', 16, { cmsg_len: [0, 8], cmsg_level: [8, 4], cmsg_type: [12, 4] });

export const pollfd = defineStruct('pollfd', 8, { fd: [0, 4], events: [4, 2], revents: [6, 2] });

/** The data of an IP_RECVERR or IPV6_RECVERR message: ip(7). */
export const sock_extended_err = defineStruct('sock_extended_err', 16, {
  ee_errno: [0, 4],
  ee_origin: [4, 1],
  ee_type: [5, 1],
  ee_code: [6, 1],
  ee_info: [8, 4],
  ee_data: [12, 4],
});
