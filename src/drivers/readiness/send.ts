import { gather, sendLength } from '../../port/gather.js';
import type { Operation } from '../../port/operation.js';
import type { LentBuffers } from './lent-buffers.js';
import type { ReadySocket } from './ready-socket.js';
import type { Waits } from './waits.js';

/** Bytes of a gathering send that one call takes. */
const SCRATCH_BYTES = 65536;

/** Calls for one send before the other sockets have their turn: its peer may empty the buffer as fast as we fill it. */
const CALLS_PER_ATTEMPT = 16;

/**
 * Sending, from where the bytes lie: the stack has copied them when its call returns. What it had no room for waits
 * until it has.
 */
export class Sender {
  readonly #waits: Waits;
  readonly #buffers: LentBuffers;
  #scratch: Uint8Array | null = null;

  constructor(waits: Waits, buffers: LentBuffers) {
    this.#waits = waits;
    this.#buffers = buffers;
  }

  prepare(socket: ReadySocket, operation: Operation): void {
    operation.bytesTransferred = 0;
    socket.sendBytes = sendLength(operation);
  }

  /** Keeps a lent buffer for as long as its send waits. */
  retain(socket: ReadySocket, operation: Operation): void {
    if (operation.lentBuffer === -1 || socket.sendLent !== -1) return;
    this.#buffers.retain(operation.lentBuffer);
    socket.sendLent = operation.lentBuffer;
  }

  release(socket: ReadySocket): void {
    if (socket.sendLent === -1) return;
    this.#buffers.release(socket.sendLent);
    socket.sendLent = -1;
  }

  /** Sends what the stack has room for. True: the operation has ended. False: it goes on later. */
  attempt(socket: ReadySocket, operation: Operation): boolean {
    const { stack, numbers } = this.#waits;
    for (let call = 0; call < CALLS_PER_ATTEMPT; call++) {
      const left = socket.sendBytes - operation.bytesTransferred;
      if (left === 0) return operation.done(socket.sendBytes);
      const sent = this.#send(socket, operation, operation.bytesTransferred, left);
      if (sent > 0) operation.bytesTransferred += sent;
      // The caller has detached the buffer in the meantime.
      else if (sent === 0) return operation.failed(numbers.fault);
      else if (sent === -stack.again) {
        socket.writable = false;
        return false;
      } else if (sent !== -stack.interrupted) return operation.failed(this.#errorOf(socket, -sent));
    }
    if (operation.bytesTransferred === socket.sendBytes) return operation.done(socket.sendBytes);
    this.#waits.postpone(socket);
    return false;
  }

  #send(socket: ReadySocket, operation: Operation, from: number, left: number): number {
    const { stack } = this.#waits;
    const { buffer, lentBuffer } = operation;
    if (buffer !== null) {
      if (from === 0) return stack.send(socket.descriptor, buffer, Math.min(left, buffer.length));
      // `subarray` throws where the buffer has been detached.
      if (buffer.length <= from) return 0;
      const rest = buffer.subarray(from, from + left);
      return stack.send(socket.descriptor, rest, rest.length);
    }
    if (lentBuffer !== -1 && this.#buffers.isMapped(lentBuffer)) {
      const address = this.#buffers.address(lentBuffer, operation.lentOffset + from);
      return stack.sendAt(socket.descriptor, address, left);
    }
    if (lentBuffer !== -1) {
      return stack.send(socket.descriptor, this.#buffers.bytes(lentBuffer, operation.lentOffset + from, left), left);
    }
    this.#scratch ??= new Uint8Array(SCRATCH_BYTES);
    const length = gather(operation, from, this.#scratch, 0, Math.min(left, SCRATCH_BYTES));
    return length === 0 ? 0 : stack.send(socket.descriptor, this.#scratch, length);
  }

  // The stack tells of a reset once, to whoever asks first. If another call was told, a send hears a broken pipe, or in
  // lwIP that there is no connection (lwip_netconn_do_write: ERR_CONN); it is a reset all the same.
  #errorOf(socket: ReadySocket, error: number): number {
    const { connectionReset, brokenPipe, notConnected } = this.#waits.numbers;
    if (error === connectionReset) socket.wasReset = true;
    return socket.wasReset && (error === brokenPipe || error === notConnected) ? connectionReset : error;
  }
}
