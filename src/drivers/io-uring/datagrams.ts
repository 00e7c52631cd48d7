import { POLLIN, POLLOUT } from '../../../native-bindings/linux/constants.js';
import { ECANCELED } from '../../../native-bindings/linux/errno.js';
import type { Operation } from '../../port/operation.js';
import type { Requests } from './requests.js';
import { REQUEST_POLL_IN, REQUEST_POLL_OUT, type RingSocket } from './ring-socket.js';

/**
 * Datagrams: the ring waits for readiness, and a whole batch then crosses in one recvmmsg or sendmmsg. One call for
 * 256 datagrams measured cheaper than a completion for each.
 */
export class Datagrams {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  startReceive(socket: RingSocket, operation: Operation): boolean {
    if (this.#receive(socket, operation)) return true;
    socket.recvOperation = operation;
    this.#requests.poll(socket, REQUEST_POLL_IN, POLLIN);
    return false;
  }

  startSend(socket: RingSocket, operation: Operation): boolean {
    operation.bytesTransferred = 0;
    if (this.#send(socket, operation)) return true;
    socket.sendOperation = operation;
    this.#requests.poll(socket, REQUEST_POLL_OUT, POLLOUT);
    return false;
  }

  readable(socket: RingSocket, result: number, flags: number): void {
    this.#requests.ended(socket, REQUEST_POLL_IN, flags);
    const operation = socket.recvOperation;
    if (operation === null || result === -ECANCELED) return;
    if (!this.#receive(socket, operation)) return this.#requests.poll(socket, REQUEST_POLL_IN, POLLIN);
    socket.recvOperation = null;
    this.#requests.events.completed(operation);
  }

  writable(socket: RingSocket, result: number, flags: number): void {
    this.#requests.ended(socket, REQUEST_POLL_OUT, flags);
    const operation = socket.sendOperation;
    if (operation === null || result === -ECANCELED) return;
    if (!this.#send(socket, operation)) return this.#requests.poll(socket, REQUEST_POLL_OUT, POLLOUT);
    socket.sendOperation = null;
    this.#requests.events.completed(operation);
  }

  settleCancel(socket: RingSocket, operation: Operation): void {
    if (socket.recvOperation === operation) socket.recvOperation = null;
    else if (socket.sendOperation === operation) socket.sendOperation = null;
    else return;
    operation.cancelled();
    this.#requests.events.completed(operation);
  }

  #receive(socket: RingSocket, operation: Operation): boolean {
    const { stack } = this.#requests;
    if (operation.batch === null) return operation.failed(stack.noBuffers);
    const received = stack.recvBatch(socket.descriptor, operation.batch);
    if (received >= 0) return operation.done(received);
    return received === -stack.again ? false : operation.failed(-received);
  }

  #send(socket: RingSocket, operation: Operation): boolean {
    const { stack } = this.#requests;
    const { batch } = operation;
    if (batch === null) return operation.failed(stack.noBuffers);
    while (operation.bytesTransferred < batch.count) {
      const sent = stack.sendBatch(socket.descriptor, batch, operation.bytesTransferred);
      if (sent < 0) return sent === -stack.again ? false : operation.failed(-sent);
      operation.bytesTransferred += sent;
    }
    return operation.done(operation.bytesTransferred);
  }
}
