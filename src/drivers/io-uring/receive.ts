import { POLLIN } from '../../../native-bindings/linux/constants.js';
import { ECANCELED, ECONNRESET, EFAULT, ENOBUFS } from '../../../native-bindings/linux/errno.js';
import {
  IORING_CQE_BUFFER_SHIFT,
  IORING_CQE_F_BUFFER,
  IORING_OP_RECV,
  IORING_RECV_MULTISHOT,
  IOSQE_BUFFER_SELECT,
} from '../../../native-bindings/linux/io-uring.js';
import { copyBytes } from '../../port/gather.js';
import type { Operation } from '../../port/operation.js';
import type { Requests } from './requests.js';
import { END_NONE, END_OF_STREAM, REQUEST_POLL_IN, REQUEST_RECV, type RingSocket } from './ring-socket.js';

/**
 * Bytes a socket has received ahead of its reader when its multishot receive is withdrawn; then the peer is held back
 * by TCP's own window. Not a bound: until the cancel takes hold the kernel may fill every buffer that is provided, and
 * what bounds all sockets together is their number (`maxBuffers`).
 */
const READ_AHEAD_BYTES = 65536;

/** Lent buffers with this number and above are not in the ring's memory: see `#receiveStarved`. */
const FIRST_HEAP_BUFFER = 1 << 24;

/**
 * Receiving: one multishot receive a socket fills provided buffers, and they wait in the socket's inbox for a `recv`.
 * A `recv` that is cancelled leaves the multishot receive in place, so that no byte can be lost to it.
 */
export class Receiver {
  readonly #requests: Requests;
  /** Lent memory outside the ring, for when every provided buffer is in use: the kernel never holds it. */
  readonly #heapBuffers = new Map<number, { bytes: Uint8Array; references: number }>();
  #nextHeapBuffer = FIRST_HEAP_BUFFER;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  get lentBuffers(): number {
    return this.#requests.buffers.outside + this.#heapBuffers.size;
  }

  start(socket: RingSocket, operation: Operation): boolean {
    if (this.#deliver(socket, operation)) return true;
    if (operation.large && this.#startLarge(socket, operation)) return true;
    socket.recvOperation = operation;
    if (!operation.large) this.#arm(socket);
    return false;
  }

  /** A completion of the multishot receive. */
  received(socket: RingSocket, result: number, flags: number): void {
    const { buffers } = this.#requests;
    const last = this.#requests.ended(socket, REQUEST_RECV, flags);
    const buffer = flags >>> IORING_CQE_BUFFER_SHIFT;
    if ((flags & IORING_CQE_F_BUFFER) !== 0) buffers.took(buffer, result);
    let starved = false;
    if (result > 0) this.#append(socket, buffer, result);
    else if ((flags & IORING_CQE_F_BUFFER) !== 0) buffers.release(buffer);
    if (result === 0) socket.recvEnd = socket.wasReset ? ECONNRESET : END_OF_STREAM;
    else if (result === -ENOBUFS) starved = buffers.exhausted && !buffers.grow();
    else if (result < 0 && result !== -ECANCELED) this.#failed(socket, -result);

    this.#deliverWaiting(socket);
    if (!last) {
      if (socket.inboxBytes >= READ_AHEAD_BYTES) this.#requests.cancel(socket, REQUEST_RECV);
    } else if (socket.recvOperation !== null && socket.recvEnd === END_NONE) {
      if (starved || socket.recvOperation.large) this.#requests.poll(socket, REQUEST_POLL_IN, POLLIN);
      else this.#arm(socket);
    }
  }

  /** A socket whose buffers ran out has become readable: its bytes go straight to the operation. */
  readable(socket: RingSocket, result: number, flags: number): void {
    this.#requests.ended(socket, REQUEST_POLL_IN, flags);
    const operation = socket.recvOperation;
    if (operation === null || result === -ECANCELED) return;
    if (socket.inboxHead === -1 && socket.recvEnd === END_NONE) {
      const received = this.#receiveStarved(socket, operation);
      if (received === -this.#requests.stack.again) return this.#requests.poll(socket, REQUEST_POLL_IN, POLLIN);
      if (received > 0 || (received === 0 && operation.waitOnly)) {
        socket.recvOperation = null;
        operation.done(received);
        this.#requests.events.completed(operation);
        return;
      }
      if (received === 0) socket.recvEnd = socket.wasReset ? ECONNRESET : END_OF_STREAM;
      else this.#failed(socket, -received);
    }
    this.#deliverWaiting(socket);
  }

  /** Ends a cancelled receive, after the completions on their way have been looked at. */
  settleCancel(socket: RingSocket, operation: Operation): void {
    if (socket.recvOperation !== operation) return;
    socket.recvOperation = null;
    operation.cancelled();
    this.#requests.events.completed(operation);
  }

  /** Gives back what nobody received; gives its bytes. */
  discard(socket: RingSocket): number {
    const { buffers } = this.#requests;
    const unread = socket.inboxBytes;
    while (socket.inboxHead !== -1) {
      const buffer = socket.inboxHead;
      socket.inboxHead = buffers.next[buffer] as number;
      buffers.release(buffer);
    }
    socket.inboxTail = -1;
    socket.inboxBytes = 0;
    return unread;
  }

  bytes(buffer: number, offset: number, length: number): Uint8Array {
    const heap = this.#heapBuffers.get(buffer);
    if (heap) return heap.bytes.subarray(offset, offset + length);
    const { memory } = this.#requests.buffers;
    return new Uint8Array(memory.buffer, this.#requests.buffers.offsetOf(buffer) + offset, length);
  }

  /** Whether a lent buffer lies in memory that the kernel may send from. */
  isMapped(buffer: number): boolean {
    return buffer < FIRST_HEAP_BUFFER;
  }

  retain(buffer: number): void {
    const heap = this.#heapBuffers.get(buffer);
    if (heap) heap.references++;
    else this.#requests.buffers.retain(buffer);
  }

  release(buffer: number): void {
    const heap = this.#heapBuffers.get(buffer);
    if (heap === undefined) this.#requests.buffers.release(buffer);
    else if (--heap.references === 0) this.#heapBuffers.delete(buffer);
  }

  #arm(socket: RingSocket): void {
    if (socket.closing || socket.holds(REQUEST_RECV) || socket.holds(REQUEST_POLL_IN)) return;
    const at = this.#requests.push(
      socket,
      REQUEST_RECV,
      IORING_OP_RECV,
      IOSQE_BUFFER_SELECT,
      IORING_RECV_MULTISHOT,
      0,
      0,
    );
    this.#requests.ring.setBufferGroup(at, this.#requests.buffers.group);
  }

  /**
   * A stream in full flow is cheaper to read in large pieces than through many small buffers: the multishot receive is
   * withdrawn, and from then on a call takes what is there or a poll waits for it. True: the operation has ended.
   */
  #startLarge(socket: RingSocket, operation: Operation): boolean {
    if (socket.holds(REQUEST_RECV)) {
      this.#requests.cancel(socket, REQUEST_RECV);
      return false;
    }
    if (socket.closing || socket.holds(REQUEST_POLL_IN)) return false;
    const { stack } = this.#requests;
    const { buffer } = operation;
    if (buffer !== null && buffer.length > 0) {
      const received = stack.recv(socket.descriptor, buffer, buffer.length);
      if (received > 0) return operation.done(received);
      if (received !== -stack.again) {
        if (received === 0) socket.recvEnd = socket.wasReset ? ECONNRESET : END_OF_STREAM;
        else this.#failed(socket, -received);
        return this.#deliver(socket, operation);
      }
    }
    this.#requests.poll(socket, REQUEST_POLL_IN, POLLIN);
    return false;
  }

  #failed(socket: RingSocket, errno: number): void {
    if (errno === ECONNRESET) socket.wasReset = true;
    socket.recvEnd = errno;
  }

  #append(socket: RingSocket, buffer: number, length: number): void {
    if (socket.inboxTail === -1) socket.inboxHead = buffer;
    else this.#requests.buffers.next[socket.inboxTail] = buffer;
    socket.inboxTail = buffer;
    socket.inboxBytes += length;
  }

  #deliverWaiting(socket: RingSocket): void {
    const operation = socket.recvOperation;
    if (operation === null || !this.#deliver(socket, operation)) return;
    socket.recvOperation = null;
    this.#requests.events.completed(operation);
  }

  /** Ends the operation with what is there already, if anything is. */
  #deliver(socket: RingSocket, operation: Operation): boolean {
    if (socket.inboxHead !== -1) {
      if (operation.waitOnly) return operation.done(0);
      const { buffer } = operation;
      return buffer === null ? this.#lend(socket, operation) : this.#copy(socket, operation, buffer);
    }
    if (socket.recvEnd === END_NONE) return false;
    return socket.recvEnd === END_OF_STREAM || operation.waitOnly
      ? operation.done(0)
      : operation.failed(socket.recvEnd);
  }

  #lend(socket: RingSocket, operation: Operation): true {
    const { buffers } = this.#requests;
    const buffer = socket.inboxHead;
    const length = buffers.left[buffer] as number;
    operation.lentBuffer = buffer;
    operation.lentOffset = buffers.start[buffer] as number;
    operation.lentLength = length;
    this.#shift(socket, buffer, length);
    return operation.done(length);
  }

  #copy(socket: RingSocket, operation: Operation, target: Uint8Array): true {
    const { buffers } = this.#requests;
    const wanted = target.length;
    // The caller has detached the buffer in the meantime; what arrived stays for the next receive.
    if (wanted === 0) return operation.failed(EFAULT);
    let copied = 0;
    while (copied < wanted && socket.inboxHead !== -1) {
      const buffer = socket.inboxHead;
      const from = buffers.offsetOf(buffer) + (buffers.start[buffer] as number);
      const left = buffers.left[buffer] as number;
      const length = Math.min(left, wanted - copied);
      copyBytes(buffers.memory.u8, from, target, copied, length);
      copied += length;
      if (length === left) {
        this.#shift(socket, buffer, length);
        buffers.release(buffer);
      } else {
        buffers.start[buffer] = (buffers.start[buffer] as number) + length;
        buffers.left[buffer] = left - length;
        socket.inboxBytes -= length;
      }
    }
    return operation.done(copied);
  }

  /** Takes the first buffer out of the inbox. Its reference goes to the caller. */
  #shift(socket: RingSocket, buffer: number, length: number): void {
    socket.inboxHead = this.#requests.buffers.next[buffer] as number;
    if (socket.inboxHead === -1) socket.inboxTail = -1;
    socket.inboxBytes -= length;
  }

  #receiveStarved(socket: RingSocket, operation: Operation): number {
    const { stack, buffers } = this.#requests;
    if (operation.waitOnly) return 0;
    if (operation.buffer !== null) return stack.recv(socket.descriptor, operation.buffer, operation.buffer.length);
    const bytes = new Uint8Array(buffers.bufferBytes);
    const received = stack.recv(socket.descriptor, bytes, bytes.length);
    if (received <= 0) return received;
    operation.lentBuffer = this.#nextHeapBuffer++;
    operation.lentOffset = 0;
    operation.lentLength = received;
    this.#heapBuffers.set(operation.lentBuffer, { bytes, references: 1 });
    return received;
  }
}
