import { WSAECONNABORTED, WSAECONNRESET, WSAEFAULT, WSAESHUTDOWN } from '../../../native-bindings/windows/winerror.js';
import { gather, sendLength } from '../../port/gather.js';
import type { Operation } from '../../port/operation.js';
import { isCancelled, isFull, isReset } from './errors.js';
import { NO_SLOT, type PortSocket, REQUEST_SEND } from './port-socket.js';
import { PENDING } from './requests.js';
import type { Shared } from './shared.js';
import { Slabs } from './slabs.js';

/** Bytes that one call is offered. Winsock takes all of them as soon as it has room for one, however many they are. */
const CALL_BYTES = 1 << 18;
/** Bytes of a gathering send that one call takes. */
const SCRATCH_BYTES = 65536;
/** Calls for one send before the other sockets have their turn: its peer may empty the buffer as fast as we fill it. */
const CALLS_PER_ATTEMPT = 16;

/**
 * Sending: non-blocking calls hand over what there is room for, straight from where the bytes lie and exactly counted.
 * What there is no room for waits in the kernel: a stretch of it is staged in our own memory and given to an overlapped
 * WSASend, whose completion says that there is room again.
 *
 * Of a WSASend that was cancelled nobody knows how many bytes went (CancelIoEx: "the operation may have completed"),
 * so the sending side fails from then on, unless its completion says that it had ended well. For that reason a stretch
 * is staged at the end of the host's callback only: what is cancelled before then is exact.
 */
export class Sender {
  readonly #shared: Shared;
  #scratch: Uint8Array | null = null;
  /** Sockets whose send is to be given to the kernel at the next flush; those that find no slab wait on. */
  #toStage: PortSocket[] = [];

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  /** True: the operation has ended. False: it is the socket's, and ends later. */
  start(socket: PortSocket, operation: Operation): boolean {
    operation.bytesTransferred = 0;
    socket.sendBytes = sendLength(operation);
    if (socket.sendFailed) return operation.failed(WSAESHUTDOWN);
    if (this.#shared.mayTry) {
      if (this.#attempt(socket, operation)) {
        this.#shared.spend();
        return true;
      }
    } else this.#shared.postpone(socket);
    socket.sendOperation = operation;
    if (operation.lentBuffer !== -1) {
      this.#shared.buffers.retain(operation.lentBuffer);
      socket.sendLent = operation.lentBuffer;
    }
    return false;
  }

  /** An overlapped send has ended. */
  sent(socket: PortSocket, error: number, bytes: number): void {
    socket.sendSlot = NO_SLOT;
    this.#giveSlab(socket);
    const operation = socket.sendOperation;
    if (operation === null) throw new Error('A send completed that nobody started');
    if (error === 0 || isCancelled(error)) operation.bytesTransferred += bytes;
    const left = socket.sendBytes - operation.bytesTransferred;
    if (left === 0) operation.done(socket.sendBytes);
    else if (error === 0) {
      if (operation.state !== 'cancelling') return this.goOn(socket);
      operation.cancelled();
    } else if (isCancelled(error)) {
      socket.sendFailed = true;
      operation.cancelled();
    } else operation.failed(this.#errorOf(socket, error));
    this.#end(socket, operation);
  }

  /** Tries the operation that waits, unless the kernel has it. */
  goOn(socket: PortSocket): void {
    const operation = socket.sendOperation;
    if (operation === null || socket.sendSlot !== NO_SLOT) return;
    if (this.#attempt(socket, operation)) this.#end(socket, operation);
  }

  cancel(socket: PortSocket, operation: Operation): void {
    if (socket.sendSlot !== NO_SLOT) this.#shared.requests.cancel(socket, socket.sendSlot);
    else this.#shared.cancelsToSettle.push(operation);
  }

  /** Ends a cancelled send that the kernel does not have. */
  settleCancel(socket: PortSocket, operation: Operation): void {
    if (socket.sendOperation !== operation || socket.sendSlot !== NO_SLOT) return;
    operation.cancelled();
    this.#end(socket, operation);
  }

  /** Gives the kernel what could not be handed over. */
  stage(): void {
    if (this.#toStage.length === 0) return;
    const sockets = this.#toStage;
    this.#toStage = [];
    for (const socket of sockets) {
      const operation = socket.sendOperation;
      if (operation === null || socket.sendSlot !== NO_SLOT) continue;
      if (this.#submit(socket, operation)) this.#end(socket, operation);
    }
  }

  /** Sends what there is room for. True: the operation has ended. False: it goes on later. */
  #attempt(socket: PortSocket, operation: Operation): boolean {
    for (let call = 0; call < CALLS_PER_ATTEMPT; call++) {
      const left = socket.sendBytes - operation.bytesTransferred;
      if (left === 0) return operation.done(socket.sendBytes);
      const sent = this.#send(socket, operation, operation.bytesTransferred, Math.min(left, CALL_BYTES));
      if (sent > 0) operation.bytesTransferred += sent;
      else if (isFull(-sent)) {
        this.#toStage.push(socket);
        this.#shared.events.flushWanted();
        return false;
        // The caller has detached the buffer in the meantime.
      } else if (sent === 0) return operation.failed(WSAEFAULT);
      else return operation.failed(this.#errorOf(socket, -sent));
    }
    if (operation.bytesTransferred === socket.sendBytes) return operation.done(socket.sendBytes);
    this.#shared.postpone(socket);
    return false;
  }

  #send(socket: PortSocket, operation: Operation, from: number, length: number): number {
    const { winsock, buffers } = this.#shared;
    const { buffer, lentBuffer } = operation;
    if (buffer !== null) {
      // Detached: it has no bytes any more.
      if (buffer.length === 0) return 0;
      const rest = from === 0 ? buffer : buffer.subarray(from, from + length);
      return winsock.send(socket.descriptor, rest, Math.min(length, rest.length));
    }
    if (lentBuffer !== -1 && buffers.isMapped(lentBuffer)) {
      return winsock.sendAt(socket.descriptor, buffers.address(lentBuffer, operation.lentOffset + from), length);
    }
    if (lentBuffer !== -1) {
      return winsock.send(socket.descriptor, buffers.bytes(lentBuffer, operation.lentOffset + from, length), length);
    }
    this.#scratch ??= new Uint8Array(SCRATCH_BYTES);
    const gathered = gather(operation, from, this.#scratch, 0, Math.min(length, SCRATCH_BYTES));
    return gathered === 0 ? 0 : winsock.send(socket.descriptor, this.#scratch, gathered);
  }

  /** Stages the next stretch. True: the operation has ended. */
  #submit(socket: PortSocket, operation: Operation): boolean {
    const { slabs, requests } = this.#shared;
    const slab = slabs.takeLarge();
    if (slab === -1) {
      // All slabs are on their way: each completion is followed by a flush, which comes here again.
      this.#toStage.push(socket);
      return false;
    }
    const memory = slabs.memoryOf(slab);
    const wanted = Math.min(socket.sendBytes - operation.bytesTransferred, Slabs.largest);
    const length = this.#copy(operation, memory.u8, slabs.offsetOf(slab), wanted);
    if (length === 0) {
      slabs.give(slab);
      return operation.failed(WSAEFAULT);
    }
    socket.sendSlab = slab;
    const result = requests.send(socket, REQUEST_SEND, slabs.address(slab), length);
    if (result === PENDING) return false;
    this.#giveSlab(socket);
    if (result < 0) return operation.failed(this.#errorOf(socket, -result));
    operation.bytesTransferred += result;
    return this.#attempt(socket, operation);
  }

  #copy(operation: Operation, target: Uint8Array, at: number, length: number): number {
    if (operation.lentBuffer === -1) return gather(operation, operation.bytesTransferred, target, at, length);
    const from = operation.lentOffset + operation.bytesTransferred;
    target.set(this.#shared.buffers.bytes(operation.lentBuffer, from, length), at);
    return length;
  }

  #giveSlab(socket: PortSocket): void {
    this.#shared.slabs.give(socket.sendSlab);
    socket.sendSlab = -1;
  }

  #end(socket: PortSocket, operation: Operation): void {
    if (socket.sendLent !== -1) this.#shared.buffers.release(socket.sendLent);
    socket.sendLent = -1;
    this.#shared.completeSend(socket, operation);
  }

  // A reset is told to whoever asks first; whoever asks second is told that the connection is gone. It is a reset all
  // the same.
  #errorOf(socket: PortSocket, error: number): number {
    if (isReset(error)) socket.wasReset = true;
    const second = error === WSAECONNABORTED || (error === WSAESHUTDOWN && !socket.shutSend);
    return second && socket.wasReset ? WSAECONNRESET : error;
  }
}
