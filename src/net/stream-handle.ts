import type { AddressFamily } from '../port/address.js';
import type { Driver, DriverSocket } from '../port/driver.js';
import { copyBytes } from '../port/gather.js';
import type { Operation, OperationKind, OperationObserver } from '../port/operation.js';
import type { Proactor } from '../port/proactor.js';
import { OperationQueue } from '../sockets/operation-queue.js';
import type { CloseResult, CloseSignal } from '../sockets/overlapped-socket.js';
import { type Deliveries, type Delivery, deliveriesOf, fromTurnEndOn, whenTurnEnds } from './deliveries.js';
import type { ConnectRequest, HandleOwner } from './handle-owner.js';
import { HandleResource } from './handle-resource.js';
import { chunkOf, keepLargeBuffer, takeLargeBuffer } from './large-reads.js';
import { nodeInternals } from './node-internals.js';
import { NetTimeoutError } from './timeout-error.js';
import { NO_TIMEOUTS, type StreamTimeouts } from './timeout-options.js';
import { errnoException, uvError, uvNumber } from './uv-errors.js';
import { type WriteCallback, type WriteData, type WriteHandle, WriteSide } from './write-side.js';

/** A chunk of this size fills a driver's buffer: more is likely to wait, and is taken in one piece. */
const FULL_BUFFER_BYTES = 2048;

/** Of a read that brought nothing: nothing yet. Otherwise libuv's number. */
const NOTHING = 0;

/**
 * A stream handle on a proactor, in the place of libuv's: `net.Socket` reads, writes and closes through it. Its
 * methods give libuv's error numbers. What completes is told at the end of the driver's batch.
 */
export class StreamHandle extends HandleResource implements OperationObserver, Delivery, WriteHandle {
  /** Node's own field: whether the socket wants bytes. */
  reading = false;
  /** Node's own callback for what a read brought. */
  onread: ((buffer?: ArrayBuffer) => Uint8Array | undefined) | null = null;
  bytesRead = 0;
  bytesWritten = 0;
  readonly proactor: Proactor;
  readonly receiving: OperationQueue;
  readonly sending: OperationQueue;
  socket: DriverSocket | null;
  timeouts: StreamTimeouts = NO_TIMEOUTS;
  /** What the close sent, once it has. */
  closeResult: CloseResult | null = null;
  readonly #deliveries: Deliveries;
  #wantsBytes = false;
  #deferred = false;
  #heldBack = false;
  #closing = false;
  #wasReset = false;
  #connected: boolean;
  #receive: Operation | null = null;
  #chunk: Buffer | null = null;
  #readEnd = NOTHING;
  #full = false;
  /** The last read has filled a large buffer to its end. */
  #overflowing = false;
  /** What a receive that took nothing has waited for is there. */
  #arrived = false;
  #receiveTimedOut = false;
  #userBuffer: Uint8Array | null = null;
  #connectRequest: ConnectRequest | null = null;
  #connectStatus = 0;
  #connectEnded = false;
  #connectTimedOut = false;
  #writes: WriteSide | null = null;

  /** `socket` is a connection that was accepted; null is a handle that will connect. */
  constructor(type: 'TCPWRAP' | 'PIPEWRAP', proactor: Proactor, socket: DriverSocket | null) {
    super(type);
    this.proactor = proactor;
    this.socket = socket;
    this.#connected = socket !== null;
    this.#deliveries = deliveriesOf(proactor);
    this.receiving = new OperationQueue(proactor);
    this.sending = new OperationQueue(proactor);
  }

  /** Not a stream of libuv's: whoever would read it without JavaScript (http, tls) must not. */
  get isStreamBase(): boolean {
    return false;
  }

  get fd(): number {
    return this.socket?.descriptor ?? -1;
  }

  /** Bytes of the write in progress that have not gone. */
  get writeQueueSize(): number {
    return this.#writes === null ? 0 : this.#writes.pendingBytes;
  }

  getAsyncId(): number {
    return this.asyncId();
  }

  readStart(): number {
    this.reading = true;
    if (this.#closing || !this.#connected) return uvNumber('ENOTCONN');
    this.#wantsBytes = true;
    this.#holdBack();
    if (this.#chunk !== null || this.#readEnd !== NOTHING) this.defer();
    else if (this.#receive === null) this.#submitReceive();
    return 0;
  }

  readStop(): number {
    this.reading = false;
    this.#wantsBytes = false;
    if (this.#receive !== null) this.proactor.cancel(this.#receive, 'close');
    return 0;
  }

  useUserBuffer(buffer: Uint8Array): void {
    this.#userBuffer = buffer;
  }

  /** Writes; `callback` is called once, within this call where the bytes have gone by then. */
  write(data: WriteData, bytes: number, callback: WriteCallback): void {
    this.bytesWritten += bytes;
    if (this.#closing || this.socket === null) return callback(errnoException(uvNumber('EBADF'), 'write'));
    if (!this.#connected) return callback(errnoException(uvNumber('EPIPE'), 'write'));
    if (bytes === 0) return callback();
    this.#writes ??= WriteSide.take(this);
    this.#writes.start(data, bytes, callback);
  }

  /** A send of its own, behind the write in progress. */
  sendNow(data: Uint8Array, timeoutMs: number, signal: AbortSignal | undefined): Promise<number> {
    const operation = this.operation('send');
    operation.observer = null;
    operation.buffer = data;
    operation.convert = bytesTransferred;
    this.bytesWritten += data.length;
    return this.sending.submit(operation, timeoutMs, signal) as Promise<number>;
  }

  /** Whether there is no such thing as a reset. */
  get closesWithoutReset(): boolean {
    return this.socket?.family === 'unix';
  }

  /**
   * Sends the FIN when this turn of the event loop ends, and calls back at once: what a peer does about it comes after
   * 'finish'. A FIN that cannot be sent is nobody's error (Node does not look at it either).
   */
  shutdownSend(callback: () => void): number {
    if (this.socket === null || this.#closing) return uvNumber('ENOTCONN');
    whenTurnEnds(() => {
      if (this.socket !== null && !this.#closing) this.#driver.shutdown(this.socket, 'send');
      callback();
    });
    return 0;
  }

  /** Why the handle cannot connect, or 0. */
  protected get connectRefusal(): number {
    if (this.#connected) return uvNumber('EISCONN');
    return this.#connectRequest === null ? 0 : uvNumber('EALREADY');
  }

  /** Gives up what is pending and closes; libuv's close does not drain either. */
  close(callback?: () => void): void {
    this.#close(false, callback);
  }

  ref(): void {
    this.receiving.setReferenced(true);
    this.sending.setReferenced(true);
  }

  unref(): void {
    this.receiving.setReferenced(false);
    this.sending.setReferenced(false);
  }

  operationSettled(operation: Operation): void {
    if (operation.kind === 'recv') return this.#received(operation);
    this.#connectTimedOut = operation.cancelReason === 'timeout' && operation.outcome === 'cancelled';
    this.#connectStatus = this.#statusOf(operation);
    this.#connected = this.#connectStatus === 0;
    this.#connectEnded = true;
    this.defer();
  }

  /** What listeners see of AsyncLocalStorage is what was there when the handle was made. */
  deliver(): void {
    this.runInAsyncScope(this.#deliver, this);
  }

  #deliver(): void {
    this.#deferred = false;
    try {
      if (this.#connectEnded) this.#finishConnect();
      if (this.#writes !== null) this.#deliverWrite(this.#writes);
    } finally {
      if (this.#wantsBytes) this.#deliverRead();
    }
  }

  /** A write that took its time winds up the idle timeout when it is over, as Node has it (onWriteComplete). */
  #deliverWrite(writes: WriteSide): void {
    if (writes.isOver) this.#owner?._unrefTimer();
    writes.deliver();
  }

  /** For the write side. */
  sendOperation(): Operation {
    return this.operation('send');
  }

  submitSend(operation: Operation): void {
    this.sending.submitObserved(operation, this.timeouts.sendTimeoutMs);
  }

  get sendTimeoutMs(): number {
    return this.timeouts.sendTimeoutMs;
  }

  get abandoned(): boolean {
    return this.#owner === undefined || this.#owner.destroyed;
  }

  uvErrorOf(operation: Operation): number {
    return uvError(this.#driver, operation.nativeError);
  }

  writeFinished(): void {
    this.#writes = null;
  }

  defer(): void {
    if (this.#deferred) return;
    this.#deferred = true;
    if (!this.#heldBack) this.#deliveries.add(this);
  }

  /**
   * What a call of the program's begins is told when this turn of the event loop ends at the earliest, as libuv does,
   * even if it is over at once: a program may put its listeners on after an `await`.
   */
  #holdBack(): void {
    if (this.#heldBack) return;
    this.#heldBack = true;
    whenTurnEnds(() => {
      this.#heldBack = false;
      if (this.#deferred) this.deliver();
    });
  }

  /** Tells the socket that an operation ran out of time. False: nobody listens, and it is destroyed. */
  timedOut(error: NetTimeoutError): boolean {
    const owner = this.#owner;
    if (owner === undefined) return false;
    if (owner.emit('operationTimeout', error)) return true;
    owner.destroy(error);
    return false;
  }

  /** Opens the socket underneath; 0, or libuv's number. */
  protected openAs(family: AddressFamily): number {
    if (this.socket !== null) return 0;
    const opened = this.proactor.driver.open(family, 'stream');
    if (typeof opened === 'number') return uvError(this.proactor.driver, opened);
    this.socket = opened;
    return 0;
  }

  protected submitConnect(request: ConnectRequest, address: NonNullable<Operation['address']>): number {
    const failed = this.openAs(address.family);
    if (failed !== 0) return failed;
    const operation = this.operation('connect');
    operation.address = address;
    this.#connectRequest = request;
    this.#holdBack();
    this.sending.submitObserved(operation, this.timeouts.connectTimeoutMs);
    return 0;
  }

  protected closeWithReset(callback: () => void): number {
    this.#close(true, callback);
    return 0;
  }

  get #owner(): HandleOwner | undefined {
    return (this as unknown as Record<symbol, HandleOwner>)[nodeInternals().ownerKey];
  }

  get #driver(): Driver {
    return this.proactor.driver;
  }

  protected operation(kind: OperationKind): Operation {
    const operation = this.proactor.acquire();
    operation.kind = kind;
    operation.socket = this.socket;
    operation.observer = this;
    return operation;
  }

  #submitReceive(): void {
    const operation = this.operation('recv');
    if (this.#full) this.#makeLarge(operation);
    this.#receive = operation;
    this.receiving.submitObserved(operation, this.timeouts.recvTimeoutMs);
  }

  /** Takes all that has arrived, or waits for it without holding memory. Behind a read that was full there is more. */
  #makeLarge(operation: Operation): void {
    const unread = this.#overflowing || this.socket === null || this.#driver.unreadBytes(this.socket) > 0;
    operation.large = true;
    if (unread) operation.buffer = takeLargeBuffer();
    else operation.waitOnly = true;
  }

  /** Copied at once: what the driver lends is soon filled again, and stays in the cache. */
  #received(operation: Operation): void {
    this.#receive = null;
    const length = operation.bytesTransferred;
    const buffer = operation.buffer as Buffer | null;
    if (length === 0 && buffer !== null) keepLargeBuffer(buffer);
    if (operation.outcome === 'done' && operation.waitOnly) this.#arrived = true;
    else if (operation.outcome === 'done' && length > 0) {
      this.#chunk = buffer === null ? this.#copyLent(operation) : chunkOf(buffer, length);
      this.#full = length >= FULL_BUFFER_BYTES;
      this.#overflowing = length === buffer?.length;
    } else if (operation.outcome === 'done') this.#readEnd = uvNumber('EOF');
    else if (operation.outcome === 'failed') {
      this.#readEnd = uvError(this.#driver, operation.nativeError);
      this.#wasReset = this.#readEnd === uvNumber('ECONNRESET');
    } else if (this.#closing || !this.#wantsBytes) return;
    else this.#receiveTimedOut = operation.cancelReason === 'timeout';
    this.defer();
  }

  #copyLent(operation: Operation): Buffer {
    const { lentBuffer, lentOffset, lentLength } = operation;
    const chunk = Buffer.allocUnsafe(lentLength);
    copyBytes(this.#driver.lentBytes(lentBuffer, lentOffset, lentLength), 0, chunk, 0, lentLength);
    this.#driver.releaseLent(lentBuffer);
    return chunk;
  }

  #deliverRead(): void {
    if (this.#arrived) this.#takeArrived();
    if (this.#receiveTimedOut) {
      this.#receiveTimedOut = false;
      if (!this.timedOut(new NetTimeoutError('recv', this.timeouts.recvTimeoutMs, 0))) return;
    }
    const chunk = this.#chunk;
    if (chunk !== null) {
      this.#chunk = null;
      // Bytes count once they are told of, and those for the program's own buffer once they are in it.
      if (this.#userBuffer !== null) this.#fillUserBuffer(chunk);
      else this.#push(chunk);
    } else if (this.#readEnd !== NOTHING) {
      const end = this.#readEnd;
      this.#readEnd = NOTHING;
      this.#wantsBytes = false;
      this.#tellNode(end, undefined);
      return;
    }
    if (this.#wantsBytes && !this.#closing && this.#receive === null && this.#chunk === null) this.#submitReceive();
  }

  #takeArrived(): void {
    this.#arrived = false;
    const operation = this.operation('recv');
    operation.large = true;
    operation.buffer = takeLargeBuffer();
    this.#receive = operation;
    this.receiving.submitObserved(operation, this.timeouts.recvTimeoutMs);
  }

  /** The common case, without the detour through Node's shared state. */
  #push(chunk: Buffer): void {
    const owner = this.#owner;
    if (owner === undefined || owner.destroyed) return;
    this.bytesRead += chunk.length;
    owner._unrefTimer();
    if (owner.push(chunk)) return;
    this.readStop();
  }

  #fillUserBuffer(chunk: Buffer): void {
    for (let from = 0; from < chunk.length && this.#userBuffer !== null; ) {
      const length = copyBytes(chunk, from, this.#userBuffer, 0, this.#userBuffer.length);
      from += length;
      this.bytesRead += length;
      const next = this.#tellNode(length, undefined);
      if (next !== undefined) this.#userBuffer = next;
      if (!this.#wantsBytes && from < chunk.length) {
        this.#chunk = chunk.subarray(from);
        return;
      }
    }
  }

  #tellNode(result: number, buffer: ArrayBuffer | undefined): Uint8Array | undefined {
    const { streamState, readResultAt, arrayBufferOffsetAt } = nodeInternals();
    streamState[readResultAt] = result;
    streamState[arrayBufferOffsetAt] = 0;
    return this.onread?.(buffer);
  }

  #finishConnect(): void {
    const request = this.#connectRequest;
    this.#connectRequest = null;
    this.#connectEnded = false;
    if (this.#connectTimedOut && !this.abandoned) {
      const error = new NetTimeoutError('connect', this.timeouts.connectTimeoutMs, 0);
      this.#owner?.emit('operationTimeout', error);
      this.#owner?.destroy(error);
      return;
    }
    // Given up before it was told of: libuv says so, whatever has come of it.
    const status = this.#closing ? uvNumber('ECANCELED') : this.#connectStatus;
    request?.oncomplete?.(status, this, request, true, true);
  }

  #statusOf(operation: Operation): number {
    if (operation.outcome === 'done') return 0;
    if (operation.outcome === 'failed') return uvError(this.#driver, operation.nativeError);
    return uvNumber('ECANCELED');
  }

  #close(reset: boolean, callback: (() => void) | undefined): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#wantsBytes = false;
    this.#chunk = null;
    const { socket } = this;
    const tell = callback === undefined ? undefined : fromTurnEndOn(callback);
    const closed = (unreadBytes: number) => {
      this.closeResult = { sent: this.#sentBy(reset || unreadBytes > 0), unreadBytes };
      tell?.();
    };
    if (socket === null) return closed(0);
    this.receiving.cancelAll('close');
    this.sending.cancelAll('close');
    this.receiving.whenEmpty(() => this.sending.whenEmpty(() => this.#driver.close(socket, reset, closed)));
  }

  #sentBy(reset: boolean): CloseSignal {
    if (!this.#connected || this.#wasReset) return 'none';
    return reset && this.socket?.family !== 'unix' ? 'RST' : 'FIN';
  }
}

const bytesTransferred = (operation: Operation) => operation.bytesTransferred;
