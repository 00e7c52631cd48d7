import { operationError } from '../port/errors.js';
import type { Operation, OperationObserver } from '../port/operation.js';
import { checkIterable, checkOptions, checkSendBuffer, checkTimeout, type OperationOptions } from './arguments.js';
import { sendObserved, type TcpSocket } from './tcp-socket.js';

export interface BroadcastFailure {
  readonly socket: TcpSocket;
  readonly error: Error;
}

export interface BroadcastResult {
  /** Sockets that all the bytes went to. */
  readonly delivered: number;
  readonly failures: readonly BroadcastFailure[];
}

/** Counts the sends of one broadcast. */
class Broadcast implements OperationObserver {
  readonly failures: BroadcastFailure[] = [];
  delivered = 0;
  pending = 1;
  readonly #resolve: (result: BroadcastResult) => void;

  constructor(resolve: (result: BroadcastResult) => void) {
    this.#resolve = resolve;
  }

  operationSettled(operation: Operation): void {
    if (operation.outcome === 'done') this.delivered++;
    else {
      const socket = operation.context as TcpSocket;
      this.failures.push({ socket, error: operationError(socket.proactor.driver, operation) });
    }
    this.ended();
  }

  nothingSent(): void {
    this.delivered++;
    this.ended();
  }

  ended(): void {
    this.pending--;
    if (this.pending === 0) this.#resolve({ delivered: this.delivered, failures: this.failures });
  }
}

/**
 * Sends the same bytes to many sockets: a game server's tick. One promise for all of them, and no error of one socket
 * keeps the others from theirs. `data` must not change until it resolves; it never rejects for a socket's reasons.
 * `timeoutMs` is for each send; absent, each socket's own default. Throws TypeError and RangeError for bad arguments.
 */
export function broadcast(
  sockets: Iterable<TcpSocket>,
  data: Uint8Array,
  options: Pick<OperationOptions, 'timeoutMs'> = {},
): Promise<BroadcastResult> {
  return new Promise((resolve) => {
    checkSendBuffer(data);
    checkTimeout(checkOptions(options).timeoutMs, 0);
    checkIterable('sockets', sockets);
    const all = new Broadcast(resolve);
    for (const socket of sockets) {
      all.pending++;
      try {
        // Nothing to send is delivered at once.
        if (!socket[sendObserved](data, options.timeoutMs, all)) all.nothingSent();
      } catch (error) {
        all.failures.push({ socket, error: error as Error });
        all.ended();
      }
    }
    all.ended();
  });
}
