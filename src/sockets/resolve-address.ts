import { lookup } from 'node:dns/promises';
import { isIPv4, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { SocketAddress } from '../port/address.js';
import { InvalidArgumentError } from '../port/errors.js';
import { checkPort, checkString } from './arguments.js';

/** Room in sun_path on Linux without the final NUL; other systems have 103. */
const MAX_PATH_BYTES = 107;

/** A numeric address, at once; null where `host` is a name. `fe80::1%eth0` names its interface. */
export function numericAddress(host: string, port: number): SocketAddress | null {
  if (isIPv4(host)) return { family: 'IPv4', address: host, port };
  if (!isIPv6(host)) return null;
  const [address = host, zone] = host.split('%');
  return zone === undefined
    ? { family: 'IPv6', address, port }
    : { family: 'IPv6', address, port, scopeId: scopeOf(zone) };
}

export function unixAddress(path: string): SocketAddress {
  checkString('path', path);
  const length = Buffer.byteLength(path);
  if (length === 0 || length > MAX_PATH_BYTES) {
    throw new InvalidArgumentError(
      `path must have 1 to ${MAX_PATH_BYTES} bytes, not ${length}`,
      'ERR_INVALID_ARG_VALUE',
    );
  }
  return { family: 'unix', address: path, port: 0 };
}

/** Every address of a host, in the resolver's order. Rejects with Node's own error (ENOTFOUND …). */
export async function resolveAddresses(host: string, port: number, family: 0 | 4 | 6 = 0): Promise<SocketAddress[]> {
  checkString('host', host);
  checkPort('port', port);
  if (host === '') throw new InvalidArgumentError('host must not be empty', 'ERR_INVALID_ARG_VALUE');
  const numeric = numericAddress(host, port);
  if (numeric !== null) return [numeric];
  const found = await lookup(host, { all: true, family });
  return found.map(({ address, family: version }) => ({ family: version === 6 ? 'IPv6' : 'IPv4', address, port }));
}

function scopeOf(zone: string): number {
  const index = Number(zone);
  if (Number.isInteger(index) && index >= 0) return index;
  const scopes = (networkInterfaces()[zone] ?? []).flatMap((entry) => (entry.family === 'IPv6' ? [entry.scopeid] : []));
  const scope = scopes.find((id) => id !== 0);
  if (scope === undefined) throw new InvalidArgumentError(`There is no interface ${zone}`, 'ERR_INVALID_ARG_VALUE');
  return scope;
}
