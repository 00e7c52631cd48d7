import type { SocketAddress } from '../port/address.js';
import type { Driver, DriverSocket, ShutdownHow } from '../port/driver.js';
import { InvalidArgumentError, OutOfRangeError, systemError } from '../port/errors.js';
import { sendLength } from '../port/gather.js';
import { MAX_GATHER, MAX_SEND_BYTES } from '../port/limits.js';
import type { Operation, OperationObserver } from '../port/operation.js';
import type { Proactor } from '../port/proactor.js';
import {
  checkOptions,
  checkReceiveBuffer,
  checkSendBuffer,
  checkSignal,
  checkTimeout,
  type OperationOptions,
} from './arguments.js';
import { type ConnectOptions, connectStream } from './connect.js';
import { LentBuffer } from './lent-buffer.js';
import { OverlappedSocket } from './overlapped-socket.js';
import { ReceiveIterator, type ReceiveSource, receiveNext } from './receive-iterator.js';
import { type ReceiveHandlers, ReceiveLoop } from './receive-loop.js';

/**
 * What a timeout does to the IO. `cancel` cancels it and leaves the socket usable; `leavePending` is the original
 * defect, on purpose: the promise fails and the IO stays pending, so that a `closesocket` resets the connection.
 */
export type OnTimeout = 'cancel' | 'leavePending';

/** Defaults of a connection's operations. */
export interface TcpSocketOptions {
  readonly recvTimeoutMs?: number | undefined;
  readonly sendTimeoutMs?: number | undefined;
  readonly onTimeout?: OnTimeout | undefined;
  /** TCP_NODELAY, on unless set to false: small messages leave at once. */
  readonly noDelay?: boolean | undefined;
}

/** The defaults of a connection's operations, checked. */
export interface StreamDefaults {
  readonly recvTimeoutMs: number;
  readonly sendTimeoutMs: number;
  readonly onTimeout: OnTimeout;
}

/** Bytes to send: one buffer, several that are gathered in order, or a lent one, which is not copied. */
export type SendData = Uint8Array | LentBuffer | readonly Uint8Array[];

const NO_OPTIONS: OperationOptions = {};

/** The send of `broadcast`, for it alone. */
export const sendObserved = Symbol('sendObserved');

/** A connection: TCP over IPv4 and IPv6, or a UNIX-domain stream. */
export class TcpSocket extends OverlappedSocket implements ReceiveSource {
  #defaults: StreamDefaults;

  /** For the library; users get sockets from `TcpSocket.connect` and `TcpListener.accept`. */
  constructor(proactor: Proactor, handle: DriverSocket, defaults: StreamDefaults) {
    super(proactor, handle);
    this.#defaults = defaults;
  }

  /**
   * Connects; resolves once the peer has answered. Host names go through Node's resolver, and each address is tried
   * in turn within one `timeoutMs`. Throws the SystemError of the last address, TimeoutError, or AbortError.
   */
  static connect(options: ConnectOptions & TcpSocketOptions): Promise<TcpSocket> {
    let defaults: StreamDefaults;
    try {
      defaults = streamDefaults(options);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    return connectStream(options, (proactor, handle) => new TcpSocket(proactor, handle, defaults));
  }

  /** The default timeout of every receive, in milliseconds. */
  get recvTimeoutMs(): number {
    return this.#defaults.recvTimeoutMs;
  }

  set recvTimeoutMs(recvTimeoutMs: number) {
    this.#defaults = streamDefaults({ ...this.#defaults, recvTimeoutMs });
  }

  /** The default timeout of every send, in milliseconds. */
  get sendTimeoutMs(): number {
    return this.#defaults.sendTimeoutMs;
  }

  set sendTimeoutMs(sendTimeoutMs: number) {
    this.#defaults = streamDefaults({ ...this.#defaults, sendTimeoutMs });
  }

  get onTimeout(): OnTimeout {
    return this.#defaults.onTimeout;
  }

  set onTimeout(onTimeout: OnTimeout) {
    this.#defaults = streamDefaults({ ...this.#defaults, onTimeout });
  }

  /** The peer's address; null once it is gone. */
  get remoteAddress(): SocketAddress | null {
    return this.phase === 'closed' ? null : this.proactor.driver.remoteAddress(this.handle);
  }

  /**
   * Receives what is there, at least one byte and at most `buffer.length`; 0 is the end of the stream. The buffer is
   * the library's until the promise settles, and is written only just before it resolves. Receives queue up.
   */
  recv(buffer: Uint8Array, options: OperationOptions = NO_OPTIONS): Promise<number> {
    try {
      checkReceiveBuffer(buffer);
      return this.#receive(buffer, bytesTransferred, options) as Promise<number>;
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /** Receives without a copy: the bytes are lent until `release()`. null is the end of the stream. */
  recvLent(options: OperationOptions = NO_OPTIONS): Promise<LentBuffer | null> {
    try {
      return this.#receive(null, lend, options) as Promise<LentBuffer | null>;
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /**
   * `for await` over received bytes until the end of the stream; `timeoutMs` is for each receive. Each chunk is lent
   * until the next iteration. After a timeout a new loop goes on where the failed one stopped.
   */
  receive(options: OperationOptions = NO_OPTIONS): AsyncIterableIterator<LentBuffer> {
    checkTimeout(checkOptions(options).timeoutMs, 0);
    return new ReceiveIterator(this, this.proactor.driver, options.timeoutMs, checkSignal(options.signal));
  }

  /** For the loop of `receive`. */
  [receiveNext](iterator: ReceiveIterator): Promise<IteratorResult<LentBuffer, undefined>> {
    const timeoutMs = iterator.timeoutMs ?? this.#defaults.recvTimeoutMs;
    return this.#submitReceive(null, yieldChunk, timeoutMs, iterator.signal, iterator, false) as ReturnType<
      ReceiveIterator['next']
    >;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<LentBuffer> {
    return this.receive();
  }

  /**
   * Receives until the end and hands every chunk to `handlers`: the leanest way to serve thousands of connections.
   * `timeoutMs` is for each receive; a timeout ends the loop, loses nothing, and another `onReceive` goes on.
   */
  onReceive(handlers: ReceiveHandlers, options: Pick<OperationOptions, 'timeoutMs'> = NO_OPTIONS): void {
    if (typeof handlers?.received !== 'function' || typeof handlers.ended !== 'function') {
      throw new InvalidArgumentError('handlers must have the functions received and ended');
    }
    checkTimeout(checkOptions(options).timeoutMs, 0);
    TcpSocket.#receiveForLoop(new ReceiveLoop(this, handlers, options.timeoutMs, TcpSocket.#receiveForLoop));
  }

  static readonly #receiveForLoop = (loop: ReceiveLoop): void => {
    const { socket } = loop;
    socket.checkOpen();
    const operation = socket.operation('recv', bytesTransferred);
    operation.observer = loop;
    operation.leavePending = socket.#defaults.onTimeout === 'leavePending';
    socket.receiving.submitObserved(operation, loop.timeoutMs ?? socket.#defaults.recvTimeoutMs);
  };

  /** Waits until a receive would not wait: bytes, the end, or an error. Takes nothing. */
  async readable(options: OperationOptions = NO_OPTIONS): Promise<void> {
    await this.#receive(null, nothing, options, true);
  }

  /**
   * Sends all of `data`; resolves with its length once the kernel has taken it. The bytes must not change until then.
   * A timeout's or abort's error says in `bytesTransferred` how many went; the stream goes on after them.
   */
  send(data: SendData, options: OperationOptions = NO_OPTIONS): Promise<number> {
    try {
      const timeoutMs = checkTimeout(checkOptions(options).timeoutMs, this.#defaults.sendTimeoutMs);
      const signal = checkSignal(options.signal);
      const operation = this.#sendOperation(data);
      if (operation === null) return Promise.resolve(0);
      return this.sending.submit(operation, timeoutMs, signal) as Promise<number>;
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /** For `broadcast`: a send that tells `observer` instead of a promise; false where there is nothing to send. */
  [sendObserved](data: Uint8Array, timeoutMs: number | undefined, observer: OperationObserver): boolean {
    const operation = this.#sendOperation(data);
    if (operation === null) return false;
    operation.observer = observer;
    operation.context = this;
    this.sending.submitObserved(operation, timeoutMs ?? this.#defaults.sendTimeoutMs);
    return true;
  }

  /** Ends one direction or both. `send`: the peer reads the end of the stream after what was sent before. */
  shutdown(how: ShutdownHow = 'send'): Promise<void> {
    return new Promise((resolve, reject) => {
      this.checkOpen();
      if (how !== 'recv' && how !== 'send' && how !== 'both') {
        throw new InvalidArgumentError(
          `how must be 'recv', 'send' or 'both', not ${String(how)}`,
          'ERR_INVALID_ARG_VALUE',
        );
      }
      const shut = () => {
        const failed = this.proactor.driver.shutdown(this.handle, how);
        if (failed === 0) {
          this.sendingShut ||= how !== 'recv';
          resolve();
        } else
          reject(systemError(this.proactor.driver, `Cannot shut down socket ${this.descriptor}`, 'shutdown', failed));
      };
      if (how === 'recv') shut();
      else this.sending.whenEmpty(shut);
    });
  }

  protected override connected(): boolean {
    return true;
  }

  #receive(
    buffer: Uint8Array | null,
    convert: (operation: Operation) => unknown,
    options: OperationOptions,
    waitOnly = false,
  ): Promise<unknown> {
    const timeoutMs = checkTimeout(checkOptions(options).timeoutMs, this.#defaults.recvTimeoutMs);
    return this.#submitReceive(buffer, convert, timeoutMs, checkSignal(options.signal), this.proactor.driver, waitOnly);
  }

  #submitReceive(
    buffer: Uint8Array | null,
    convert: (operation: Operation) => unknown,
    timeoutMs: number,
    signal: AbortSignal | undefined,
    context: unknown,
    waitOnly: boolean,
  ): Promise<unknown> {
    this.checkOpen();
    const operation = this.operation('recv', convert);
    operation.buffer = buffer;
    operation.context = context;
    operation.waitOnly = waitOnly;
    operation.leavePending = this.#defaults.onTimeout === 'leavePending';
    return this.receiving.submit(operation, timeoutMs, signal);
  }

  /** The operation that sends `data`; null where there is nothing to send. */
  #sendOperation(data: SendData): Operation | null {
    this.checkOpen();
    const operation = this.operation('send', bytesTransferred);
    try {
      this.#setData(operation, data);
    } catch (error) {
      this.proactor.release(operation);
      throw error;
    }
    operation.leavePending = this.#defaults.onTimeout === 'leavePending';
    if (sendLength(operation) > 0) return operation;
    this.proactor.release(operation);
    return null;
  }

  #setData(operation: Operation, data: SendData): void {
    if (data instanceof LentBuffer) {
      if (!data.place(operation, this.proactor.driver)) operation.buffer = data.bytes;
      return;
    }
    if (!Array.isArray(data)) {
      operation.buffer = checkSendBuffer(data as Uint8Array);
    } else {
      if (data.length > MAX_GATHER) throw new OutOfRangeError(`At most ${MAX_GATHER} buffers can be sent at once`);
      operation.buffers = data.map(checkSendBuffer);
    }
    if (sendLength(operation) > MAX_SEND_BYTES)
      throw new OutOfRangeError(`At most ${MAX_SEND_BYTES} bytes can be sent at once`);
  }
}

const bytesTransferred = (operation: Operation) => operation.bytesTransferred;
const nothing = () => undefined;
const yieldChunk = (operation: Operation) => (operation.context as ReceiveIterator).yielded(operation);
const lend = (operation: Operation): LentBuffer | null => {
  if (operation.bytesTransferred === 0) return null;
  const lent = new LentBuffer(operation.context as Driver);
  lent.assign(operation.lentBuffer, operation.lentOffset, operation.lentLength);
  return lent;
};

/** The checked defaults; one object serves all connections of a listener. Throws TypeError and RangeError. */
export function streamDefaults(options: TcpSocketOptions | undefined): StreamDefaults {
  if (typeof options !== 'object' || options === null) throw new InvalidArgumentError('An object of options is needed');
  const onTimeout = options.onTimeout ?? 'cancel';
  if (onTimeout !== 'cancel' && onTimeout !== 'leavePending') {
    const message = `onTimeout must be 'cancel' or 'leavePending', not ${String(onTimeout)}`;
    throw new InvalidArgumentError(message, 'ERR_INVALID_ARG_VALUE');
  }
  const recvTimeoutMs = checkTimeout(options.recvTimeoutMs, Number.POSITIVE_INFINITY);
  const sendTimeoutMs = checkTimeout(options.sendTimeoutMs, Number.POSITIVE_INFINITY);
  return { recvTimeoutMs, sendTimeoutMs, onTimeout };
}
