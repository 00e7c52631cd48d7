import type { AddressFamily } from '../port/address.js';
import type { Driver, DriverSocket } from '../port/driver.js';
import { copyBytes } from '../port/gather.js';
import type { Operation, OperationKind, OperationObserver } from '../port/operation.js';
import type { Proactor } from '../port/proactor.js';
import { OperationQueue } from '../sockets/operation-queue.js';
import { type Deliveries, type Delivery, deliveriesOf, whenTurnEnds } from './deliveries.js';
import { nodeInternals } from './node-internals.js';
import { errnoException, uvError, uvNumber } from './uv-errors.js';

/** A chunk of this size fills a driver's buffer: more is likely to wait, and is taken in one piece. */
const FULL_BUFFER_BYTES = 2048;
/** What libuv reads at a time. */
const LARGE_READ_BYTES = 65536;

/** Of a read that brought nothing: nothing yet. Otherwise libuv's number. */
const NOTHING = 0;

/** What a handle needs of its `net.Socket`. */
export interface HandleOwner {
  readonly destroyed: boolean;
  push(chunk: Buffer): boolean;
  _unrefTimer(): void;
}

/** What `net.Socket` gives a handle to be told of a connection's end. */
export interface ConnectRequest {
  oncomplete?: (status: number, handle: unknown, req: unknown, readable: boolean, writable: boolean) => void;
}

export type WriteCallback = (error?: Error | null) => void;

/**
 * A stream handle on a proactor, in the place of libuv's: `net.Socket` reads, writes and closes through it. Its
 * methods give libuv's error numbers. What completes is told at the end of the driver's batch.
 */
export class StreamHandle implements OperationObserver, Delivery {
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
  readonly #deliveries: Deliveries;
  #wantsBytes = false;
  #deferred = false;
  #submitting = false;
  #closing = false;
  #connected: boolean;
  #receive: Operation | null = null;
  #chunk: Buffer | null = null;
  #readEnd = NOTHING;
  #full = false;
  /** What a receive that took nothing has waited for is there. */
  #arrived = false;
  #userBuffer: Uint8Array | null = null;
  #connectRequest: ConnectRequest | null = null;
  #connectStatus = 0;
  #connectEnded = false;
  #send: Operation | null = null;
  #sendBytes = 0;
  #writeCallback: WriteCallback | null = null;
  #writeStatus = 0;
  #writeEnded = false;

  /** `socket` is a connection that was accepted; null is a handle that will connect. */
  constructor(proactor: Proactor, socket: DriverSocket | null) {
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
    return this.#send === null ? 0 : this.#sendBytes - this.#send.bytesTransferred;
  }

  readStart(): number {
    this.reading = true;
    if (this.#closing || !this.#connected) return uvNumber('ENOTCONN');
    this.#wantsBytes = true;
    if (this.#chunk !== null || this.#readEnd !== NOTHING) this.#defer();
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
  write(data: Uint8Array | Uint8Array[], bytes: number, callback: WriteCallback): void {
    this.bytesWritten += bytes;
    if (bytes === 0) return callback();
    if (this.#closing || this.socket === null) return callback(errnoException(uvNumber('EBADF'), 'write'));
    const operation = this.#operation('send');
    if (data instanceof Uint8Array) operation.buffer = data;
    else operation.buffers = data;
    this.#send = operation;
    this.#sendBytes = bytes;
    this.#writeCallback = callback;
    this.#submitting = true;
    this.sending.submitObserved(operation, Number.POSITIVE_INFINITY);
    this.#submitting = false;
    if (this.#writeEnded) this.#finishWrite();
  }

  /** Sends the FIN; the callback is called in the next turn of the event loop. */
  shutdownSend(callback: () => void): number {
    if (this.socket === null || this.#closing) return uvNumber('ENOTCONN');
    const failed = this.proactor.driver.shutdown(this.socket, 'send');
    if (failed !== 0) return uvError(this.proactor.driver, failed);
    whenTurnEnds(callback);
    return 0;
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
    switch (operation.kind) {
      case 'recv':
        this.#received(operation);
        break;
      case 'connect':
        this.#connectStatus = this.#statusOf(operation);
        this.#connected = this.#connectStatus === 0;
        this.#connectEnded = true;
        this.#defer();
        break;
      default:
        this.#send = null;
        this.#writeStatus = this.#statusOf(operation);
        this.#writeEnded = true;
        if (!this.#submitting) this.#defer();
    }
  }

  deliver(): void {
    this.#deferred = false;
    try {
      if (this.#connectEnded) this.#finishConnect();
      if (this.#writeEnded) this.#finishWrite();
    } finally {
      if (this.#wantsBytes) this.#deliverRead();
    }
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
    const operation = this.#operation('connect');
    operation.address = address;
    this.#connectRequest = request;
    this.sending.submitObserved(operation, Number.POSITIVE_INFINITY);
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

  #operation(kind: OperationKind): Operation {
    const operation = this.proactor.acquire();
    operation.kind = kind;
    operation.socket = this.socket;
    operation.observer = this;
    return operation;
  }

  #submitReceive(): void {
    const operation = this.#operation('recv');
    if (this.#full) this.#makeLarge(operation);
    this.#receive = operation;
    this.receiving.submitObserved(operation, Number.POSITIVE_INFINITY);
  }

  /** Takes all that has arrived, or waits for it without holding memory. */
  #makeLarge(operation: Operation): void {
    const unread = this.socket === null ? 0 : this.#driver.unreadBytes(this.socket);
    operation.large = true;
    if (unread === 0) operation.waitOnly = true;
    else operation.buffer = Buffer.allocUnsafeSlow(Math.min(unread, LARGE_READ_BYTES));
  }

  /** Copied at once: what the driver lends is soon filled again, and stays in the cache. */
  #received(operation: Operation): void {
    this.#receive = null;
    const length = operation.bytesTransferred;
    if (operation.outcome === 'done' && operation.waitOnly) this.#arrived = true;
    else if (operation.outcome === 'done' && length > 0) {
      this.#chunk = operation.buffer === null ? this.#copyLent(operation) : (operation.buffer as Buffer);
      if (length < this.#chunk.length) this.#chunk = this.#chunk.subarray(0, length);
      this.#full = length >= FULL_BUFFER_BYTES;
      this.bytesRead += length;
    } else if (operation.outcome === 'done') this.#readEnd = uvNumber('EOF');
    else if (operation.outcome === 'failed') this.#readEnd = uvError(this.#driver, operation.nativeError);
    else if (this.#closing || !this.#wantsBytes) return;
    this.#defer();
  }

  #copyLent(operation: Operation): Buffer {
    const { lentBuffer, lentOffset, lentLength } = operation;
    const chunk = Buffer.allocUnsafe(lentLength);
    copyBytes(this.#driver.lentBytes(lentBuffer, lentOffset, lentLength), 0, chunk, 0, lentLength);
    this.#driver.releaseLent(lentBuffer);
    return chunk;
  }

  #defer(): void {
    if (this.#deferred) return;
    this.#deferred = true;
    this.#deliveries.add(this);
  }

  #deliverRead(): void {
    if (this.#arrived) this.#takeArrived();
    const chunk = this.#chunk;
    if (chunk !== null) {
      this.#chunk = null;
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
    const unread = this.socket === null ? 0 : this.#driver.unreadBytes(this.socket);
    const operation = this.#operation('recv');
    operation.large = true;
    operation.buffer = Buffer.allocUnsafeSlow(Math.min(Math.max(unread, 1), LARGE_READ_BYTES));
    this.#receive = operation;
    this.receiving.submitObserved(operation, Number.POSITIVE_INFINITY);
  }

  /** The common case, without the detour through Node's shared state. */
  #push(chunk: Buffer): void {
    const owner = this.#owner;
    if (owner === undefined || owner.destroyed) return;
    owner._unrefTimer();
    if (owner.push(chunk)) return;
    this.readStop();
  }

  #fillUserBuffer(chunk: Buffer): void {
    for (let from = 0; from < chunk.length && this.#userBuffer !== null; ) {
      const length = copyBytes(chunk, from, this.#userBuffer, 0, this.#userBuffer.length);
      from += length;
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
    request?.oncomplete?.(this.#connectStatus, this, request, true, true);
  }

  #finishWrite(): void {
    this.#writeEnded = false;
    const callback = this.#writeCallback;
    this.#writeCallback = null;
    if (callback === null) return;
    const owner = this.#owner;
    if (owner === undefined || owner.destroyed || this.#writeStatus === 0) callback(null);
    else callback(errnoException(this.#writeStatus, 'write'));
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
    const closed = () => {
      if (callback !== undefined) whenTurnEnds(callback);
    };
    if (socket === null) return closed();
    this.receiving.cancelAll('close');
    this.sending.cancelAll('close');
    this.receiving.whenEmpty(() => this.sending.whenEmpty(() => this.#driver.close(socket, reset, closed)));
  }
}
