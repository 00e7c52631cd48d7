import { POLLIN, POLLOUT } from '../../../native-bindings/linux/constants.js';
import { ECANCELED } from '../../../native-bindings/linux/errno.js';
import { IORING_OP_POLL_ADD, IORING_POLL_ADD_MULTI } from '../../../native-bindings/linux/io-uring.js';
import { datagramsAhead } from '../../port/datagram-features.js';
import type { Operation } from '../../port/operation.js';
import type { Requests } from './requests.js';
import { REQUEST_POLL_IN, REQUEST_POLL_OUT, type RingSocket } from './ring-socket.js';

// A peer that always has more would otherwise keep a loop of receives going in microtasks for ever, and with it every
// timer and every other socket. After so many receives that did not wait, one does, for the next turn.
const RECEIVES_PER_TURN = 64;

/**
 * Datagrams: the ring says when there are some, and a whole batch then crosses in one recvmmsg or sendmmsg. One call
 * for 256 datagrams measured cheaper than a completion for each.
 *
 * Receives are watched by one multishot poll for the life of the socket. It reports each arrival once, so a socket
 * whose queue was found empty stays *quiet* until it does, and nobody has to ask the kernel in between.
 */
export class Datagrams {
  readonly #requests: Requests;
  /** Sockets whose queue was found empty while the watch was on, and whose watch has not reported since. */
  readonly #quiet = new Set<RingSocket>();
  #postponed: RingSocket[] = [];
  #receivesLeft = RECEIVES_PER_TURN;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  startReceive(socket: RingSocket, operation: Operation): boolean {
    const mayTry = this.#receivesLeft > 0;
    if (mayTry && this.#receive(socket, operation)) {
      this.#receivesLeft--;
      return true;
    }
    socket.recvOperation = operation;
    if (!mayTry) this.#postpone(socket);
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
    this.#quiet.delete(socket);
    if (result !== -ECANCELED) this.#goOn(socket);
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
    if (socket.recvOperation === operation) {
      // One that was postponed has not been tried: a timeout of 0 still takes what is there.
      if (operation.cancelReason === 'timeout') this.#goOn(socket);
      if (socket.recvOperation !== operation) return;
      socket.recvOperation = null;
    } else if (socket.sendOperation === operation) socket.sendOperation = null;
    else return;
    operation.cancelled();
    this.#requests.events.completed(operation);
  }

  /** Tries the receive that waits. */
  #goOn(socket: RingSocket): void {
    const operation = socket.recvOperation;
    if (operation === null || !this.#receive(socket, operation)) return;
    socket.recvOperation = null;
    this.#requests.events.completed(operation);
  }

  #postpone(socket: RingSocket): void {
    this.#postponed.push(socket);
    if (this.#postponed.length === 1) setImmediate(this.#nextTurn);
  }

  readonly #nextTurn = () => {
    const sockets = this.#postponed;
    this.#postponed = [];
    this.#receivesLeft = RECEIVES_PER_TURN;
    for (const socket of sockets) this.#goOn(socket);
    this.#requests.events.flushWanted();
  };

  /** Receives what is there; false where the operation has to wait for the watch. */
  #receive(socket: RingSocket, operation: Operation): boolean {
    const { stack } = this.#requests;
    const { batch } = operation;
    if (batch === null) return operation.failed(stack.noBuffers);
    const ahead = datagramsAhead(batch);
    if (ahead === 0 && this.#quiet.has(socket)) return false;
    const received = stack.recvBatch(socket.descriptor, batch);
    // A batch that was not filled, too, says that the queue is empty. One filled from what was ahead says nothing.
    if (received === -stack.again || (received >= 0 && received < batch.capacity && ahead === 0)) this.#watch(socket);
    if (received >= 0) return operation.done(received);
    return received === -stack.again ? false : operation.failed(-received);
  }

  /**
   * Waits for arrivals from now on. What came after the queue was seen empty is not lost: the poll reports what is
   * there when it starts (io_uring_enter(2), IORING_POLL_ADD_MULTI).
   */
  #watch(socket: RingSocket): void {
    this.#quiet.add(socket);
    if (socket.holds(REQUEST_POLL_IN)) return;
    const at = this.#requests.push(socket, REQUEST_POLL_IN, IORING_OP_POLL_ADD, 0, 0, 0, IORING_POLL_ADD_MULTI);
    this.#requests.ring.setOperationFlags(at, POLLIN);
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
