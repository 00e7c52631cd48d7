import { chmodSync, unlinkSync } from 'node:fs';
import type { SocketAddress } from '../port/address.js';
import type { DriverSocket } from '../port/driver.js';
import { ACCEPT_RETRY_FIRST_MS } from '../port/limits.js';
import type { Operation, OperationObserver } from '../port/operation.js';
import type { Proactor } from '../port/proactor.js';
import { OperationQueue } from '../sockets/operation-queue.js';
import { type Deliveries, type Delivery, deliveriesOf, whenTurnEnds } from './deliveries.js';
import { HandleResource } from './handle-resource.js';
import { PipeHandle } from './pipe-handle.js';
import type { StreamHandle } from './stream-handle.js';
import { type AddressFields, fillAddress, TcpHandle } from './tcp-handle.js';
import { uvError, uvNumber } from './uv-errors.js';

/** Connections told of in one go, before other sockets have their turn. */
const ACCEPTS_PER_DELIVERY = 64;

/** What a listener waits for instead of failing. */
const EXHAUSTED = ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'] as const;

export interface ListenHandleOptions {
  readonly ipv6Only: boolean;
  readonly reusePort: boolean;
}

/** Where a server keeps its handle, past the close. */
export const listenHandleKey = Symbol('listenHandle');

/** Told of a connection, or of libuv's error number where none came of it. */
export type ConnectionSink = (status: number, handle?: StreamHandle) => void;

/**
 * A listening handle on a proactor, in the place of libuv's. An address that cannot be had is told by `listen`, as
 * libuv does for most of them.
 */
export class ListenHandle extends HandleResource implements OperationObserver, Delivery {
  /** Node's own callback. It would make sockets of libuv's kind, and is not called: `accepted` is. */
  onconnection: unknown = null;
  accepted: ConnectionSink | null = null;
  /** Told where nobody has connected for `acceptTimeoutMs`; the listener goes on. */
  timedOut: (() => void) | null = null;
  /** How often the server has to say that it has closed once it has. */
  closesAwaited = 0;
  /** Told once the port or path is free again. */
  released: (() => void) | null = null;
  acceptTimeoutMs = Number.POSITIVE_INFINITY;
  readonly proactor: Proactor;
  readonly #address: SocketAddress;
  readonly #queue: OperationQueue;
  readonly #deliveries: Deliveries;
  #socket: DriverSocket | null;
  #bindStatus: number;
  #arrived: (StreamHandle | number)[] = [];
  #deferred = false;
  #timedOut = false;
  #closing = false;
  #closed = false;
  /** The address may be had again, though the handle has not been closed. */
  #isFree = false;

  constructor(proactor: Proactor, address: SocketAddress, options: ListenHandleOptions) {
    super(address.family === 'unix' ? 'PIPESERVERWRAP' : 'TCPSERVERWRAP');
    this.proactor = proactor;
    this.#address = address;
    this.#queue = new OperationQueue(proactor);
    this.#deliveries = deliveriesOf(proactor);
    const opened = proactor.driver.open(address.family, 'stream');
    this.#socket = typeof opened === 'number' ? null : opened;
    this.#bindStatus = typeof opened === 'number' ? uvError(proactor.driver, opened) : this.#bind(opened, options);
  }

  /** 0, or why the address cannot be had. */
  get bindStatus(): number {
    return this.#bindStatus;
  }

  /** A close has begun and the system has not let go of the address: somebody may still connect. */
  get isClosing(): boolean {
    return this.#closing && !this.#closed && !this.#isFree;
  }

  get fd(): number {
    return this.#socket?.descriptor ?? -1;
  }

  /** Absent for a path, where Node then reports the path itself. */
  get getsockname(): ((out: AddressFields) => number) | undefined {
    return this.#address.family === 'unix' ? undefined : this.#getsockname;
  }

  listen(backlog: number): number {
    if (this.#bindStatus !== 0 || this.#socket === null) return this.#bindStatus;
    const { driver } = this.proactor;
    const failed = driver.listen(this.#socket, backlog);
    if (failed !== 0) return uvError(driver, failed);
    this.#accept();
    return 0;
  }

  /** Opens a path's socket file to others: 1 reading, 2 writing. */
  fchmod(mode: number): number {
    const all = (mode & 1 ? 0o444 : 0) | (mode & 2 ? 0o222 : 0);
    try {
      chmodSync(this.#address.address, all | 0o700);
      return 0;
    } catch (error) {
      return uvNumber((error as NodeJS.ErrnoException).code ?? 'UNKNOWN');
    }
  }

  ref(): void {
    this.#queue.setReferenced(true);
  }

  unref(): void {
    this.#queue.setReferenced(false);
  }

  close(callback?: () => void): void {
    if (this.#closing) return;
    this.#closing = true;
    const socket = this.#socket;
    const closed = () => {
      this.#closed = true;
      this.released?.();
      if (callback !== undefined) whenTurnEnds(callback);
    };
    if (socket === null) return closed();
    for (const handle of this.#arrived) if (typeof handle !== 'number') handle.close();
    this.#arrived = [];
    this.#letGo(socket);
    this.#queue.cancelAll('close');
    this.#queue.whenEmpty(() => this.proactor.driver.close(socket, false, closed));
  }

  /**
   * Whoever listens there next need not wait until the accept has been cancelled: the path is removed, and on Linux a
   * shutdown ends the listening at once (inet_shutdown). Elsewhere that is refused, and changes nothing.
   */
  #letGo(socket: DriverSocket): void {
    const { family, address } = this.#address;
    if (this.#bindStatus !== 0) return;
    if (family !== 'unix') this.#isFree = this.proactor.driver.shutdown(socket, 'both') === 0;
    else this.#isFree = unlinkQuietly(address);
  }

  operationSettled(operation: Operation): void {
    if (operation.outcome === 'done' && operation.accepted !== null) {
      const { accepted } = operation;
      const Handle = this.#address.family === 'unix' ? PipeHandle : TcpHandle;
      const handle = new Handle(this.proactor, accepted);
      if (this.#closing) return handle.close();
      this.#arrived.push(handle);
    } else if (operation.outcome === 'failed') {
      this.#arrived.push(uvError(this.proactor.driver, operation.nativeError));
    } else if (operation.cancelReason === 'timeout') this.#timedOut = true;
    else return;
    this.#defer();
  }

  getAsyncId(): number {
    return this.asyncId();
  }

  deliver(): void {
    this.runInAsyncScope(this.#deliver, this);
  }

  #deliver(): void {
    this.#deferred = false;
    if (this.#timedOut && !this.#closing) {
      this.#timedOut = false;
      this.#accept();
      this.timedOut?.();
    }
    for (let told = 0; told < ACCEPTS_PER_DELIVERY && !this.#closing; told++) {
      const next = this.#arrived.shift();
      if (next === undefined) return;
      if (typeof next === 'number') {
        this.#failed(next);
      } else {
        this.#accept();
        this.accepted?.(0, next);
      }
    }
    if (!this.#closing && this.#arrived.length > 0) this.#defer();
  }

  readonly #getsockname = (out: AddressFields): number => {
    if (this.#socket === null) return uvNumber('EBADF');
    return fillAddress(out, this.proactor.driver.localAddress(this.#socket));
  };

  #failed(status: number): void {
    // A connection that was gone before it was accepted is nobody's error (accept(2), ECONNABORTED).
    if (status === uvNumber('ECONNABORTED')) return this.#accept();
    // Out of descriptors or memory: libuv closes the connection and says nothing. Here it waits in the backlog.
    setTimeout(() => this.#accept(), ACCEPT_RETRY_FIRST_MS);
    if (!EXHAUSTED.some((code) => status === uvNumber(code))) this.accepted?.(status);
  }

  #defer(): void {
    if (this.#deferred) return;
    this.#deferred = true;
    this.#deliveries.add(this);
  }

  #accept(): void {
    if (this.#closing || this.#queue.length > 0) return;
    const operation = this.proactor.acquire();
    operation.kind = 'accept';
    operation.socket = this.#socket;
    operation.observer = this;
    this.#queue.submitObserved(operation, this.acceptTimeoutMs);
  }

  #bind(socket: DriverSocket, options: ListenHandleOptions): number {
    const { driver } = this.proactor;
    const address = this.#address;
    if (address.family !== 'unix') {
      if (driver.listenersReuseAddress) driver.setOption(socket, 'reuseAddress', true);
      if (address.family === 'IPv6') driver.setOption(socket, 'ipv6Only', options.ipv6Only);
      const failed = options.reusePort ? driver.setOption(socket, 'reusePort', true) : 0;
      if (failed !== 0) return uvError(driver, failed);
    }
    const status = uvError(driver, driver.bind(socket, address));
    // libuv says EACCES for a folder that is not there (uv_pipe_bind).
    return address.family === 'unix' && status === uvNumber('ENOENT') ? uvNumber('EACCES') : status;
  }
}

/** Whether the path is there no more; an abstract one is there until its socket is closed. */
function unlinkQuietly(path: string): boolean {
  if (path.startsWith('\0')) return false;
  try {
    unlinkSync(path);
  } catch {
    // Somebody has removed it already.
  }
  return true;
}
