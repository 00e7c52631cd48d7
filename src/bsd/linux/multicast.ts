import { networkInterfaces } from 'node:os';
import { lastErrno } from '../../../native-bindings/ffi.js';
import * as c from '../../../native-bindings/linux/constants.js';
import { EADDRNOTAVAIL, EAFNOSUPPORT } from '../../../native-bindings/linux/errno.js';
import { ip_mreqn, ipv6_mreq } from '../../../native-bindings/linux/structs.js';
import { libc } from '../../../native-bindings/posix/libc.js';
import { netIf } from '../../../native-bindings/posix/net-if.js';
import type { SocketAddress } from '../../port/address.js';
import { readIPv6, writeIPv4, writeIPv6 } from '../ip-text.js';

/**
 * Joins or leaves a multicast group on the interface that has the address `localInterface`; '' is the system's
 * choice. Gives 0 or the negated error number. ip(7) and ipv6(7): IP_ADD_MEMBERSHIP, IPV6_JOIN_GROUP.
 */
export function changeMembership(
  descriptor: number,
  group: SocketAddress,
  localInterface: string,
  join: boolean,
): number {
  switch (group.family) {
    case 'IPv4': {
      const request = new Uint8Array(ip_mreqn.size);
      writeIPv4(group.address, request, ip_mreqn.offset.imr_multiaddr);
      // The kernel finds the interface by its address itself.
      if (localInterface !== '') writeIPv4(localInterface, request, ip_mreqn.offset.imr_address);
      return setMembership(descriptor, c.IPPROTO_IP, join ? c.IP_ADD_MEMBERSHIP : c.IP_DROP_MEMBERSHIP, request);
    }
    case 'IPv6': {
      const index = localInterface === '' ? (group.scopeId ?? 0) : interfaceIndex(localInterface);
      if (index === -1) return -EADDRNOTAVAIL;
      const request = new Uint8Array(ipv6_mreq.size);
      writeIPv6(group.address, request, ipv6_mreq.offset.ipv6mr_multiaddr);
      new DataView(request.buffer).setUint32(ipv6_mreq.offset.ipv6mr_interface, index, true);
      return setMembership(descriptor, c.IPPROTO_IPV6, join ? c.IPV6_JOIN_GROUP : c.IPV6_LEAVE_GROUP, request);
    }
    case 'unix':
      return -EAFNOSUPPORT;
  }
}

function setMembership(descriptor: number, level: number, option: number, request: Uint8Array): number {
  return libc().setsockopt(descriptor, level, option, request, request.byteLength) < 0 ? -lastErrno() : 0;
}

/** The index of the interface that has this address; -1 where none has. */
function interfaceIndex(localAddress: string): number {
  const wanted = canonicalIPv6(localAddress);
  for (const [name, entries = []] of Object.entries(networkInterfaces())) {
    const found = entries.some((entry) => entry.family === 'IPv6' && canonicalIPv6(entry.address) === wanted);
    // 0: the interface has gone in the meantime.
    if (found) return netIf().if_nametoindex(name) || -1;
  }
  return -1;
}

function canonicalIPv6(text: string): string {
  const bytes = new Uint8Array(16);
  writeIPv6(text.split('%')[0] ?? '', bytes, 0);
  return readIPv6(bytes, 0);
}
