/** Socket options by name. Booleans are 0 and 1 underneath; the unit stands last where there is one. */
export interface SocketOptions {
  noDelay: boolean;
  keepAlive: boolean;
  keepAliveIdleSeconds: number;
  keepAliveIntervalSeconds: number;
  keepAliveCount: number;
  /** Linux: how long sent data may stay unacknowledged before the connection fails. */
  userTimeoutMs: number;
  sendBufferBytes: number;
  receiveBufferBytes: number;
  reuseAddress: boolean;
  reusePort: boolean;
  ipv6Only: boolean;
  broadcast: boolean;
  ttl: number;
  multicastTtl: number;
  /**
   * Whether this machine's sockets hear what is sent to a group from here. Of the sender on Linux and the BSDs; Winsock
   * has it for what the socket itself receives, so that a program for both sets it at both ends.
   */
  multicastLoop: boolean;
  /** Datagrams of one flow are received as one large buffer and split by the library (Linux). */
  udpGro: boolean;
  /** ICMP errors are queued and reported, instead of being lost (Linux). */
  receiveErrors: boolean;
}

export type SocketOptionName = keyof SocketOptions;
export type SocketOptionValue = number | boolean;
