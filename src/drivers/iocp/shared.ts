import type { DriverEvents } from '../../port/driver.js';
import type { Operation } from '../../port/operation.js';
import type { CompletionPort } from './completion-port.js';
import type { LentBuffers } from './lent-buffers.js';
import type { PortSocket } from './port-socket.js';
import type { Requests } from './requests.js';
import { Slabs } from './slabs.js';
import type { Winsock } from './winsock.js';

/**
 * Operations that may end without waiting in one turn of the event loop. A loop of them over a fast peer would
 * otherwise run in microtasks for ever, and with it every timer and every other socket would wait.
 */
const IMMEDIATE_PER_TURN = 64;

/** What the parts of the driver share. */
export class Shared {
  readonly winsock: Winsock;
  readonly port: CompletionPort;
  readonly requests: Requests;
  readonly buffers: LentBuffers;
  readonly slabs = new Slabs();
  readonly events: DriverEvents;
  /** Operations to be ended once the completions that are on their way have been looked at. */
  readonly cancelsToSettle: Operation[] = [];
  #immediateLeft = IMMEDIATE_PER_TURN;
  #postponed: PortSocket[] = [];
  readonly #nextTurn: () => void;

  /** `nextTurn` is called in a turn of its own when sockets were postponed. */
  constructor(
    winsock: Winsock,
    port: CompletionPort,
    requests: Requests,
    buffers: LentBuffers,
    events: DriverEvents,
    nextTurn: () => void,
  ) {
    this.winsock = winsock;
    this.port = port;
    this.requests = requests;
    this.buffers = buffers;
    this.events = events;
    this.#nextTurn = nextTurn;
  }

  /** Whether an operation may still end without waiting in this turn. */
  get mayTry(): boolean {
    return this.#immediateLeft > 0;
  }

  spend(): void {
    this.#immediateLeft--;
  }

  startTurn(): void {
    this.#immediateLeft = IMMEDIATE_PER_TURN;
  }

  /** The operations of the socket go on in the next turn of the event loop. */
  postpone(socket: PortSocket): void {
    if (socket.postponed) return;
    socket.postponed = true;
    this.#postponed.push(socket);
    if (this.#postponed.length === 1) setImmediate(this.#nextTurn);
  }

  takePostponed(): PortSocket[] {
    const sockets = this.#postponed;
    this.#postponed = [];
    for (const socket of sockets) socket.postponed = false;
    return sockets;
  }

  completeRecv(socket: PortSocket, operation: Operation): void {
    socket.recvOperation = null;
    this.events.completed(operation);
  }

  completeSend(socket: PortSocket, operation: Operation): void {
    socket.sendOperation = null;
    this.events.completed(operation);
  }
}
