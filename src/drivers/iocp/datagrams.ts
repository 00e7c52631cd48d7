import {
  ERROR_PORT_UNREACHABLE,
  WSAECONNREFUSED,
  WSAECONNRESET,
  WSAEFAULT,
  WSAEINVAL,
  WSAEMSGSIZE,
  WSAENETRESET,
  WSAEWOULDBLOCK,
} from '../../../native-bindings/windows/winerror.js';
import { datagramsAhead, MAX_BATCH_CAPACITY, MAX_DATAGRAM_BYTES } from '../../port/datagram-features.js';
import type { DatagramBatch } from '../../port/datagrams.js';
import { OutOfRangeError } from '../../port/errors.js';
import type { Operation } from '../../port/operation.js';
import { WinsockDatagramBatch } from './datagram-batch.js';
import { isCancelled, isFull } from './errors.js';
import { NO_SLOT, type PortSocket, REQUEST_RECEIVE, REQUEST_SEND } from './port-socket.js';
import { PENDING } from './requests.js';
import type { Shared } from './shared.js';

/** How Winsock says that nobody listens at the destination of an earlier datagram (ICMP "port unreachable"). */
const UNREACHABLE: ReadonlySet<number> = new Set([
  WSAECONNRESET,
  WSAENETRESET,
  WSAECONNREFUSED,
  ERROR_PORT_UNREACHABLE,
]);

/** Errors of earlier datagrams that one attempt passes over. ICMP may bring them without end. */
const ERRORS_PER_ATTEMPT = 8;

/**
 * Datagrams: a zero-byte receive that only peeks waits until there is one, and non-blocking calls then take what has
 * come. The request in the kernel takes no datagram with it, so that no cancel can lose one (libuv reads like this,
 * uv__udp_queue_recv).
 */
export class Datagrams {
  readonly #shared: Shared;

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  create(capacity: number, datagramBytes: number): DatagramBatch {
    check('capacity', capacity, MAX_BATCH_CAPACITY);
    check('datagramBytes', datagramBytes, MAX_DATAGRAM_BYTES);
    return new WinsockDatagramBatch(capacity, datagramBytes);
  }

  startReceive(socket: PortSocket, operation: Operation): boolean {
    if (this.#shared.mayTry) {
      if (this.#receive(socket, operation)) {
        this.#shared.spend();
        return true;
      }
    } else this.#shared.postpone(socket);
    socket.recvOperation = operation;
    return false;
  }

  startSend(socket: PortSocket, operation: Operation): boolean {
    operation.bytesTransferred = 0;
    if (this.#shared.mayTry) {
      if (this.#send(socket, operation)) {
        this.#shared.spend();
        return true;
      }
    } else this.#shared.postpone(socket);
    socket.sendOperation = operation;
    return false;
  }

  /** The peeking receive has ended. */
  readable(socket: PortSocket, error: number): void {
    socket.receiveSlot = NO_SLOT;
    if (isCancelled(error)) {
      if (socket.closing) return;
    } else {
      socket.mayReceive = true;
      // "Message too long" says that there is a datagram, and it is longer than nothing.
      if (error !== 0 && error !== WSAEMSGSIZE) this.#peeked(socket, error);
    }
    this.goOnReceiving(socket);
  }

  /** An overlapped send has ended. */
  sent(socket: PortSocket, error: number): void {
    socket.sendSlot = NO_SLOT;
    const operation = socket.sendOperation;
    if (operation === null) throw new Error('A datagram was sent that nobody started');
    if (error === 0) operation.bytesTransferred++;
    else if (!isCancelled(error) && !this.#passOver(socket, operation, error)) {
      operation.failed(error);
      return this.#shared.completeSend(socket, operation);
    }
    const left = (operation.batch?.count ?? 0) - operation.bytesTransferred;
    if (left > 0 && operation.state !== 'cancelling') return this.goOnSending(socket);
    if (left > 0) operation.cancelled();
    else operation.done(operation.bytesTransferred);
    this.#shared.completeSend(socket, operation);
  }

  /**
   * Has the kernel watch a connected socket whether or not somebody receives: Winsock tells of an unreachable peer
   * only by a receive, and a send wants to know, too.
   */
  listen(socket: PortSocket): void {
    if (!socket.connected || socket.pendingError !== 0) return;
    if (socket.receiveSlot !== NO_SLOT || socket.closing) return;
    // The error that was told lies in the kernel still, before those that are to come. Nobody may ever receive.
    if (socket.peekedError !== 0 && this.#shared.winsock.takeError(socket.descriptor, socket.peekedError)) {
      socket.peekedError = 0;
      socket.mayReceive = false;
    }
    if (socket.mayReceive) return;
    // No operation is behind this request, so that nobody else has the port watched for it.
    if (this.#watch(socket)) this.#shared.events.flushWanted();
  }

  goOnReceiving(socket: PortSocket): void {
    const operation = socket.recvOperation;
    if (operation !== null && this.#receive(socket, operation)) this.#shared.completeRecv(socket, operation);
  }

  goOnSending(socket: PortSocket): void {
    const operation = socket.sendOperation;
    if (operation === null || socket.sendSlot !== NO_SLOT) return;
    if (this.#send(socket, operation)) this.#shared.completeSend(socket, operation);
  }

  cancel(socket: PortSocket, operation: Operation): void {
    if (operation === socket.sendOperation && socket.sendSlot !== NO_SLOT) {
      this.#shared.requests.cancel(socket, socket.sendSlot);
    } else this.#shared.cancelsToSettle.push(operation);
  }

  settleCancel(socket: PortSocket, operation: Operation): void {
    if (socket.recvOperation === operation) {
      // See Receiver.settleCancel.
      const done = operation.cancelReason === 'timeout' && this.#take(socket, operation);
      if (!done) operation.cancelled();
      this.#shared.completeRecv(socket, operation);
    } else if (socket.sendOperation === operation && socket.sendSlot === NO_SLOT) {
      operation.cancelled();
      this.#shared.completeSend(socket, operation);
    }
  }

  /** Receives what is there, or has the kernel wait for it. */
  #receive(socket: PortSocket, operation: Operation): boolean {
    const ahead = operation.batch !== null && datagramsAhead(operation.batch) > 0;
    if (ahead) return this.#take(socket, operation);
    for (let round = 0; round < ERRORS_PER_ATTEMPT; round++) {
      const hopeful = socket.mayReceive || socket.arrivesEarly || socket.pendingError !== 0;
      if (hopeful && this.#take(socket, operation)) return true;
      if (socket.receiveSlot !== NO_SLOT || socket.closing) return false;
      if (this.#watch(socket)) return false;
    }
    this.#shared.postpone(socket);
    return false;
  }

  /** Begins the peeking receive. True: it waits. False: there is something to be received or heard. */
  #watch(socket: PortSocket): boolean {
    const result = this.#shared.requests.awaitReadable(socket, REQUEST_RECEIVE);
    if (result === PENDING) return true;
    socket.mayReceive = true;
    socket.arrivesEarly = true;
    if (result < 0 && result !== -WSAEMSGSIZE) this.#peeked(socket, -result);
    return false;
  }

  /**
   * A peeking receive has brought an error. Windows leaves it where it is, for a receive that takes it (libuv's comment
   * in uv__process_udp_recv_req); Wine does not. It is told once.
   */
  #peeked(socket: PortSocket, error: number): void {
    socket.pendingError = error;
    socket.peekedError = error;
  }

  /** Receives what is there. True: the operation has ended. False: nothing has arrived. */
  #take(socket: PortSocket, operation: Operation): boolean {
    const { batch } = operation;
    if (!(batch instanceof WinsockDatagramBatch) || batch.released) return operation.failed(WSAEINVAL);
    const ahead = batch.takeAhead();
    if (ahead > 0) return operation.done(ahead);
    if (this.#failedBefore(socket, operation)) return true;
    const { winsock } = this.#shared;
    batch.clear();
    for (let errors = 0; !batch.isFull && errors < ERRORS_PER_ATTEMPT; ) {
      const result = batch.receiveNext(winsock, socket.descriptor);
      const toldAlready = result < 0 && -result === socket.peekedError;
      socket.peekedError = 0;
      if (result >= 0 || toldAlready) continue;
      if (result === -WSAEWOULDBLOCK) {
        socket.mayReceive = false;
        if (batch.count === 0) socket.arrivesEarly = false;
        break;
      }
      errors++;
      if (batch.count > 0) {
        // It is about another datagram than those that are here: the next receive hears of it.
        socket.pendingError = -result;
        break;
      }
      if (!UNREACHABLE.has(-result)) return operation.failed(-result);
      if (socket.connected) return operation.failed(WSAECONNREFUSED);
    }
    return batch.count > 0 && operation.done(batch.count);
  }

  /** Sends what there is room for. True: the operation has ended. False: it goes on later. */
  #send(socket: PortSocket, operation: Operation): boolean {
    const { batch } = operation;
    if (batch === null) return operation.failed(WSAEFAULT);
    if (!(batch instanceof WinsockDatagramBatch) || batch.released) return operation.failed(WSAEINVAL);
    // There is no queue of errors to be read here.
    if (batch.readsErrors) return operation.done(batch.count);
    if (operation.bytesTransferred === 0) batch.refused = 0;
    if (this.#failedBefore(socket, operation)) return true;
    this.listen(socket);
    const { winsock, requests } = this.#shared;
    for (let errors = 0; operation.bytesTransferred < batch.count; ) {
      let sent = batch.send(winsock, socket.descriptor, operation.bytesTransferred);
      if (isFull(-sent)) {
        sent = batch.submit(requests, socket, REQUEST_SEND, operation.bytesTransferred);
        if (sent === PENDING) return false;
      }
      const before = operation.bytesTransferred;
      if (sent >= 0) operation.bytesTransferred++;
      else if (
        !this.#passOver(socket, operation, -sent) ||
        (operation.bytesTransferred === before && ++errors > ERRORS_PER_ATTEMPT)
      ) {
        return operation.failed(UNREACHABLE.has(-sent) ? WSAECONNREFUSED : -sent);
      }
    }
    return operation.done(operation.bytesTransferred);
  }

  /** Whether a send that was refused is to be left out; books it. */
  #passOver(socket: PortSocket, operation: Operation, error: number): boolean {
    const { batch } = operation;
    if (!(batch instanceof WinsockDatagramBatch)) return false;
    // About an earlier datagram: it has been heard, and this one may go.
    if (UNREACHABLE.has(error) && !socket.connected) return true;
    if (!batch.skipsRefused) return false;
    if (batch.refused++ === 0) batch.refusal = error;
    operation.bytesTransferred++;
    return true;
  }

  /** Fails an operation of a connected socket with what is known of its peer; forgets errors that are nobody's. */
  #failedBefore(socket: PortSocket, operation: Operation): boolean {
    const error = socket.pendingError;
    if (error === 0) return false;
    socket.pendingError = 0;
    if (UNREACHABLE.has(error)) return socket.connected && operation.failed(WSAECONNREFUSED);
    return operation.failed(error);
  }
}

function check(name: string, value: number, maximum: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= maximum) return;
  throw new OutOfRangeError(`${name} must be an integer from 1 to ${maximum}, not ${value}`);
}
