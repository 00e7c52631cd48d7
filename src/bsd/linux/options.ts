import * as c from '../../../native-bindings/linux/constants.js';
import type { AddressFamily } from '../../port/address.js';
import type { SocketOptionName } from '../../port/socket-options.js';

/** Where an option lives: the level and the name, for IPv4 (and what has no family of its own) and for IPv6. */
type OptionPlace = readonly [level: number, name: number];
type OptionRow = OptionPlace | { readonly IPv4: OptionPlace; readonly IPv6: OptionPlace };

const OPTIONS: Readonly<Record<SocketOptionName, OptionRow>> = {
  noDelay: [c.IPPROTO_TCP, c.TCP_NODELAY],
  keepAlive: [c.SOL_SOCKET, c.SO_KEEPALIVE],
  keepAliveIdleSeconds: [c.IPPROTO_TCP, c.TCP_KEEPIDLE],
  keepAliveIntervalSeconds: [c.IPPROTO_TCP, c.TCP_KEEPINTVL],
  keepAliveCount: [c.IPPROTO_TCP, c.TCP_KEEPCNT],
  userTimeoutMs: [c.IPPROTO_TCP, c.TCP_USER_TIMEOUT],
  sendBufferBytes: [c.SOL_SOCKET, c.SO_SNDBUF],
  receiveBufferBytes: [c.SOL_SOCKET, c.SO_RCVBUF],
  reuseAddress: [c.SOL_SOCKET, c.SO_REUSEADDR],
  reusePort: [c.SOL_SOCKET, c.SO_REUSEPORT],
  ipv6Only: [c.IPPROTO_IPV6, c.IPV6_V6ONLY],
  broadcast: [c.SOL_SOCKET, c.SO_BROADCAST],
  ttl: { IPv4: [c.IPPROTO_IP, c.IP_TTL], IPv6: [c.IPPROTO_IPV6, c.IPV6_UNICAST_HOPS] },
  multicastTtl: { IPv4: [c.IPPROTO_IP, c.IP_MULTICAST_TTL], IPv6: [c.IPPROTO_IPV6, c.IPV6_MULTICAST_HOPS] },
  multicastLoop: { IPv4: [c.IPPROTO_IP, c.IP_MULTICAST_LOOP], IPv6: [c.IPPROTO_IPV6, c.IPV6_MULTICAST_LOOP] },
  udpGro: [c.IPPROTO_UDP, c.UDP_GRO],
  receiveErrors: { IPv4: [c.IPPROTO_IP, c.IP_RECVERR], IPv6: [c.IPPROTO_IPV6, c.IPV6_RECVERR] },
};

export function optionPlace(name: SocketOptionName, family: AddressFamily): OptionPlace {
  const row = OPTIONS[name];
  return 'IPv4' in row ? row[family === 'IPv6' ? 'IPv6' : 'IPv4'] : row;
}
