import { InvalidArgumentError } from '../port/errors.js';
import type { SocketOptionName, SocketOptionValue } from '../port/socket-options.js';
import { checkInteger } from './arguments.js';

const MAX_INT = 2 ** 31 - 1;

/** What each option takes: a boolean, or an integer in a range. */
const VALUES: Readonly<Record<SocketOptionName, 'boolean' | readonly [minimum: number, maximum: number]>> = {
  noDelay: 'boolean',
  keepAlive: 'boolean',
  keepAliveIdleSeconds: [1, 32767],
  keepAliveIntervalSeconds: [1, 32767],
  keepAliveCount: [1, 127],
  userTimeoutMs: [0, MAX_INT],
  sendBufferBytes: [1, MAX_INT],
  receiveBufferBytes: [1, MAX_INT],
  reuseAddress: 'boolean',
  reusePort: 'boolean',
  ipv6Only: 'boolean',
  broadcast: 'boolean',
  ttl: [1, 255],
  multicastTtl: [0, 255],
  multicastLoop: 'boolean',
  udpGro: 'boolean',
  receiveErrors: 'boolean',
};

/** The checked value. */
export function checkOption(name: SocketOptionName, value: SocketOptionValue): SocketOptionValue {
  const row = optionRow(name);
  if (row !== 'boolean') return checkInteger(name, value as number, row[0], row[1]);
  if (typeof value !== 'boolean') throw new InvalidArgumentError(`${name} must be true or false`);
  return value;
}

/** Whether the option is true or false, rather than a number. */
export function isBooleanOption(name: SocketOptionName): boolean {
  return optionRow(name) === 'boolean';
}

function optionRow(name: SocketOptionName): 'boolean' | readonly [minimum: number, maximum: number] {
  if (Object.hasOwn(VALUES, name)) return VALUES[name];
  throw new InvalidArgumentError(`There is no socket option ${String(name)}`, 'ERR_INVALID_ARG_VALUE');
}
