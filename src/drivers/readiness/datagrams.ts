import { datagramsAhead } from '../../port/datagram-features.js';
import type { Operation } from '../../port/operation.js';
import { MAYBE_READY, NOT_READY, type ReadySocket } from './ready-socket.js';
import type { Waits } from './waits.js';

/** Calls for one batch before the other sockets have their turn. */
const CALLS_PER_ATTEMPT = 16;

/** Datagrams: a whole batch crosses in one call where the stack has one for it. */
export class Datagrams {
  readonly #waits: Waits;

  constructor(waits: Waits) {
    this.#waits = waits;
  }

  /** Receives what is there. True: the operation has ended. False: nothing has arrived. */
  attemptReceive(socket: ReadySocket, operation: Operation): boolean {
    const { stack, numbers } = this.#waits;
    const { batch } = operation;
    if (batch === null) return operation.failed(numbers.fault);
    const ahead = datagramsAhead(batch) > 0;
    let received = stack.recvBatch(socket.descriptor, batch);
    while (received === -stack.interrupted) received = stack.recvBatch(socket.descriptor, batch);
    if (received === -stack.again) {
      socket.readable = NOT_READY;
      return false;
    }
    // A batch that was not filled has emptied the queue. One that is filled from what is ahead says nothing of it.
    if (!ahead) socket.readable = received >= 0 && received < batch.capacity ? NOT_READY : MAYBE_READY;
    return received >= 0 ? operation.done(received) : operation.failed(-received);
  }

  /** Sends what the stack has room for. True: the operation has ended. False: it goes on later. */
  attemptSend(socket: ReadySocket, operation: Operation): boolean {
    const { stack, numbers } = this.#waits;
    const { batch } = operation;
    if (batch === null) return operation.failed(numbers.fault);
    for (let call = 0; call < CALLS_PER_ATTEMPT; call++) {
      if (operation.bytesTransferred >= batch.count) break;
      const sent = stack.sendBatch(socket.descriptor, batch, operation.bytesTransferred);
      if (sent >= 0) operation.bytesTransferred += sent;
      else if (sent === -stack.again) {
        socket.writable = false;
        return false;
      } else if (sent !== -stack.interrupted) return operation.failed(-sent);
    }
    if (operation.bytesTransferred >= batch.count) return operation.done(operation.bytesTransferred);
    this.#waits.postpone(socket);
    return false;
  }
}
