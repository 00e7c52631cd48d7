import type { AddressFamily, SocketAddress } from '../port/address.js';
import type { DriverSocket } from '../port/driver.js';
import { InvalidArgumentError, systemError } from '../port/errors.js';
import type { Proactor } from '../port/proactor.js';
import type { SocketOptionName, SocketOptionValue } from '../port/socket-options.js';
import { checkInteger, checkString, type OperationOptions } from './arguments.js';
import type { ProactorOptions } from './default-proactor.js';
import { checkOption } from './option-values.js';
import { numericAddress, resolveAddresses } from './resolve-address.js';

/** Where a UDP socket is bound, and its defaults. */
export interface UdpBindOptions extends ProactorOptions {
  /** An address or a name; every IPv4 address (`0.0.0.0`) by default, every one (`::`) with `family: 6`. */
  readonly host?: string | undefined;
  /** 0, the default: the system chooses. */
  readonly port?: number | undefined;
  /** Addresses of this version only, where `host` is a name. */
  readonly family?: 4 | 6 | undefined;
  readonly reuseAddress?: boolean | undefined;
  /** Several sockets may share the port, and the kernel spreads the datagrams (SO_REUSEPORT). */
  readonly reusePort?: boolean | undefined;
  /** An IPv6 socket does not take part in IPv4. */
  readonly ipv6Only?: boolean | undefined;
  /** What the kernel keeps for us. It drops what does not fit, so a server under load wants megabytes. */
  readonly receiveBufferBytes?: number | undefined;
  readonly sendBufferBytes?: number | undefined;
  readonly broadcast?: boolean | undefined;
  /** Defaults of this socket's operations, in milliseconds. */
  readonly recvTimeoutMs?: number | undefined;
  readonly sendTimeoutMs?: number | undefined;
}

/** Where a datagram goes: a host, which may be a name, or an address, such as the one a datagram came from. */
export type UdpDestination =
  | { readonly host: string; readonly port: number }
  | { readonly address: string; readonly port: number; readonly family?: AddressFamily; readonly scopeId?: number };

export interface UdpSendOptions extends OperationOptions {
  /** Cuts `data` into datagrams of this many bytes, in the kernel where it can (UDP_SEGMENT). */
  readonly segmentBytes?: number | undefined;
}

export interface UdpReceiveOptions extends OperationOptions {
  /** Where the bytes go; absent, into a new Buffer. */
  readonly buffer?: Uint8Array | undefined;
}

type BindOption = readonly [name: SocketOptionName, value: SocketOptionValue | undefined];

/** Opens and binds; throws before it for bad arguments, and SystemError for what the system refuses. */
export async function bindDatagram(
  proactorOf: (options: ProactorOptions) => Proactor,
  options: UdpBindOptions,
): Promise<{ proactor: Proactor; handle: DriverSocket }> {
  const { family, port = 0 } = options;
  if (family !== undefined && family !== 4 && family !== 6) {
    throw new InvalidArgumentError(`family must be 4 or 6, not ${String(family)}`, 'ERR_INVALID_ARG_VALUE');
  }
  const settings = bindOptions(options);
  const host = options.host ?? (family === 6 ? '::' : '0.0.0.0');
  const [address] = await resolveAddresses(host, port, family ?? 0);
  if (address === undefined) throw new InvalidArgumentError(`${host} has no address`, 'ERR_INVALID_ARG_VALUE');
  if (family !== undefined && address.family !== familyName(family)) {
    throw new InvalidArgumentError(`${host} is not an IPv${family} address`, 'ERR_INVALID_ARG_VALUE');
  }
  const proactor = proactorOf(options);
  return { proactor, handle: bindTo(proactor, address, settings) };
}

function bindTo(proactor: Proactor, address: SocketAddress, settings: readonly BindOption[]): DriverSocket {
  const { driver } = proactor;
  const handle = driver.open(address.family, 'datagram');
  if (typeof handle === 'number') throw systemError(driver, 'Cannot open a socket', 'socket', handle, address);
  const check = (syscall: string, failed: number) => {
    if (failed === 0) return;
    driver.close(handle, false, () => undefined);
    throw systemError(driver, `Cannot ${syscall} socket`, syscall, failed, address);
  };
  for (const [name, value] of settings) {
    if (value === undefined || (name === 'ipv6Only' && address.family !== 'IPv6')) continue;
    check('setsockopt', driver.setOption(handle, name, value));
  }
  check('bind', driver.bind(handle, address));
  return handle;
}

function bindOptions(options: UdpBindOptions): readonly BindOption[] {
  const names = ['reuseAddress', 'reusePort', 'receiveBufferBytes', 'sendBufferBytes', 'broadcast'] as const;
  const given = names.map((name): BindOption => [name, options[name]]);
  for (const [name, value] of given) if (value !== undefined) checkOption(name, value);
  // Systems differ in what it is when nobody says.
  return [...given, ['ipv6Only', checkOption('ipv6Only', options.ipv6Only ?? false)]];
}

/**
 * The address to send to, at once where it is numeric; otherwise the promise of it. Nobody listens on port 0, and all
 * that Linux says to it is EINVAL.
 */
export function destination(to: UdpDestination, family: AddressFamily): SocketAddress | Promise<SocketAddress> {
  if (typeof to !== 'object' || to === null) throw new InvalidArgumentError('The destination must be { host, port }');
  const host = 'host' in to ? to.host : to.address;
  checkInteger('port', to.port, 1, 65_535);
  // An address as a datagram brings it: the batch checks its text when it writes it.
  if ('family' in to && to.family === family && typeof to.address === 'string') return to as SocketAddress;
  const numeric = numericAddress(checkString('host', host), to.port);
  if (numeric !== null)
    return ofFamily('scopeId' in to && to.scopeId ? { ...numeric, scopeId: to.scopeId } : numeric, family);
  return lookUp(host, to.port, family);
}

async function lookUp(host: string, port: number, family: AddressFamily): Promise<SocketAddress> {
  const found = await resolveAddresses(host, port, family === 'IPv4' ? 4 : 0);
  const [address] = found;
  if (address === undefined) throw new InvalidArgumentError(`${host} has no address`, 'ERR_INVALID_ARG_VALUE');
  return ofFamily(address, family);
}

/** An IPv6 socket reaches IPv4 under mapped addresses (RFC 4291 section 2.5.5.2). */
function ofFamily(address: SocketAddress, family: AddressFamily): SocketAddress {
  if (address.family === family) return address;
  if (family === 'IPv6') return { family, address: `::ffff:${address.address}`, port: address.port };
  throw new InvalidArgumentError(`${address.address} is no address for a socket of ${family}`, 'ERR_INVALID_ARG_VALUE');
}

/** A multicast group's address, with the interface's. */
export function membershipAddresses(group: string, localInterface: string): [SocketAddress, string] {
  const address = numericAddress(checkString('group', group), 0);
  const local = checkString('localInterface', localInterface);
  if (address === null) throw new InvalidArgumentError(`Not an address: ${group}`, 'ERR_INVALID_ARG_VALUE');
  if (local !== '' && numericAddress(local, 0)?.family !== address.family) {
    throw new InvalidArgumentError(
      `localInterface must be an ${address.family} address of this machine`,
      'ERR_INVALID_ARG_VALUE',
    );
  }
  return [address, local];
}

function familyName(family: 4 | 6): AddressFamily {
  return family === 4 ? 'IPv4' : 'IPv6';
}
