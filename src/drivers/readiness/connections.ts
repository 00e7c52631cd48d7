import type { Operation } from '../../port/operation.js';
import { MAYBE_READY, NOT_READY, type ReadySocket } from './ready-socket.js';
import type { Waits } from './waits.js';

/** Dead connections that one attempt passes over before the other sockets have their turn. */
const CALLS_PER_ATTEMPT = 64;

/** Makes the driver's state for an accepted descriptor. */
export type AdoptDescriptor = (descriptor: number, listener: ReadySocket) => ReadySocket;

/** Accepting and connecting. */
export class Connections {
  readonly #waits: Waits;
  readonly #adopt: AdoptDescriptor;

  constructor(waits: Waits, adopt: AdoptDescriptor) {
    this.#waits = waits;
    this.#adopt = adopt;
  }

  /** Accepts a connection. True: the operation has ended. False: there is none. */
  attemptAccept(socket: ReadySocket, operation: Operation): boolean {
    const { stack, numbers } = this.#waits;
    for (let call = 0; call < CALLS_PER_ATTEMPT; call++) {
      const accepted = stack.accept(socket.descriptor);
      if (accepted >= 0) {
        operation.accepted = this.#adopt(accepted, socket);
        return operation.done(0);
      }
      if (accepted === -stack.again) {
        socket.readable = NOT_READY;
        return false;
      }
      // EMFILE and its like are this operation's. The connection stays in the backlog and raises no edge again, so
      // the next accept must try: what is believed of the listener stays.
      if (accepted !== -stack.interrupted && !numbers.acceptAgain.has(-accepted)) return operation.failed(-accepted);
    }
    this.#waits.postpone(socket);
    return false;
  }

  /** Begins to connect. True: the operation has ended already. */
  connect(socket: ReadySocket, operation: Operation): boolean {
    const { stack, numbers } = this.#waits;
    if (operation.address === null) return operation.failed(numbers.fault);
    let result = stack.connect(socket.descriptor, operation.address);
    while (result === -stack.interrupted) result = stack.connect(socket.descriptor, operation.address);
    if (result >= 0) return this.#connected(socket, operation);
    // After an interrupted connect the connection goes on being made (connect(2), EINTR).
    if (result !== -stack.inProgress && result !== -numbers.alreadyConnecting) return operation.failed(-result);
    socket.writable = false;
    socket.ending = false;
    return false;
  }

  /** Something was reported of a socket that is connecting. True: the operation has ended. */
  attemptConnect(socket: ReadySocket, operation: Operation): boolean {
    const { stack, numbers } = this.#waits;
    const failed = stack.takeError(socket.descriptor);
    if (failed !== 0) return operation.failed(Math.abs(failed));
    if (stack.remoteAddress(socket.descriptor) !== null) return this.#connected(socket, operation);
    // No error and no peer: a false alarm (select(2), "BUGS"), or a shutdown has ended the attempt.
    if (socket.ending) return operation.failed(numbers.connectionAborted);
    socket.writable = false;
    return false;
  }

  #connected(socket: ReadySocket, operation: Operation): true {
    socket.readable = MAYBE_READY;
    socket.writable = true;
    return operation.done(0);
  }
}
