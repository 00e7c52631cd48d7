import type { SocketAddress } from './address.js';
import type { DatagramBatch } from './datagrams.js';
import type { DriverSocket } from './driver.js';

/** What an operation asks for. The verbs are the field's. */
export type OperationKind = 'accept' | 'connect' | 'recv' | 'send' | 'recvBatch' | 'sendBatch';

/**
 * Where an operation stands. `queued` waits in the library behind an earlier one of its direction; `started` belongs
 * to the driver; `cancelling` still does, and its cancel has been requested.
 */
export type OperationState = 'free' | 'queued' | 'started' | 'cancelling';

/** How an operation ended. Each operation ends once. `refused`: too many were waiting, and it was never started. */
export type Outcome = 'done' | 'failed' | 'cancelled' | 'refused';

/** Why a cancel was requested; decides what a cancelled operation's error says. */
export type CancelReason = 'none' | 'timeout' | 'signal' | 'close';

/** Whoever started an operation takes it back when it has ended. Runs no user code. */
export interface OperationOwner {
  operationEnded(operation: Operation): void;
  /** The operation's deadline has passed; it has not ended yet. */
  deadlinePassed(operation: Operation): void;
}

/** Library code that follows operations without a promise for each. Runs no user code. */
export interface OperationObserver {
  /** The operation has ended; its result is in it until this returns. */
  operationSettled(operation: Operation): void;
}

/** What few operations have. Apart, because a server holds one operation for each of its idle connections. */
class RareFields {
  buffers: readonly Uint8Array[] | null = null;
  address: SocketAddress | null = null;
  batch: DatagramBatch | null = null;
  accepted: DriverSocket | null = null;
  signal: AbortSignal | null = null;
}

/**
 * One operation: its arguments, then its result. Reused through the proactor's table: `generation` grows at each
 * release, so that a completion which names an old one is recognised (SEMANTICS 8).
 */
export class Operation {
  readonly slot: number;
  generation = 0;
  state: OperationState = 'free';
  cancelReason: CancelReason = 'none';
  kind: OperationKind = 'recv';
  socket: DriverSocket | null = null;
  owner: OperationOwner | null = null;
  /** The next one in its direction's queue, or in the table's free list. */
  next: Operation | null = null;

  /** recv: where bytes go; null lends a buffer of the driver's. send: the bytes; null sends from a lent buffer. */
  buffer: Uint8Array | null = null;
  /** recv: the operation only waits until something can be received and takes no bytes. */
  waitOnly = false;
  /** recv: much is expected, so the bytes stay in the kernel until they are taken, in one piece. A hint. */
  large = false;
  /** The lent buffer that a recv got or a send sends from, and where in it the bytes are. -1: none. */
  lentBuffer = -1;
  lentOffset = 0;
  lentLength = 0;

  outcome: Outcome = 'done';
  /** Bytes moved; datagrams for the batches. Exact also where the outcome is not `done`. */
  bytesTransferred = 0;
  /** The platform's own error number where the outcome is `failed`. */
  nativeError = 0;

  /** Makes the promise's value of a well-ended operation; `context` is for it alone. */
  convert: ((operation: Operation) => unknown) | null = null;
  context: unknown = null;
  /** When the deadline passes the promise fails, but the operation itself stays pending. */
  leavePending = false;
  /** Told of the end instead of a promise. */
  observer: OperationObserver | null = null;
  /** The promise's two ends; null once it is settled. */
  resolve: ((value: unknown) => void) | null = null;
  reject: ((error: Error) => void) | null = null;
  #rare: RareFields | null = null;

  constructor(slot: number) {
    this.slot = slot;
  }

  /** send: more than one buffer, gathered in order. */
  get buffers(): readonly Uint8Array[] | null {
    return this.#rare === null ? null : this.#rare.buffers;
  }

  set buffers(buffers: readonly Uint8Array[] | null) {
    this.#rareFields().buffers = buffers;
  }

  /** connect: where to. */
  get address(): SocketAddress | null {
    return this.#rare === null ? null : this.#rare.address;
  }

  set address(address: SocketAddress | null) {
    this.#rareFields().address = address;
  }

  /** recvBatch, sendBatch: the datagrams. */
  get batch(): DatagramBatch | null {
    return this.#rare === null ? null : this.#rare.batch;
  }

  set batch(batch: DatagramBatch | null) {
    this.#rareFields().batch = batch;
  }

  /** accept: the new connection. */
  get accepted(): DriverSocket | null {
    return this.#rare === null ? null : this.#rare.accepted;
  }

  set accepted(accepted: DriverSocket | null) {
    this.#rareFields().accepted = accepted;
  }

  get signal(): AbortSignal | null {
    return this.#rare === null ? null : this.#rare.signal;
  }

  set signal(signal: AbortSignal | null) {
    this.#rareFields().signal = signal;
  }

  /** Makes the operation free for its next use; a completion that names the old generation is not its own. */
  recycle(): void {
    this.generation = (this.generation + 1) | 0;
    this.state = 'free';
    this.cancelReason = 'none';
    this.socket = null;
    this.owner = null;
    this.buffer = null;
    this.waitOnly = false;
    this.large = false;
    this.lentBuffer = -1;
    this.bytesTransferred = 0;
    this.nativeError = 0;
    this.convert = null;
    this.context = null;
    this.leavePending = false;
    this.observer = null;
    this.resolve = null;
    this.reject = null;
    this.#rare = null;
  }

  #rareFields(): RareFields {
    this.#rare ??= new RareFields();
    return this.#rare;
  }

  done(bytesTransferred: number): true {
    this.outcome = 'done';
    this.bytesTransferred = bytesTransferred;
    return true;
  }

  failed(nativeError: number): true {
    this.outcome = 'failed';
    this.nativeError = nativeError;
    return true;
  }

  refused(): true {
    this.outcome = 'refused';
    return true;
  }

  cancelled(): true {
    this.outcome = 'cancelled';
    return true;
  }
}
