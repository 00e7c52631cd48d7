import type { Operation } from '../../port/operation.js';
import type { LentBuffers } from './lent-buffers.js';
import { END_NONE, END_OF_STREAM, MAYBE_READY, NOT_READY, READY, type ReadySocket } from './ready-socket.js';
import type { Waits } from './waits.js';

/**
 * Receiving, straight into the caller's buffer or into one that is lent: one call brings the bytes or says that there
 * are none.
 */
export class Receiver {
  readonly #waits: Waits;
  readonly #buffers: LentBuffers;

  constructor(waits: Waits, buffers: LentBuffers) {
    this.#waits = waits;
    this.#buffers = buffers;
  }

  /** Receives what is there. True: the operation has ended. False: nothing has arrived. */
  attempt(socket: ReadySocket, operation: Operation): boolean {
    if (socket.recvEnd !== END_NONE) {
      if (socket.recvEnd === END_OF_STREAM || operation.waitOnly) return operation.done(0);
      return operation.failed(socket.recvEnd);
    }
    if (operation.waitOnly) return this.#somethingIsThere(socket) && operation.done(0);
    const { buffer } = operation;
    if (buffer === null) return this.#lend(socket, operation);
    const wanted = buffer.length;
    // The caller has detached the buffer in the meantime; what arrived stays for the next receive.
    if (wanted === 0) return operation.failed(this.#waits.numbers.fault);
    const { stack } = this.#waits;
    let received = stack.recv(socket.descriptor, buffer, wanted);
    while (received === -stack.interrupted) received = stack.recv(socket.descriptor, buffer, wanted);
    if (received <= 0) return this.#nothing(socket, operation, received);
    this.#took(socket, received, wanted);
    return operation.done(received);
  }

  #lend(socket: ReadySocket, operation: Operation): boolean {
    const { stack } = this.#waits;
    const buffer = this.#buffers.peek();
    if (buffer === -1) return this.#lendFromHeap(socket, operation);
    const address = this.#buffers.address(buffer, 0);
    const wanted = this.#buffers.bufferBytes;
    let received = stack.recvAt(socket.descriptor, address, wanted);
    while (received === -stack.interrupted) received = stack.recvAt(socket.descriptor, address, wanted);
    if (received <= 0) return this.#nothing(socket, operation, received);
    this.#took(socket, received, wanted);
    this.#buffers.lend(buffer);
    return lent(operation, buffer, received);
  }

  #lendFromHeap(socket: ReadySocket, operation: Operation): boolean {
    const { stack } = this.#waits;
    const bytes = new Uint8Array(this.#buffers.bufferBytes);
    let received = stack.recv(socket.descriptor, bytes, bytes.length);
    while (received === -stack.interrupted) received = stack.recv(socket.descriptor, bytes, bytes.length);
    if (received <= 0) return this.#nothing(socket, operation, received);
    this.#took(socket, received, bytes.length);
    return lent(operation, this.#buffers.overflow(bytes), received);
  }

  // A stream that gives less than it was asked for is empty, and whatever comes next raises a new edge (epoll(7),
  // question 9). That spares the call which would only say EAGAIN.
  #took(socket: ReadySocket, received: number, wanted: number): void {
    socket.readable = received < wanted && socket.shortMeansEmpty ? NOT_READY : MAYBE_READY;
  }

  /** The call brought no byte: there is none yet, there will never be one, or it failed. */
  #nothing(socket: ReadySocket, operation: Operation, result: number): boolean {
    const { stack, numbers } = this.#waits;
    if (result === -stack.again) {
      socket.readable = NOT_READY;
      return false;
    }
    // The end of a stream of datagrams is an empty datagram, and its errors pass.
    if (socket.type === 'datagram') return result === 0 ? operation.done(0) : operation.failed(-result);
    const toldSender = socket.wasReset && result === -numbers.notConnected;
    if (result < 0 && numbers.transient.has(-result) && !toldSender) return operation.failed(-result);
    // The stack tells of a reset once, to whoever asks first. If the sending side was told, this one hears an end, or in
    // lwIP that there is no connection (netconn_recv_data: ERR_CONN).
    if (result === -numbers.connectionReset) socket.wasReset = true;
    if (result < 0 && !toldSender) socket.recvEnd = -result;
    else socket.recvEnd = socket.wasReset ? numbers.connectionReset : END_OF_STREAM;
    return socket.recvEnd === END_OF_STREAM ? operation.done(0) : operation.failed(socket.recvEnd);
  }

  #somethingIsThere(socket: ReadySocket): boolean {
    if (socket.readable === READY || socket.ending) return true;
    if (this.#waits.stack.unreadBytes(socket.descriptor) > 0) return true;
    socket.readable = NOT_READY;
    return false;
  }
}

function lent(operation: Operation, buffer: number, length: number): true {
  operation.lentBuffer = buffer;
  operation.lentOffset = 0;
  operation.lentLength = length;
  return operation.done(length);
}
