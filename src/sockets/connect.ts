import type { SocketAddress } from '../port/address.js';
import type { DriverSocket } from '../port/driver.js';
import { AbortError, InvalidArgumentError, systemError, TimeoutError } from '../port/errors.js';
import type { Proactor } from '../port/proactor.js';
import { checkPort, checkSignal, checkTimeout, type OperationOptions } from './arguments.js';
import { type ProactorOptions, proactorFor } from './default-proactor.js';
import { OperationQueue } from './operation-queue.js';
import { numericAddress, resolveAddresses, unixAddress } from './resolve-address.js';

/** Where to connect to, and from where. Either `port` (with `host`) or `path`. */
export interface ConnectOptions extends OperationOptions, ProactorOptions {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /** A UNIX-domain path; a leading NUL names Linux's abstract namespace. */
  readonly path?: string | undefined;
  /** Addresses of this version only. */
  readonly family?: 4 | 6 | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly noDelay?: boolean | undefined;
}

/** Opens and connects a stream socket; `wrap` makes the result of the connected handle. */
export async function connectStream<T>(
  options: ConnectOptions,
  wrap: (proactor: Proactor, handle: DriverSocket) => T,
): Promise<T> {
  if (typeof options !== 'object' || options === null)
    throw new InvalidArgumentError('connect needs an object of options');
  const timeoutMs = checkTimeout(options.timeoutMs, Number.POSITIVE_INFINITY);
  const signal = checkSignal(options.signal);
  const local = localEnd(options);
  const deadline = performance.now() + timeoutMs;
  const addresses = await within(remoteEnds(options), timeoutMs, signal);
  const proactor = proactorFor(options);
  let failure: unknown;
  for (const address of addresses) {
    const left = timeoutMs === 0 ? 0 : Math.max(deadline - performance.now(), 0);
    try {
      return wrap(proactor, await connectOne(proactor, address, local, options.noDelay ?? true, left, signal));
    } catch (error) {
      failure = error;
      if (error instanceof TimeoutError || error instanceof AbortError) break;
    }
  }
  throw failure;
}

async function connectOne(
  proactor: Proactor,
  address: SocketAddress,
  local: SocketAddress | null,
  noDelay: boolean,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<DriverSocket> {
  const { driver } = proactor;
  const handle = driver.open(address.family, 'stream');
  if (typeof handle === 'number') throw systemError(driver, 'Cannot open a socket', 'socket', handle, address);
  try {
    if (local !== null) {
      const failed = driver.bind(handle, local);
      if (failed !== 0) throw systemError(driver, `Cannot bind socket ${handle.descriptor}`, 'bind', failed, local);
    }
    if (address.family !== 'unix') driver.setOption(handle, 'noDelay', noDelay);
    const operation = proactor.acquire();
    operation.kind = 'connect';
    operation.socket = handle;
    operation.address = address;
    await new OperationQueue(proactor).submit(operation, timeoutMs, signal);
    return handle;
  } catch (error) {
    await new Promise<number>((closed) => driver.close(handle, false, closed));
    throw error;
  }
}

async function remoteEnds(options: ConnectOptions): Promise<SocketAddress[]> {
  if (options.path !== undefined) return [unixAddress(options.path)];
  if (options.port === undefined) throw new InvalidArgumentError('connect needs a port or a path', 'ERR_MISSING_ARGS');
  checkPort('port', options.port);
  const addresses = await resolveAddresses(options.host ?? 'localhost', options.port, options.family ?? 0);
  if (addresses.length > 0) return addresses;
  throw new InvalidArgumentError(`${options.host} has no address`, 'ERR_INVALID_ARG_VALUE');
}

function localEnd(options: ConnectOptions): SocketAddress | null {
  if (options.localAddress === undefined && options.localPort === undefined) return null;
  const port = checkPort('localPort', options.localPort ?? 0);
  const address = numericAddress(options.localAddress ?? '0.0.0.0', port);
  if (address === null) throw new InvalidArgumentError('localAddress must be an IP address', 'ERR_INVALID_ARG_VALUE');
  return address;
}

/** Waits for the resolver no longer than the connect may take; the resolver itself cannot be stopped. */
async function within<T>(work: Promise<T>, timeoutMs: number, signal: AbortSignal | undefined): Promise<T> {
  if (signal?.aborted) throw new AbortError('Cannot connect: aborted by its signal', signal.reason, 0);
  if (timeoutMs === Number.POSITIVE_INFINITY && signal === undefined) return work;
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const given = new Promise<never>((_, reject) => {
    if (timeoutMs < 2 ** 31 - 2) {
      const timedOut = () =>
        reject(new TimeoutError('Cannot connect: timed out', { code: 'ETIMEDOUT', syscall: 'connect' }));
      timer = setTimeout(timedOut, Math.ceil(timeoutMs) + 1);
    }
    onAbort = () => reject(new AbortError('Cannot connect: aborted by its signal', signal?.reason, 0));
    signal?.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, given]);
  } finally {
    clearTimeout(timer);
    if (onAbort) signal?.removeEventListener('abort', onAbort);
  }
}
