import { MSG_NOSIGNAL, MSG_WAITALL } from '../../../native-bindings/linux/constants.js';
import { ECANCELED, ECONNRESET, EFAULT, EPIPE } from '../../../native-bindings/linux/errno.js';
import { IORING_OP_SEND } from '../../../native-bindings/linux/io-uring.js';
import { gather, sendLength } from '../../port/gather.js';
import type { Operation } from '../../port/operation.js';
import type { Receiver } from './receive.js';
import type { Requests } from './requests.js';
import { REQUEST_SEND, type RingSocket } from './ring-socket.js';
import { SendSlabs } from './send-slabs.js';

/**
 * In this range a call of its own for a send costs less than staging its bytes. Above it the other sockets would wait
 * too long for their turn.
 */
const DIRECT_FROM_BYTES = 16384;
const DIRECT_TO_BYTES = 262144;

/**
 * Sending: bytes are staged in a slab (a lent buffer is sent from where it lies) and go out in one request a slab. A
 * cancelled request tells exactly how many of its bytes went (MSG_WAITALL keeps the count across its retries).
 */
export class Sender {
  readonly #requests: Requests;
  readonly #receiver: Receiver;
  /** Sockets whose send waits until a slab is given back, first come first served. */
  #waiting: RingSocket[] = [];

  constructor(requests: Requests, receiver: Receiver) {
    this.#requests = requests;
    this.#receiver = receiver;
  }

  start(socket: RingSocket, operation: Operation): boolean {
    operation.bytesTransferred = 0;
    if (operation.lentBuffer !== -1 && !this.#receiver.isMapped(operation.lentBuffer)) {
      operation.buffer = this.#receiver.bytes(operation.lentBuffer, operation.lentOffset, operation.lentLength);
    }
    socket.sendBytes = sendLength(operation);
    const direct = socket.sendBytes >= DIRECT_FROM_BYTES && socket.sendBytes <= DIRECT_TO_BYTES;
    if (direct && this.#sendDirectly(socket, operation)) return true;
    socket.sendOperation = operation;
    this.#submit(socket, operation);
    return false;
  }

  sent(socket: RingSocket, result: number, flags: number): void {
    this.#requests.ended(socket, REQUEST_SEND, flags);
    const operation = socket.sendOperation;
    if (operation === null) throw new Error('A send completed that nobody started');
    if (result > 0 && result < socket.sendRequested) this.#cutShort(socket, operation);
    this.#giveBack(socket, operation);
    if (result > 0) operation.bytesTransferred += result;
    const left = socket.sendBytes - operation.bytesTransferred;
    if (result >= 0 && left > 0 && operation.state !== 'cancelling') return this.#submit(socket, operation);
    if (left === 0) operation.outcome = 'done';
    else if (result >= 0 || result === -ECANCELED) operation.cancelled();
    else operation.failed(this.#errorOf(socket, -result));
    this.#end(socket, operation);
  }

  cancel(socket: RingSocket, operation: Operation): void {
    if (socket.holds(REQUEST_SEND)) this.#requests.cancel(socket, REQUEST_SEND);
    else this.#requests.cancelsToSettle.push(operation);
  }

  /** Ends a cancelled send that was still waiting for a slab. */
  settleCancel(socket: RingSocket, operation: Operation): void {
    if (socket.sendOperation !== operation || socket.holds(REQUEST_SEND)) return;
    this.#waiting = this.#waiting.filter((waiting) => waiting !== socket);
    operation.cancelled();
    this.#end(socket, operation);
  }

  /**
   * Sends from the caller's memory what the kernel has room for, without staging it: the call has copied the bytes
   * when it returns. True: the operation has ended. False: the rest is to be staged.
   */
  #sendDirectly(socket: RingSocket, operation: Operation): boolean {
    const { buffer, buffers } = operation;
    for (const each of buffer !== null ? [buffer] : (buffers ?? [])) {
      if (each.length === 0) continue;
      const { stack } = this.#requests;
      const sent = stack.send(socket.descriptor, each, each.length);
      if (sent === -stack.again || sent === -stack.interrupted) return false;
      if (sent < 0) return operation.failed(this.#errorOf(socket, -sent));
      operation.bytesTransferred += sent;
      if (sent < each.length) return false;
    }
    if (operation.bytesTransferred < socket.sendBytes) return false;
    return operation.done(socket.sendBytes);
  }

  /** Hands over the next stretch of the operation's bytes. */
  #submit(socket: RingSocket, operation: Operation): void {
    const { buffers, slabs } = this.#requests;
    const done = operation.bytesTransferred;
    const left = socket.sendBytes - done;
    if (isInPlace(operation)) {
      const offset = buffers.offsetOf(operation.lentBuffer) + operation.lentOffset + done;
      return this.#push(socket, buffers.memory.address(offset), left);
    }
    const slab = slabs.take(Math.min(left, SendSlabs.largest));
    if (slab === -1) {
      this.#waiting.push(socket);
      return;
    }
    socket.sendSlab = slab;
    const length = gather(operation, done, slabs.memory.u8, slab, Math.min(left, slabs.bytesOf(slab)));
    if (length > 0) return this.#push(socket, slabs.memory.address(slab), length);
    // The caller has detached the buffer in the meantime: what was staged before has gone out, and no more can.
    this.#giveBack(socket, operation);
    operation.failed(EFAULT);
    this.#end(socket, operation);
  }

  #push(socket: RingSocket, address: number, length: number): void {
    socket.sendRequested = length;
    const at = this.#requests.push(socket, REQUEST_SEND, IORING_OP_SEND, 0, 0, address, length);
    this.#requests.ring.setOperationFlags(at, MSG_WAITALL | MSG_NOSIGNAL);
  }

  #giveBack(socket: RingSocket, operation: Operation): void {
    if (isInPlace(operation)) return;
    this.#requests.slabs.give(socket.sendSlab);
    socket.sendSlab = -1;
    const next = this.#waiting.shift();
    if (next?.sendOperation) this.#submit(next, next.sendOperation);
  }

  #end(socket: RingSocket, operation: Operation): void {
    socket.sendOperation = null;
    this.#requests.events.completed(operation);
  }

  // With MSG_WAITALL the kernel gives the bytes that went and swallows the error that stopped it; a connection without
  // a peer says that it was a reset (getpeername: ENOTCONN).
  #cutShort(socket: RingSocket, operation: Operation): void {
    if (operation.state === 'cancelling') return;
    if (this.#requests.stack.remoteAddress(socket.descriptor) === null) socket.wasReset = true;
  }

  // The error of a reset is reported once by the kernel, to whoever asks first. If the receiving side was told, a
  // send hears EPIPE; it is a reset all the same.
  #errorOf(socket: RingSocket, errno: number): number {
    if (errno === ECONNRESET) socket.wasReset = true;
    return errno === EPIPE && socket.wasReset ? ECONNRESET : errno;
  }
}

/** Whether the bytes are sent from where they were received. Their buffer is retained until the operation has ended. */
function isInPlace(operation: Operation): boolean {
  return operation.lentBuffer !== -1 && operation.buffer === null;
}
