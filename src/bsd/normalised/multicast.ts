import { networkInterfaces } from 'node:os';
import type { SocketAddress } from '../../port/address.js';
import { readIPv6, writeIPv4, writeIPv6 } from '../ip-text.js';
import type { StackCalls } from '../library/calls.js';
import { Words } from './words.js';

/** struct ip_mreq: the group's address, then the interface's. It is the same on every BSD descendant. */
const IP_MREQ_BYTES = 8;
/** struct ipv6_mreq (RFC 3493 section 5.2): the group's address, then the interface's index. */
const IPV6_MREQ_BYTES = 20;
const IPV6_MREQ_INDEX_AT = 16;

/**
 * Joins or leaves a multicast group on the interface that has the address `localInterface`; '' is the stack's choice.
 * Gives 0 or the negated error number.
 */
export function changeMembership(
  calls: StackCalls,
  descriptor: number,
  group: SocketAddress,
  localInterface: string,
  join: boolean,
): number {
  const { constants, byteOrder } = calls.profile;
  switch (group.family) {
    case 'IPv4': {
      const request = new Words(IP_MREQ_BYTES, byteOrder);
      writeIPv4(group.address, request.bytes, 0);
      if (localInterface !== '') writeIPv4(localInterface, request.bytes, 4);
      const option = join ? constants.IP_ADD_MEMBERSHIP : constants.IP_DROP_MEMBERSHIP;
      return setMembership(calls, descriptor, constants.IPPROTO_IP, option, request.bytes);
    }
    case 'IPv6': {
      const index = localInterface === '' ? (group.scopeId ?? 0) : interfaceIndex(localInterface);
      if (index === -1) return -calls.errors.number('EADDRNOTAVAIL');
      const request = new Words(IPV6_MREQ_BYTES, byteOrder);
      writeIPv6(group.address, request.bytes, 0);
      request.setInt32(IPV6_MREQ_INDEX_AT, index);
      const option = join ? constants.IPV6_JOIN_GROUP : constants.IPV6_LEAVE_GROUP;
      return setMembership(calls, descriptor, constants.IPPROTO_IPV6, option, request.bytes);
    }
    case 'unix':
      return -calls.errors.number('EAFNOSUPPORT');
  }
}

function setMembership(
  calls: StackCalls,
  descriptor: number,
  level: number | null,
  option: number | null,
  request: Uint8Array,
): number {
  if (level === null || option === null) return -calls.errors.number('ENOPROTOOPT');
  const result = calls.get('setsockopt')(descriptor, level, option, request, request.length);
  return result < 0 ? calls.failure(result) : 0;
}

/** The index of the interface that has this address; -1 where none has. */
function interfaceIndex(localAddress: string): number {
  const wanted = canonicalIPv6(localAddress);
  for (const entries of Object.values(networkInterfaces())) {
    for (const entry of entries ?? []) {
      // libuv gives the interface's index as the scope of every IPv6 address it lists.
      if (entry.family === 'IPv6' && canonicalIPv6(entry.address) === wanted) return entry.scopeid;
    }
  }
  return -1;
}

function canonicalIPv6(text: string): string {
  const bytes = new Uint8Array(16);
  writeIPv6(text.split('%')[0] ?? '', bytes, 0);
  return readIPv6(bytes, 0);
}
