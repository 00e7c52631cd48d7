import { unlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { SocketAddress } from '../port/address.js';
import type { DriverSocket } from '../port/driver.js';
import { InvalidArgumentError, SocketStateError, SystemError, systemError } from '../port/errors.js';
import { ACCEPT_RETRY_FIRST_MS, ACCEPT_RETRY_MAX_MS, DEFAULT_BACKLOG } from '../port/limits.js';
import type { Operation } from '../port/operation.js';
import type { Proactor } from '../port/proactor.js';
import {
  checkInteger,
  checkOptions,
  checkPort,
  checkSignal,
  checkTimeout,
  type OperationOptions,
} from './arguments.js';
import { type ProactorOptions, proactorFor } from './default-proactor.js';
import { OverlappedSocket } from './overlapped-socket.js';
import { resolveAddresses, unixAddress } from './resolve-address.js';
import { type StreamDefaults, streamDefaults, TcpSocket, type TcpSocketOptions } from './tcp-socket.js';

/** Where to listen, and the defaults of the connections that are accepted. */
export interface ListenOptions extends TcpSocketOptions, ProactorOptions {
  /** 0, the default: the system chooses. */
  readonly port?: number | undefined;
  /** Absent: every address, IPv6 and IPv4 alike, or IPv4 alone where there is no IPv6. */
  readonly host?: string | undefined;
  /** A UNIX-domain path instead; the file is removed at close. */
  readonly path?: string | undefined;
  /** Connections that may wait in the kernel; 511 by default, and never more than the system allows. */
  readonly backlog?: number | undefined;
  /** Several listeners may share the port, and the kernel spreads the connections (SO_REUSEPORT). */
  readonly reusePort?: boolean | undefined;
  readonly ipv6Only?: boolean | undefined;
  readonly acceptTimeoutMs?: number | undefined;
}

/** The system has run out of something that comes back: the listener waits and goes on. */
const EXHAUSTED: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);

const NO_OPTIONS: OperationOptions = {};

/** Accepts connections. */
export class TcpListener extends OverlappedSocket {
  readonly #defaults: StreamDefaults;
  readonly #path: string | undefined;
  readonly #acceptTimeoutMs: number;

  private constructor(proactor: Proactor, handle: DriverSocket, options: ListenOptions) {
    super(proactor, handle);
    this.#defaults = streamDefaults(options);
    this.#path = options.path;
    this.#acceptTimeoutMs = checkTimeout(options.acceptTimeoutMs, Number.POSITIVE_INFINITY);
  }

  /** Opens, binds and listens. Throws SystemError: EADDRINUSE, EACCES, EADDRNOTAVAIL and the like. */
  static async listen(options: ListenOptions = {}): Promise<TcpListener> {
    if (typeof options !== 'object' || options === null)
      throw new InvalidArgumentError('listen needs an object of options');
    const backlog = checkInteger('backlog', options.backlog ?? DEFAULT_BACKLOG, 1, 65535);
    checkTimeout(options.acceptTimeoutMs, 0);
    streamDefaults(options);
    const candidates = await localEnds(options);
    const proactor = proactorFor(options);
    let failure: unknown;
    for (const address of candidates) {
      try {
        return new TcpListener(proactor, listenOn(proactor, address, backlog, options), options);
      } catch (error) {
        failure = error;
        // Without IPv6, the next candidate is IPv4. Any other error is the answer.
        if (!(error instanceof SystemError) || !NO_IPV6.has(error.code)) break;
      }
    }
    throw failure;
  }

  /** The address the listener is bound to, with the port that the system chose. */
  get address(): SocketAddress {
    const address = this.localAddress;
    if (address === null) throw new SocketStateError('The listener is closed', 'ERR_SOCKET_CLOSED');
    return address;
  }

  /** The bound port; 0 for a path. */
  get port(): number {
    return this.address.port;
  }

  /**
   * Waits for a connection. A failure is this call's alone: after EMFILE (the process has no descriptor left) the
   * connection waits in the backlog, and a later accept gets it.
   */
  accept(options: OperationOptions = NO_OPTIONS): Promise<TcpSocket> {
    try {
      this.checkOpen();
      const timeoutMs = checkTimeout(checkOptions(options).timeoutMs, this.#acceptTimeoutMs);
      const signal = checkSignal(options.signal);
      const operation = this.operation('accept', this.#accepted);
      return this.receiving.submit(operation, timeoutMs, signal) as Promise<TcpSocket>;
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /**
   * Connections until the listener is closed. The loop survives what is not the listener's fault: a peer that is gone
   * before it was accepted, and a process that is out of descriptors (it waits 5 ms, doubling up to a second).
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<TcpSocket, void, void> {
    let waitMs = ACCEPT_RETRY_FIRST_MS;
    while (this.phase === 'open') {
      let socket: TcpSocket;
      try {
        socket = await this.accept({ timeoutMs: Number.POSITIVE_INFINITY });
      } catch (error) {
        if (this.phase !== 'open') return;
        if (!(error instanceof SystemError)) throw error;
        if (error.code === 'ECONNABORTED') continue;
        if (!EXHAUSTED.has(error.code)) throw error;
        await delay(waitMs);
        waitMs = Math.min(waitMs * 2, ACCEPT_RETRY_MAX_MS);
        continue;
      }
      waitMs = ACCEPT_RETRY_FIRST_MS;
      yield socket;
    }
  }

  protected override connected(): boolean {
    return false;
  }

  protected override onClosed(): void {
    if (this.#path === undefined || this.#path.startsWith('\0')) return;
    try {
      unlinkSync(this.#path);
    } catch {
      // Somebody has removed it already.
    }
  }

  readonly #accepted = (operation: Operation): TcpSocket => {
    const handle = operation.accepted;
    if (handle === null) throw new Error('An accept ended well without a connection');
    return new TcpSocket(this.proactor, handle, this.#defaults);
  };
}

const NO_IPV6: ReadonlySet<string> = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL']);

function listenOn(proactor: Proactor, address: SocketAddress, backlog: number, options: ListenOptions): DriverSocket {
  const { driver } = proactor;
  const handle = driver.open(address.family, 'stream');
  if (typeof handle === 'number') throw systemError(driver, 'Cannot open a socket', 'socket', handle, address);
  const check = (syscall: string, failed: number) => {
    if (failed === 0) return;
    driver.close(handle, false, () => undefined);
    throw systemError(driver, `Cannot ${syscall} socket`, syscall, failed, address);
  };
  if (address.family !== 'unix') {
    if (driver.listenersReuseAddress) check('setsockopt', driver.setOption(handle, 'reuseAddress', true));
    if (options.reusePort) check('setsockopt', driver.setOption(handle, 'reusePort', true));
    if (address.family === 'IPv6') check('setsockopt', driver.setOption(handle, 'ipv6Only', options.ipv6Only ?? false));
    // Accepted sockets inherit it (tcp(7)), which saves a call for each.
    if (options.noDelay ?? true) check('setsockopt', driver.setOption(handle, 'noDelay', true));
  }
  check('bind', driver.bind(handle, address, true));
  check('listen', driver.listen(handle, backlog));
  return handle;
}

async function localEnds(options: ListenOptions): Promise<SocketAddress[]> {
  if (options.path !== undefined) return [unixAddress(options.path)];
  const port = checkPort('port', options.port ?? 0);
  if (options.host !== undefined) return resolveAddresses(options.host, port);
  return [
    { family: 'IPv6', address: '::', port },
    { family: 'IPv4', address: '0.0.0.0', port },
  ];
}
