import {
  WSAECONNABORTED,
  WSAECONNRESET,
  WSAEFAULT,
  WSAEINVAL,
  WSAENOBUFS,
  WSAENOTCONN,
  WSAESHUTDOWN,
  WSAEWOULDBLOCK,
} from '../../../native-bindings/windows/winerror.js';
import type { Operation } from '../../port/operation.js';
import { isCancelled, isReset } from './errors.js';
import { END_NONE, END_OF_STREAM, NO_SLOT, type PortSocket, REQUEST_RECEIVE } from './port-socket.js';
import { PENDING } from './requests.js';
import type { Shared } from './shared.js';

/** Errors of a receive that leave the stream as it was. WSARecv's WSAEWOULDBLOCK: too many requests are under way. */
const TRANSIENT: ReadonlySet<number> = new Set([WSAENOBUFS, WSAENOTCONN, WSAEFAULT, WSAEINVAL, WSAEWOULDBLOCK]);

/**
 * Receiving: a zero-byte WSARecv waits until there is something, and a non-blocking recv then takes it, straight into
 * the caller's buffer or into one that is lent. The request in the kernel carries no byte, so that no cancel, timeout
 * or close can lose one with it; and it serves the socket, not the operation: a cancelled operation leaves it where it
 * is, for the next. Idle connections hold no buffer either (libuv reads like this, uv__tcp_queue_read).
 */
export class Receiver {
  readonly #shared: Shared;

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  /** True: the operation has ended. False: it is the socket's, and ends later. */
  start(socket: PortSocket, operation: Operation): boolean {
    if (!this.#shared.mayTry) {
      socket.recvOperation = operation;
      this.#shared.postpone(socket);
      return false;
    }
    if (this.#advance(socket, operation)) {
      this.#shared.spend();
      return true;
    }
    socket.recvOperation = operation;
    return false;
  }

  /** The zero-byte receive has ended. */
  readable(socket: PortSocket, error: number): void {
    socket.receiveSlot = NO_SLOT;
    if (isCancelled(error)) {
      // Nobody has asked for it but a close, unless the system itself has cancelled the request.
      if (socket.closing) return;
    } else {
      socket.mayReceive = true;
      // The error is told once. What arrived before it is still there, and is received first.
      if (error !== 0) socket.pendingError = error;
      if (isReset(error)) socket.wasReset = true;
    }
    this.goOn(socket);
  }

  /** Tries the operation that waits. */
  goOn(socket: PortSocket): void {
    const operation = socket.recvOperation;
    if (operation !== null && this.#advance(socket, operation)) this.#shared.completeRecv(socket, operation);
  }

  /** The receiving side has been shut down: what has arrived is still received, and then the stream ends. */
  shut(socket: PortSocket): void {
    socket.shutReceive = true;
    socket.mayReceive = true;
    // Not now: completions are for flushes and callbacks of the host.
    if (socket.recvOperation !== null) this.#shared.postpone(socket);
  }

  /** Ends a cancelled operation, unless what it waits for is there by now. */
  settleCancel(socket: PortSocket, operation: Operation): void {
    if (socket.recvOperation !== operation) return;
    // The request may have been left by an earlier operation, and its completion be on its way still: a timeout of 0
    // takes what is there, and only a call can tell.
    const done = operation.cancelReason === 'timeout' && !operation.waitOnly && this.#attempt(socket, operation);
    if (!done) operation.cancelled();
    this.#shared.completeRecv(socket, operation);
  }

  /** Receives what is there, or has the kernel wait for it. */
  #advance(socket: PortSocket, operation: Operation): boolean {
    for (let round = 0; round < 2; round++) {
      if (socket.mayReceive || socket.arrivesEarly || socket.recvEnd !== END_NONE) {
        if (operation.waitOnly ? this.#somethingIsThere(socket, operation) : this.#attempt(socket, operation))
          return true;
      }
      if (socket.receiveSlot !== NO_SLOT || socket.closing) return false;
      const result = this.#shared.requests.awaitReadable(socket, REQUEST_RECEIVE);
      if (result === PENDING) return false;
      if (result < 0) return this.#refused(socket, operation, -result);
      socket.mayReceive = true;
      socket.arrivesEarly = true;
      if (operation.waitOnly) return operation.done(0);
    }
    // Announced twice and not there: somebody else's turn first.
    this.#shared.postpone(socket);
    return false;
  }

  /** Receives what is there. True: the operation has ended. False: nothing has arrived. */
  #attempt(socket: PortSocket, operation: Operation): boolean {
    if (socket.recvEnd !== END_NONE) {
      return socket.recvEnd === END_OF_STREAM ? operation.done(0) : operation.failed(socket.recvEnd);
    }
    const { buffer } = operation;
    if (buffer === null) return this.#lend(socket, operation);
    const wanted = buffer.length;
    // The caller has detached the buffer in the meantime; what arrived stays for the next receive.
    if (wanted === 0) return operation.failed(WSAEFAULT);
    const received = this.#shared.winsock.recv(socket.descriptor, buffer, wanted);
    if (received <= 0) return this.#nothing(socket, operation, received);
    socket.mayReceive = received === wanted || socket.pendingError !== 0;
    return operation.done(received);
  }

  #lend(socket: PortSocket, operation: Operation): boolean {
    const { buffers, winsock } = this.#shared;
    const pooled = buffers.peek();
    const wanted = buffers.bufferBytes;
    let received: number;
    let bytes: Uint8Array | null = null;
    if (pooled !== -1) received = winsock.recvAt(socket.descriptor, buffers.address(pooled, 0), wanted);
    else {
      bytes = new Uint8Array(wanted);
      received = winsock.recv(socket.descriptor, bytes, wanted);
    }
    if (received <= 0) return this.#nothing(socket, operation, received);
    socket.mayReceive = received === wanted || socket.pendingError !== 0;
    if (bytes === null) buffers.lend(pooled);
    operation.lentBuffer = bytes === null ? pooled : buffers.overflow(bytes);
    operation.lentOffset = 0;
    operation.lentLength = received;
    return operation.done(received);
  }

  /** The call brought no byte: there is none yet, there will never be one, or it failed. */
  #nothing(socket: PortSocket, operation: Operation, result: number): boolean {
    const { pendingError } = socket;
    if (pendingError === 0 && result === -WSAEWOULDBLOCK) {
      socket.mayReceive = false;
      socket.arrivesEarly = false;
      if (!socket.shutReceive) return false;
    } else if (pendingError === 0 && result < 0 && TRANSIENT.has(-result)) return operation.failed(-result);
    socket.recvEnd = this.#endOf(socket, result);
    return this.#attempt(socket, operation);
  }

  #endOf(socket: PortSocket, result: number): number {
    const error = socket.pendingError !== 0 ? socket.pendingError : -result;
    if (isReset(error) || this.#wasResetUnheard(socket, result)) socket.wasReset = true;
    if (socket.shutReceive && (error === WSAEWOULDBLOCK || error === WSAESHUTDOWN)) return END_OF_STREAM;
    // A reset that a send was told of is an aborted connection to the receive that comes after it (see Sender).
    if (error !== 0 && !(error === WSAECONNABORTED && socket.wasReset)) return error;
    return socket.wasReset ? WSAECONNRESET : END_OF_STREAM;
  }

  /**
   * Whether the end of the stream is a reset that was told to nobody. Wine's server takes a socket's error (SO_ERROR)
   * when it polls, and if no request is pending then, a later receive reads 0. The connection has no peer any more
   * then, as it would have after a FIN.
   */
  #wasResetUnheard(socket: PortSocket, result: number): boolean {
    if (result !== 0 || socket.shutSend || socket.shutReceive) return false;
    return this.#shared.winsock.remoteAddress(socket.descriptor) === null;
  }

  /** A receive that only waits: whether it is over. */
  #somethingIsThere(socket: PortSocket, operation: Operation): boolean {
    const ended = socket.recvEnd !== END_NONE || socket.pendingError !== 0 || socket.shutReceive;
    if (ended || this.#shared.winsock.unreadBytes(socket.descriptor) > 0) return operation.done(0);
    // A FIN is something, too, and only the next zero-byte receive tells of it.
    socket.mayReceive = false;
    return false;
  }

  /** The kernel does not want to wait: a reset has been told, or the call was a mistake. */
  #refused(socket: PortSocket, operation: Operation, error: number): boolean {
    if (TRANSIENT.has(error)) return operation.failed(error);
    socket.pendingError = error;
    socket.mayReceive = true;
    if (operation.waitOnly) return operation.done(0);
    return this.#attempt(socket, operation);
  }
}
