import type { SocketAddress } from '../port/address.js';
import type { DriverSocket } from '../port/driver.js';
import type { Proactor } from '../port/proactor.js';
import { numericAddress } from '../sockets/resolve-address.js';
import type { ConnectRequest } from './handle-owner.js';
import { StreamHandle } from './stream-handle.js';
import { uvError, uvNumber } from './uv-errors.js';

/** What Node wants to read of an address. */
export interface AddressFields {
  address?: string;
  family?: string;
  port?: number;
}

/** libuv's own interval and count of keep-alive probes. */
const KEEP_ALIVE_INTERVAL_SECONDS = 1;
const KEEP_ALIVE_PROBES = 10;
const IPV6_ONLY_FLAG = 1;

/** A TCP connection, or one to be. */
export class TcpHandle extends StreamHandle {
  constructor(proactor: Proactor, socket: DriverSocket | null) {
    super('TCPWRAP', proactor, socket);
  }

  bind(address: string, port: number): number {
    return this.#bind(address, port);
  }

  bind6(address: string, port: number, flags = 0): number {
    return this.#bind(address, port, (flags & IPV6_ONLY_FLAG) !== 0);
  }

  connect(request: ConnectRequest, address: string, port: number): number {
    return this.#connect(request, address, port);
  }

  connect6(request: ConnectRequest, address: string, port: number): number {
    return this.#connect(request, address, port);
  }

  reset(callback: () => void): number {
    return this.closeWithReset(callback);
  }

  getsockname(out: AddressFields): number {
    if (this.socket === null) return uvNumber('EBADF');
    return fillAddress(out, this.proactor.driver.localAddress(this.socket));
  }

  getpeername(out: AddressFields): number {
    if (this.socket === null) return uvNumber('EBADF');
    return fillAddress(out, this.proactor.driver.remoteAddress(this.socket));
  }

  setNoDelay(enable: boolean): number {
    return this.#option('noDelay', enable);
  }

  setKeepAlive(enable: boolean, initialDelaySeconds: number): number {
    const failed = this.#option('keepAlive', enable);
    if (failed !== 0 || !enable || initialDelaySeconds < 1) return failed;
    return (
      this.#option('keepAliveIdleSeconds', initialDelaySeconds) ||
      this.#option('keepAliveIntervalSeconds', KEEP_ALIVE_INTERVAL_SECONDS) ||
      this.#option('keepAliveCount', KEEP_ALIVE_PROBES)
    );
  }

  #option(name: 'noDelay' | 'keepAlive' | `keepAlive${string}Seconds` | 'keepAliveCount', value: boolean | number) {
    if (this.socket === null) return uvNumber('EBADF');
    const { driver } = this.proactor;
    return uvError(driver, driver.setOption(this.socket, name as 'keepAlive', value));
  }

  #bind(text: string, port: number, ipv6Only = false): number {
    const address = numericAddress(text, port);
    if (address === null) return uvNumber('EINVAL');
    const failed = this.openAs(address.family);
    if (failed !== 0 || this.socket === null) return failed;
    const { driver } = this.proactor;
    driver.setOption(this.socket, 'reuseAddress', driver.listenersReuseAddress);
    if (ipv6Only) driver.setOption(this.socket, 'ipv6Only', true);
    return uvError(driver, driver.bind(this.socket, address));
  }

  #connect(request: ConnectRequest, text: string, port: number): number {
    const address = numericAddress(text, port);
    if (address === null) return uvNumber('EINVAL');
    // libuv says at once what it knows by itself (uv__tcp_connect), and Node then tells of no failed attempt.
    return this.connectRefusal || this.submitConnect(request, address);
  }
}

/** Fills in what Node reads of an address; libuv's error number where there is none. */
export function fillAddress(out: AddressFields, address: SocketAddress | null): number {
  if (address === null) return uvNumber('ENOTCONN');
  out.address = address.address;
  out.family = address.family;
  out.port = address.port;
  return 0;
}
