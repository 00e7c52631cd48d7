import { isIPv4, isIPv6 } from 'node:net';
import type { AddressFamily, SocketAddress } from './address.js';
import { InvalidArgumentError, OutOfRangeError } from './errors.js';

/**
 * Checks where a datagram is to go, before anything of it is written: a port, and an address of `batchFamily` (null takes
 * either). Throws TypeError and RangeError.
 */
export function checkDestination(to: SocketAddress, batchFamily: AddressFamily | null): void {
  if (typeof to !== 'object' || to === null) throw new InvalidArgumentError('to must be an address');
  const { family, address, port } = to;
  if (typeof port !== 'number') throw new InvalidArgumentError('port must be a number');
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new OutOfRangeError(`port must be an integer from 1 to 65535, not ${port}`);
  }
  if (family !== 'IPv4' && family !== 'IPv6') throw invalidAddress('A datagram goes to an IPv4 or IPv6 address');
  if (batchFamily !== null && family !== batchFamily) {
    throw invalidAddress(`The batch is for a socket of ${batchFamily}, and the address is of ${family}`);
  }
  const valid = typeof address === 'string' && (family === 'IPv4' ? isIPv4(address) : isIPv6(address));
  if (!valid || address.includes('%')) throw invalidAddress(`Not an ${family} address: ${String(address)}`);
}

function invalidAddress(message: string): InvalidArgumentError {
  return new InvalidArgumentError(message, 'ERR_INVALID_ARG_VALUE');
}
