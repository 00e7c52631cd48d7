import type { Notifier } from '../../bsd/notifier.js';
import type { BsdStack } from '../../bsd/stack.js';
import type { Operation } from '../../port/operation.js';
import { NativeErrors } from './native-errors.js';
import type { ReadySocket } from './ready-socket.js';

/**
 * What `start` may spend in one turn of the host's event loop on operations that end at once: a few milliseconds. A peer
 * that always has more would otherwise keep a loop of receives going in microtasks for ever, and with it every timer
 * and every other socket.
 */
const COST_PER_TURN = 4096;

/** A call costs 1, about a microsecond; copying these many bytes costs another, and so does each datagram of a batch. */
const BYTES_OF_ONE_COST_SHIFT = 12;

/** What the parts of the driver share: the stack, and whatever an operation waits for. */
export class Waits {
  readonly stack: BsdStack;
  readonly notifier: Notifier;
  readonly numbers: NativeErrors;
  /** Operations to be ended once the notifier has been asked for what has arrived by then. */
  readonly cancelsToSettle: Operation[] = [];
  #postponed: ReadySocket[] = [];
  #costLeft = COST_PER_TURN;
  #immediate: NodeJS.Immediate | null = null;
  readonly #nextTurn: () => void;

  /** `nextTurn` is called in the next turn of the host's event loop when a socket has been postponed. */
  constructor(stack: BsdStack, notifier: Notifier, nextTurn: () => void) {
    this.stack = stack;
    this.notifier = notifier;
    this.numbers = new NativeErrors(stack.errors);
    this.#nextTurn = () => {
      this.#immediate = null;
      nextTurn();
    };
  }

  /** Waits for a report. Returns 0, or the error number where the notifier cannot take another socket. */
  forReadable(socket: ReadySocket): number {
    const failed = socket.registered ? 0 : this.#register(socket);
    if (failed === 0 && !this.notifier.edgeTriggered) this.notifier.want(socket.descriptor, true, false);
    return failed;
  }

  forWritable(socket: ReadySocket): number {
    const failed = socket.registered ? 0 : this.#register(socket);
    if (failed === 0 && !this.notifier.edgeTriggered) this.notifier.want(socket.descriptor, false, true);
    return failed;
  }

  forget(socket: ReadySocket): void {
    if (!socket.registered) return;
    socket.registered = false;
    this.notifier.remove(socket.descriptor);
  }

  /** Whether `start` may still try a call in this turn. */
  get mayTry(): boolean {
    return this.#costLeft > 0;
  }

  /** Books an operation that `start` has ended. */
  spend(operation: Operation): void {
    const { kind, bytesTransferred } = operation;
    const datagrams = kind === 'recvBatch' || kind === 'sendBatch';
    this.#costLeft -= 1 + (datagrams ? bytesTransferred : bytesTransferred >>> BYTES_OF_ONE_COST_SHIFT);
  }

  startTurn(): void {
    this.#costLeft = COST_PER_TURN;
  }

  /** Lets the socket's operations go on in the next turn; what is believed of the socket stays. */
  postpone(socket: ReadySocket): void {
    if (!socket.postponed) {
      socket.postponed = true;
      this.#postponed.push(socket);
    }
    this.#immediate ??= setImmediate(this.#nextTurn);
  }

  takePostponed(): readonly ReadySocket[] {
    const sockets = this.#postponed;
    this.#postponed = [];
    for (const socket of sockets) socket.postponed = false;
    return sockets;
  }

  close(): void {
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    this.notifier.close();
  }

  #register(socket: ReadySocket): number {
    const failed = this.notifier.add(socket.descriptor, socket.index, socket.generation);
    socket.registered = failed === 0;
    return failed;
  }
}
