/** The address families of the library. `unix` is a path. */
export type AddressFamily = 'IPv4' | 'IPv6' | 'unix';

/** One end of a connection or datagram. `port` is 0 and `address` the path for `unix`. */
export interface SocketAddress {
  readonly family: AddressFamily;
  readonly address: string;
  readonly port: number;
  /** IPv6 only: the interface of a link-local address; 0 for none. */
  readonly scopeId?: number;
}

/** `127.0.0.1:80`, `[::1]:80` or the path: how messages spell an address. */
export function formatAddress(address: SocketAddress): string {
  switch (address.family) {
    case 'IPv4':
      return `${address.address}:${address.port}`;
    case 'IPv6':
      return `[${address.address}]:${address.port}`;
    case 'unix':
      return address.address;
  }
}
