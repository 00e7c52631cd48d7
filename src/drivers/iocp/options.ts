import * as c from '../../../native-bindings/windows/constants.js';
import { WSAENOPROTOOPT } from '../../../native-bindings/windows/winerror.js';
import type { AddressFamily } from '../../port/address.js';
import type { SocketOptionName } from '../../port/socket-options.js';

// ws2ipdef.h of the Windows SDK since 10.0.16299 (1709; TCP_MAXRTMS since 10.0.19041). mingw's headers and Wine 8 do
// not have them. https://learn.microsoft.com/windows/win32/winsock/ipproto-tcp-socket-options
const TCP_KEEPIDLE = 3;
const TCP_KEEPCNT = 16;
const TCP_KEEPINTVL = 17;
const TCP_MAXRTMS = 14;

/** Where an option lives: the level and the name, for IPv4 (and what has no family of its own) and for IPv6. */
type OptionPlace = readonly [level: number, name: number];
type OptionRow = OptionPlace | { readonly IPv4: OptionPlace; readonly IPv6: OptionPlace };

const OPTIONS: Readonly<Record<SocketOptionName, OptionRow | null>> = {
  noDelay: [c.IPPROTO_TCP, c.TCP_NODELAY],
  keepAlive: [c.SOL_SOCKET, c.SO_KEEPALIVE],
  keepAliveIdleSeconds: [c.IPPROTO_TCP, TCP_KEEPIDLE],
  keepAliveIntervalSeconds: [c.IPPROTO_TCP, TCP_KEEPINTVL],
  keepAliveCount: [c.IPPROTO_TCP, TCP_KEEPCNT],
  userTimeoutMs: [c.IPPROTO_TCP, TCP_MAXRTMS],
  sendBufferBytes: [c.SOL_SOCKET, c.SO_SNDBUF],
  receiveBufferBytes: [c.SOL_SOCKET, c.SO_RCVBUF],
  reuseAddress: [c.SOL_SOCKET, c.SO_REUSEADDR],
  reusePort: null,
  ipv6Only: [c.IPPROTO_IPV6, c.IPV6_V6ONLY],
  broadcast: [c.SOL_SOCKET, c.SO_BROADCAST],
  ttl: { IPv4: [c.IPPROTO_IP, c.IP_TTL], IPv6: [c.IPPROTO_IPV6, c.IPV6_UNICAST_HOPS] },
  multicastTtl: { IPv4: [c.IPPROTO_IP, c.IP_MULTICAST_TTL], IPv6: [c.IPPROTO_IPV6, c.IPV6_MULTICAST_HOPS] },
  multicastLoop: { IPv4: [c.IPPROTO_IP, c.IP_MULTICAST_LOOP], IPv6: [c.IPPROTO_IPV6, c.IPV6_MULTICAST_LOOP] },
  udpGro: null,
  receiveErrors: null,
};

/** The option's level and name; as a number, the error where Winsock has no such option. */
export function optionPlace(name: SocketOptionName, family: AddressFamily): OptionPlace | number {
  const row = OPTIONS[name];
  if (row === null) return WSAENOPROTOOPT;
  return 'IPv4' in row ? row[family === 'IPv6' ? 'IPv6' : 'IPv4'] : row;
}
