import type { SocketAddress } from '../port/address.js';
import { type DatagramError, isManaged, type ManagedBatch, type ReleasableBatch } from '../port/datagram-features.js';
import type { DatagramBatch } from '../port/datagrams.js';
import type { DriverSocket } from '../port/driver.js';
import { InvalidArgumentError, SocketStateError, systemError } from '../port/errors.js';
import type { Operation } from '../port/operation.js';
import type { Proactor } from '../port/proactor.js';
import type { SocketOptionName, SocketOptions } from '../port/socket-options.js';
import { checkReceiveBuffer, checkSendBuffer, checkSignal, checkTimeout, type OperationOptions } from './arguments.js';
import { DatagramReader, type ReceivedDatagram, type ReceivedInto } from './datagram-reader.js';
import { DatagramSender } from './datagram-sender.js';
import { proactorFor } from './default-proactor.js';
import { OverlappedSocket } from './overlapped-socket.js';
import { createUdpBatch, managedOrNull, type UdpBatchOptions } from './udp-batches.js';
import {
  bindDatagram,
  destination,
  membershipAddresses,
  type UdpBindOptions,
  type UdpDestination,
  type UdpReceiveOptions,
  type UdpSendOptions,
} from './udp-options.js';

export type { ReleasableBatch } from '../port/datagram-features.js';
export type { ReceivedDatagram, ReceivedInto } from './datagram-reader.js';
export type { UdpBatchOptions } from './udp-batches.js';
export type { UdpBindOptions, UdpDestination, UdpReceiveOptions, UdpSendOptions } from './udp-options.js';

/** An ICMP error about a datagram that was sent earlier. */
export interface UdpError {
  readonly code: string;
  readonly nativeCode: number;
  /** Where the datagram was to go. */
  readonly address: SocketAddress | null;
}

const NO_OPTIONS: OperationOptions = {};

/**
 * A UDP socket. Datagrams come and go one by one (`recvFrom`, `sendTo`) or in batches (`recvBatch`, `sendBatch`), which
 * cost a fraction. An ICMP error never ends the socket.
 */
export class UdpSocket extends OverlappedSocket {
  #recvTimeoutMs: number;
  #sendTimeoutMs: number;
  #reader: DatagramReader | null = null;
  readonly #sender: DatagramSender;
  #peer = false;
  /** ICMP errors that nobody has taken; null where they are not wanted. */
  #errors: DatagramError[] | null = null;
  #gro = false;

  private constructor(proactor: Proactor, handle: DriverSocket, options: UdpBindOptions) {
    super(proactor, handle);
    this.#recvTimeoutMs = checkTimeout(options.recvTimeoutMs, Number.POSITIVE_INFINITY);
    this.#sendTimeoutMs = checkTimeout(options.sendTimeoutMs, Number.POSITIVE_INFINITY);
    this.#sender = new DatagramSender(proactor.driver);
  }

  /** Opens and binds a socket. Throws SystemError: EADDRINUSE, EACCES, EADDRNOTAVAIL and the like. */
  static override async bind(options: UdpBindOptions = {}): Promise<UdpSocket> {
    if (typeof options !== 'object' || options === null)
      throw new InvalidArgumentError('bind needs an object of options');
    checkTimeout(options.recvTimeoutMs, 0);
    checkTimeout(options.sendTimeoutMs, 0);
    const { proactor, handle } = await bindDatagram(proactorFor, options);
    return new UdpSocket(proactor, handle, options);
  }

  override get receivedAhead(): boolean | undefined {
    const managed = this.#reader?.managed;
    return managed && managed.taken < managed.count ? true : super.receivedAhead;
  }

  /** The bound port. */
  get port(): number {
    return this.localAddress?.port ?? 0;
  }

  /** The default destination; null where there is none. */
  get remoteAddress(): SocketAddress | null {
    return this.#peer && this.phase !== 'closed' ? this.proactor.driver.remoteAddress(this.handle) : null;
  }

  /** The default timeout of every receive, in milliseconds. */
  get recvTimeoutMs(): number {
    return this.#recvTimeoutMs;
  }

  set recvTimeoutMs(timeoutMs: number) {
    this.#recvTimeoutMs = checkTimeout(timeoutMs, Number.POSITIVE_INFINITY);
  }

  /** The default timeout of every send, in milliseconds. */
  get sendTimeoutMs(): number {
    return this.#sendTimeoutMs;
  }

  set sendTimeoutMs(timeoutMs: number) {
    this.#sendTimeoutMs = checkTimeout(timeoutMs, Number.POSITIVE_INFINITY);
  }

  /**
   * Sets the default destination, for `send`. From then on the kernel hands out datagrams of this peer alone, and an
   * ICMP error about it fails the next receive or send (ECONNREFUSED), once.
   */
  async connect(options: UdpDestination & OperationOptions): Promise<void> {
    this.checkOpen();
    const timeoutMs = checkTimeout(options?.timeoutMs, this.#sendTimeoutMs);
    const signal = checkSignal(options?.signal);
    const address = await destination(options, this.handle.family);
    this.checkOpen();
    const operation = this.operation('connect', nothing);
    operation.address = address;
    await this.sending.submit(operation, timeoutMs, signal);
    this.#peer = true;
  }

  /**
   * Receives one datagram: a copy of its bytes, or in `buffer`, whose rest stays as it is. Up to 16 datagrams are read
   * ahead, which later receives get first, whichever call it is.
   */
  recvFrom(options?: UdpReceiveOptions): Promise<ReceivedDatagram>;
  recvFrom(buffer: Uint8Array, options?: OperationOptions): Promise<ReceivedInto>;
  recvFrom(
    first: Uint8Array | UdpReceiveOptions = NO_OPTIONS,
    second: OperationOptions = NO_OPTIONS,
  ): Promise<ReceivedDatagram | ReceivedInto> {
    try {
      if (typeof first !== 'object' || first === null) throw new InvalidArgumentError('buffer must be a Uint8Array');
      if (first instanceof Uint8Array) return this.#receiveOne(checkReceiveBuffer(first), receivedInto, second);
      const buffer = first.buffer === undefined ? null : checkReceiveBuffer(first.buffer);
      return this.#receiveOne(buffer, received, first);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /**
   * Receives as many datagrams as there are, at least one, into `batch`, whose earlier content is gone; resolves with
   * their number. The batch is the library's until then.
   */
  recvBatch(batch: DatagramBatch, options: OperationOptions = NO_OPTIONS): Promise<number> {
    try {
      this.checkOpen();
      const timeoutMs = checkTimeout(options.timeoutMs, this.#recvTimeoutMs);
      const signal = checkSignal(options.signal);
      const managed = this.#prepare(batch);
      if (managed !== null) managed.ahead = this.#reader?.managed ?? null;
      const operation = this.operation('recvBatch', bytesTransferred);
      operation.batch = batch;
      return this.receiving.submit(operation, timeoutMs, signal) as Promise<number>;
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /**
   * Sends one datagram, or several with `segmentBytes`; resolves with its bytes. `data` may change at once. A host name
   * is looked up first: that is on the clock, but neither the clock nor the signal ends it.
   */
  sendTo(data: Uint8Array, to: UdpDestination, options: UdpSendOptions = NO_OPTIONS): Promise<number> {
    try {
      this.checkOpen();
      const address = destination(to, this.handle.family);
      if (!(address instanceof Promise)) return this.#sendOne(data, address, options);
      return this.#sendLater(data, address, options);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /** Sends one datagram to the connected peer, or several with `segmentBytes`; resolves with its bytes. */
  send(data: Uint8Array, options: UdpSendOptions = NO_OPTIONS): Promise<number> {
    try {
      this.checkOpen();
      if (!this.#peer) throw new SocketStateError('The socket is not connected', 'ERR_SOCKET_DGRAM_NOT_CONNECTED');
      return this.#sendOne(data, undefined, options);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /**
   * Sends the datagrams of the batch, which must not change until this resolves, with the number sent. Unless the
   * socket is connected, what the system refuses (an address it cannot reach, a size it cannot carry) is left out and
   * does not count; the call fails where it refuses all of them. On a connected socket the first error fails it, and
   * `bytesTransferred` of the error, as that of a timeout, is the number of datagrams sent before.
   */
  sendBatch(batch: DatagramBatch, options: OperationOptions = NO_OPTIONS): Promise<number> {
    try {
      this.checkOpen();
      const timeoutMs = checkTimeout(options.timeoutMs, this.#sendTimeoutMs);
      const signal = checkSignal(options.signal);
      const managed = this.#prepare(batch);
      if (managed !== null) managed.skipsRefused = !this.#peer;
      if (batch.count === 0) return Promise.resolve(0);
      const operation = this.operation('sendBatch', this.#sent);
      operation.batch = batch;
      return this.sending.submit(operation, timeoutMs, signal) as Promise<number>;
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /**
   * A batch for this socket. `release()` gives its memory back for the next batch of the same size; without that the
   * memory stays in use while the process lives.
   */
  createBatch(options: UdpBatchOptions = {}): ReleasableBatch {
    this.checkOpen();
    return createUdpBatch(this.proactor.driver, this.handle.family, this.#gro, options);
  }

  /**
   * Batches as they come, until the socket is closed; `timeoutMs` is for each. It is one batch, whose content each
   * iteration replaces and whose memory goes back when the loop ends. After a timeout a new loop goes on.
   */
  async *batches(options: OperationOptions & UdpBatchOptions = {}): AsyncGenerator<ReleasableBatch, void, void> {
    const batch = this.createBatch(options);
    try {
      while (this.phase === 'open') {
        if (await this.#untilClosed(this.recvBatch(batch, options))) return;
        yield batch;
      }
    } finally {
      batch.release();
    }
  }

  /** Datagrams as they come, until the socket is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ReceivedDatagram, void, void> {
    while (this.phase === 'open') {
      const receive = this.recvFrom();
      if (await this.#untilClosed(receive)) return;
      yield await receive;
    }
  }

  /**
   * Takes the ICMP errors that have come, oldest first, at most 1024. There are some where the option `receiveErrors`
   * is on, which on Linux also makes them known to an unconnected socket; elsewhere there are never any.
   */
  async takeErrors(): Promise<UdpError[]> {
    this.checkOpen();
    if (this.#errors === null) return [];
    const { driver } = this.proactor;
    const batch = driver.createBatch(1, 1);
    if (!isManaged(batch)) return [];
    try {
      // The kernel's queue is read in turn with the sends, by an operation that has no datagram to send.
      batch.readsErrors = true;
      batch.errors = this.#errors;
      batch.add(new Uint8Array(1));
      const operation = this.operation('sendBatch', nothing);
      operation.batch = batch;
      await this.sending.submit(operation, Number.POSITIVE_INFINITY, undefined);
    } finally {
      batch.release();
    }
    const taken = this.#errors?.splice(0) ?? [];
    return taken.map(({ nativeCode, address }) => ({ code: driver.errors.name(nativeCode), nativeCode, address }));
  }

  override setOption<Name extends SocketOptionName>(name: Name, value: SocketOptions[Name]): this {
    if (name === 'udpGro' && this.receiving.length > 0) {
      throw new SocketStateError('udpGro cannot change while a receive is pending', 'ERR_INVALID_STATE');
    }
    super.setOption(name, value);
    if (name === 'udpGro') this.#gro = value === true;
    if (name === 'receiveErrors') this.#errors = value === true ? (this.#errors ?? []) : null;
    return this;
  }

  /** Joins a multicast group on the interface with the address `localInterface`; absent, on the system's choice. */
  joinGroup(group: string, localInterface = ''): this {
    return this.#membership(group, localInterface, true);
  }

  /** Leaves a multicast group that was joined with the same arguments. */
  leaveGroup(group: string, localInterface = ''): this {
    return this.#membership(group, localInterface, false);
  }

  protected override connected(): boolean {
    return this.#peer;
  }

  protected override onClosed(): void {
    this.#reader?.release();
    this.#sender.release();
  }

  #receiveOne<T>(
    buffer: Uint8Array | null,
    convert: (operation: Operation) => T,
    options: OperationOptions,
  ): Promise<T> {
    this.checkOpen();
    const timeoutMs = checkTimeout(options.timeoutMs, this.#recvTimeoutMs);
    const signal = checkSignal(options.signal);
    this.#reader ??= new DatagramReader(this.proactor.driver);
    const reader = this.#reader;
    this.#prepare(reader.batch);
    const operation = this.operation('recvBatch', convert);
    operation.batch = reader.batch;
    operation.buffer = buffer;
    operation.context = reader;
    return this.receiving.submit(operation, timeoutMs, signal) as Promise<T>;
  }

  #sendOne(data: Uint8Array, to: SocketAddress | undefined, options: UdpSendOptions): Promise<number> {
    const timeoutMs = checkTimeout(options.timeoutMs, this.#sendTimeoutMs);
    const signal = checkSignal(options.signal);
    const { segmentBytes } = options;
    checkSendBuffer(data);
    const batch =
      segmentBytes === undefined ? this.#sender.take(data, to) : this.#sender.takeSegments(data, segmentBytes, to);
    this.#prepare(batch);
    const operation = this.operation('sendBatch', this.#sentOne);
    operation.batch = batch;
    operation.address = to ?? null;
    operation.context = data.length;
    const sent = this.sending.submit(operation, timeoutMs, signal) as Promise<number>;
    return this.#sender.isLent(batch) ? this.#returnBatch(sent, batch) : sent;
  }

  async #sendLater(data: Uint8Array, to: Promise<SocketAddress>, options: UdpSendOptions): Promise<number> {
    // Where the next lines throw, nobody will wait for it.
    to.catch(nothing);
    const start = performance.now();
    const timeoutMs = checkTimeout(options.timeoutMs, this.#sendTimeoutMs);
    checkSignal(options.signal);
    const copy = Buffer.from(checkSendBuffer(data));
    const address = await to;
    this.checkOpen();
    const left = timeoutMs - (performance.now() - start);
    return this.#sendOne(copy, address, { ...options, timeoutMs: Math.max(left, 0) });
  }

  /** A send that did not end at once has its batch taken back whatever becomes of it. */
  async #returnBatch(sent: Promise<number>, batch: DatagramBatch): Promise<number> {
    try {
      return await sent;
    } finally {
      this.#sender.give(batch);
    }
  }

  /** Tells the batch what this socket wants of it; null where it has nothing to be told. */
  #prepare(batch: DatagramBatch): ManagedBatch | null {
    const managed = managedOrNull(batch, this.#gro);
    if (managed === null) return null;
    managed.family = this.handle.family;
    managed.errors = this.#errors;
    managed.failsOnErrors = this.#peer;
    managed.skipsRefused = false;
    return managed;
  }

  readonly #sent = (operation: Operation): unknown => {
    const batch = operation.batch as DatagramBatch;
    const refused = isManaged(batch) ? batch.refused : 0;
    if (refused === 0) return operation.bytesTransferred;
    if (refused < operation.bytesTransferred) return operation.bytesTransferred - refused;
    const action = `Cannot send datagrams on socket ${this.descriptor}`;
    return Promise.reject(systemError(this.proactor.driver, action, 'sendBatch', (batch as ManagedBatch).refusal));
  };

  readonly #sentOne = (operation: Operation): unknown => {
    this.#sender.give(operation.batch as DatagramBatch);
    return operation.context;
  };

  /** Waits for a receive; true where it failed because the socket is being closed. */
  async #untilClosed(receive: Promise<unknown>): Promise<boolean> {
    try {
      await receive;
      return false;
    } catch (error) {
      if (this.phase !== 'open') return true;
      throw error;
    }
  }

  #membership(group: string, localInterface: string, join: boolean): this {
    this.checkOpen();
    const [address, local] = membershipAddresses(group, localInterface);
    const failed = this.proactor.driver.membership(this.handle, address, local, join);
    if (failed === 0) return this;
    const action = `Cannot ${join ? 'join' : 'leave'} group ${group} on socket ${this.descriptor}`;
    throw systemError(this.proactor.driver, action, 'setsockopt', failed);
  }
}

const bytesTransferred = (operation: Operation) => operation.bytesTransferred;
const nothing = () => undefined;
const received = (operation: Operation) => (operation.context as DatagramReader).take(operation.buffer);

const receivedInto = (operation: Operation): ReceivedInto => {
  const { data, address, truncated } = received(operation);
  return { bytesTransferred: data.length, address, truncated };
};
