import { networkInterfaces } from 'node:os';
import * as c from '../../../native-bindings/windows/constants.js';
import { iphlpapi } from '../../../native-bindings/windows/iphlpapi.js';
import { ip_mreq, ipv6_mreq } from '../../../native-bindings/windows/structs.js';
import { WSAEADDRNOTAVAIL, WSAEAFNOSUPPORT, WSAEINVAL } from '../../../native-bindings/windows/winerror.js';
import { canonicalIPv6, writeIPv4, writeIPv6 } from '../../bsd/ip-text.js';
import type { SocketAddress } from '../../port/address.js';
import type { Winsock } from './winsock.js';

/**
 * Joins or leaves a multicast group on the interface that has the address `localInterface`; '' is the system's
 * choice. Gives 0 or the negated error number.
 * https://learn.microsoft.com/windows/win32/winsock/ipproto-ip-socket-options, …/ipproto-ipv6-socket-options
 */
export function changeMembership(
  winsock: Winsock,
  handle: number,
  group: SocketAddress,
  localInterface: string,
  join: boolean,
): number {
  switch (group.family) {
    case 'IPv4': {
      const request = new Uint8Array(ip_mreq.size);
      writeIPv4(group.address, request, ip_mreq.offset.imr_multiaddr);
      if (localInterface !== '') {
        if (!isLocal(localInterface)) return -WSAEADDRNOTAVAIL;
        writeIPv4(localInterface, request, ip_mreq.offset.imr_interface);
      }
      const option = join ? c.IP_ADD_MEMBERSHIP : c.IP_DROP_MEMBERSHIP;
      return verdict(winsock.setMembership(handle, c.IPPROTO_IP, option, request), join);
    }
    case 'IPv6': {
      const index = localInterface === '' ? (group.scopeId ?? 0) : interfaceIndex(localInterface);
      if (index === -1) return -WSAEADDRNOTAVAIL;
      const request = new Uint8Array(ipv6_mreq.size);
      writeIPv6(group.address, request, ipv6_mreq.offset.ipv6mr_multiaddr);
      new DataView(request.buffer).setUint32(ipv6_mreq.offset.ipv6mr_interface, index, true);
      const option = join ? c.IPV6_JOIN_GROUP : c.IPV6_LEAVE_GROUP;
      return verdict(winsock.setMembership(handle, c.IPPROTO_IPV6, option, request), join);
    }
    case 'unix':
      return -WSAEAFNOSUPPORT;
  }
}

/** Who leaves a group that was not joined hears WSAEADDRNOTAVAIL from Winsock, and WSAEINVAL from Wine. */
function verdict(result: number, join: boolean): number {
  return !join && result === -WSAEINVAL ? -WSAEADDRNOTAVAIL : result;
}

/** Whether this machine has the address. Winsock reads 0.0.0.1 and the like as an interface's index. */
function isLocal(address: string): boolean {
  const { 0: first } = address.split('.');
  if (first === '0') return true;
  return Object.values(networkInterfaces()).some((entries) => entries?.some((entry) => entry.address === address));
}

/** The index of the interface that has this address; -1 where none has. */
function interfaceIndex(localAddress: string): number {
  const wanted = canonicalIPv6(localAddress);
  for (const [alias, entries] of Object.entries(networkInterfaces())) {
    for (const entry of entries ?? []) {
      if (entry.family === 'IPv6' && canonicalIPv6(entry.address) === wanted) return indexOf(alias);
    }
  }
  return -1;
}

/**
 * The index of the interface of this name; -1 where there is none. It is the scope of link-local addresses alone: others
 * are listed with scope 0, which would stand for the system's choice. libuv lists interfaces by their aliases.
 */
function indexOf(alias: string): number {
  const { ConvertInterfaceAliasToLuid, ConvertInterfaceLuidToIndex } = iphlpapi();
  const luid = new Uint8Array(8);
  const index = new Uint32Array(1);
  if (ConvertInterfaceAliasToLuid(Buffer.from(`${alias}\0`, 'utf16le'), luid) !== 0) return -1;
  return ConvertInterfaceLuidToIndex(luid, new Uint8Array(index.buffer)) === 0 ? (index[0] ?? -1) : -1;
}
