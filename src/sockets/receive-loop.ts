import { operationError } from '../port/errors.js';
import type { Operation, OperationObserver } from '../port/operation.js';
import type { DeferredTask } from '../port/proactor.js';
import { LentBuffer } from './lent-buffer.js';
import type { TcpSocket } from './tcp-socket.js';

/**
 * What a connection's bytes are handed to. One object may serve any number of connections: an idle connection then
 * costs no promise, no closure and no suspended function.
 */
export interface ReceiveHandlers {
  /**
   * Bytes have arrived. They are lent until this returns, or until the promise that it returns settles; the next
   * receive, and its timeout, begin after that.
   */
  received(socket: TcpSocket, chunk: LentBuffer): unknown;
  /**
   * No more will come: the peer ended the stream (`error` is undefined), or a receive failed, timed out, or was ended
   * by a close, or `received` threw. Called once. The socket is still the caller's to close.
   */
  ended(socket: TcpSocket, error: unknown): void;
}

/** Submits one receive of a loop's; throws where the socket is closed. */
export type SubmitLoopReceive = (loop: ReceiveLoop) => void;

/** Where a loop stands: a receive is pending, or what it brought is to be handed over. */
type LoopPhase = 'receiving' | 'received' | 'ended';

/** Receives again and again, and hands each chunk to the handlers. */
export class ReceiveLoop implements OperationObserver, DeferredTask {
  readonly socket: TcpSocket;
  readonly timeoutMs: number | undefined;
  readonly #handlers: ReceiveHandlers;
  readonly #submit: SubmitLoopReceive;
  #phase: LoopPhase = 'receiving';
  /** The chunk that was received, or why the loop ends. */
  #outcome: unknown;

  constructor(socket: TcpSocket, handlers: ReceiveHandlers, timeoutMs: number | undefined, submit: SubmitLoopReceive) {
    this.socket = socket;
    this.timeoutMs = timeoutMs;
    this.#handlers = handlers;
    this.#submit = submit;
  }

  operationSettled(operation: Operation): void {
    const { driver } = this.socket.proactor;
    if (operation.outcome === 'done' && operation.bytesTransferred > 0) {
      const chunk = new LentBuffer(driver);
      chunk.assign(operation.lentBuffer, operation.lentOffset, operation.lentLength);
      this.#phase = 'received';
      this.#outcome = chunk;
    } else {
      this.#phase = 'ended';
      this.#outcome = operation.outcome === 'done' ? undefined : operationError(driver, operation);
    }
    this.socket.proactor.defer(this);
  }

  run(): void {
    if (this.#phase === 'ended') {
      this.#end();
      return;
    }
    const chunk = this.#outcome as LentBuffer;
    try {
      const handled = this.#handlers.received(this.socket, chunk);
      if (!isPromise(handled)) this.#receiveNext(chunk);
      else {
        const failed = (error: unknown) => this.#fail(chunk, error);
        handled.then(() => this.#receiveNext(chunk), failed);
      }
    } catch (error) {
      this.#fail(chunk, error);
    }
  }

  #receiveNext(chunk: LentBuffer): void {
    chunk.release();
    this.#outcome = undefined;
    this.#phase = 'receiving';
    try {
      this.#submit(this);
    } catch (error) {
      this.#phase = 'ended';
      this.#outcome = error;
      this.#end();
    }
  }

  #fail(chunk: LentBuffer, error: unknown): void {
    chunk.release();
    this.#phase = 'ended';
    this.#outcome = error;
    this.#end();
  }

  /** What `ended` throws is the program's own uncaught exception; it may not keep other connections from theirs. */
  #end(): void {
    try {
      this.#handlers.ended(this.socket, this.#outcome);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function';
}
