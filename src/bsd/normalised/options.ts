import type { AddressFamily } from '../../port/address.js';
import type { SocketOptionName } from '../../port/socket-options.js';
import type { StackConstants } from '../profile/profile.js';

/** Where an option lives: the level and the name; null where the stack has no such option. */
export type OptionPlace = readonly [level: number, name: number];

type ConstantName = Exclude<keyof StackConstants, 'poll' | 'epoll' | 'kqueue'>;
type OptionRow = readonly [level: ConstantName, name: ConstantName];

type OptionRows = OptionRow | { readonly IPv4: OptionRow; readonly IPv6: OptionRow };

const OPTIONS: Readonly<Record<SocketOptionName, OptionRows | null>> = {
  noDelay: ['IPPROTO_TCP', 'TCP_NODELAY'],
  keepAlive: ['SOL_SOCKET', 'SO_KEEPALIVE'],
  keepAliveIdleSeconds: ['IPPROTO_TCP', 'TCP_KEEPIDLE'],
  keepAliveIntervalSeconds: ['IPPROTO_TCP', 'TCP_KEEPINTVL'],
  keepAliveCount: ['IPPROTO_TCP', 'TCP_KEEPCNT'],
  userTimeoutMs: ['IPPROTO_TCP', 'TCP_USER_TIMEOUT'],
  sendBufferBytes: ['SOL_SOCKET', 'SO_SNDBUF'],
  receiveBufferBytes: ['SOL_SOCKET', 'SO_RCVBUF'],
  reuseAddress: ['SOL_SOCKET', 'SO_REUSEADDR'],
  reusePort: ['SOL_SOCKET', 'SO_REUSEPORT'],
  ipv6Only: ['IPPROTO_IPV6', 'IPV6_V6ONLY'],
  broadcast: ['SOL_SOCKET', 'SO_BROADCAST'],
  ttl: { IPv4: ['IPPROTO_IP', 'IP_TTL'], IPv6: ['IPPROTO_IPV6', 'IPV6_UNICAST_HOPS'] },
  multicastTtl: { IPv4: ['IPPROTO_IP', 'IP_MULTICAST_TTL'], IPv6: ['IPPROTO_IPV6', 'IPV6_MULTICAST_HOPS'] },
  multicastLoop: { IPv4: ['IPPROTO_IP', 'IP_MULTICAST_LOOP'], IPv6: ['IPPROTO_IPV6', 'IPV6_MULTICAST_LOOP'] },
  // Linux's alone, and of use only with recvmsg(2): a stack that is driven by its profile receives with recvfrom.
  udpGro: null,
  receiveErrors: null,
};

export function optionPlace(
  constants: StackConstants,
  name: SocketOptionName,
  family: AddressFamily,
): OptionPlace | null {
  const row = OPTIONS[name];
  if (row === null) return null;
  const [level, option] = 'IPv4' in row ? row[family === 'IPv6' ? 'IPv6' : 'IPv4'] : row;
  const place = [constants[level], constants[option]] as const;
  return place[0] === null || place[1] === null ? null : [place[0], place[1]];
}
