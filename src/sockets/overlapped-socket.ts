import type { SocketAddress } from '../port/address.js';
import type { DriverSocket } from '../port/driver.js';
import { SocketStateError, systemError } from '../port/errors.js';
import { DEFAULT_CLOSE_TIMEOUT_MS } from '../port/limits.js';
import type { Operation } from '../port/operation.js';
import type { Proactor } from '../port/proactor.js';
import type { SocketOptionName, SocketOptions } from '../port/socket-options.js';
import { checkOptions, checkTimeout } from './arguments.js';
import { OperationQueue } from './operation-queue.js';
import { checkOption, isBooleanOption } from './option-values.js';

/** What a close sent to the peer. `none`: there was no connection any more, or there never is one. */
export type CloseSignal = 'FIN' | 'RST' | 'none';

export interface CloseResult {
  readonly sent: CloseSignal;
  /** Bytes that had arrived and that nobody received: more than 0 makes the close a RST. */
  readonly unreadBytes: number;
}

export interface CloseOptions {
  /** How long pending sends may take to drain. After that the connection is reset: a FIN would call the torso whole. */
  readonly timeoutMs?: number | undefined;
}

/** Where a socket stands: `draining` still sends what was pending, `closing` waits for the kernel. */
export type SocketPhase = 'open' | 'draining' | 'closing' | 'closed';

/** How the connection is to end; a later, harder wish replaces an earlier one while the socket drains. */
type Ending = 'graceful' | 'platform' | 'reset';

/** A close on its way. */
class Closing {
  phase: SocketPhase = 'draining';
  ending: Ending;
  /** Sends were cut short, of which the stack still has bytes that the peer has not acknowledged. */
  cutSends = false;
  resolve!: (result: CloseResult) => void;
  readonly result: Promise<CloseResult>;

  constructor(ending: Ending) {
    this.ending = ending;
    this.result = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }
}

/** What all sockets have: two directions of operations, one close, options and addresses. */
export abstract class OverlappedSocket {
  /** The proactor that carries the socket. */
  readonly proactor: Proactor;
  protected readonly handle: DriverSocket;
  protected readonly receiving: OperationQueue;
  protected readonly sending: OperationQueue;
  /** The sending side was shut down before the close. */
  protected sendingShut = false;
  #closing: Closing | null = null;
  #closingListeners: Set<() => void> | null = null;

  constructor(proactor: Proactor, handle: DriverSocket) {
    this.proactor = proactor;
    this.handle = handle;
    this.receiving = new OperationQueue(proactor);
    this.sending = new OperationQueue(proactor);
  }

  get phase(): SocketPhase {
    return this.#closing === null ? 'open' : this.#closing.phase;
  }

  /** The descriptor or handle, for messages and for system tools; -1 once closed. It stays the library's. */
  get descriptor(): number {
    return this.handle.descriptor;
  }

  /**
   * Whether something was received that the descriptor no longer shows, and the next receive or accept gets at once;
   * undefined where nothing is ever taken from the kernel ahead. For `overlapped/select`.
   */
  get receivedAhead(): boolean | undefined {
    return this.proactor.driver.receivedAhead?.(this.handle);
  }

  /** Calls back once, when the socket begins to close; the result takes that back. For `overlapped/select`. */
  onceClosing(callback: () => void): () => void {
    this.#closingListeners ??= new Set();
    const listeners = this.#closingListeners.add(callback);
    return () => {
      listeners.delete(callback);
    };
  }

  /** Which driver carries the socket. */
  get driver(): string {
    return this.proactor.driver.name;
  }

  /** Operations that have not ended. */
  get pendingOperations(): number {
    return this.receiving.length + this.sending.length;
  }

  /** The socket's own address; null where it has none. */
  get localAddress(): SocketAddress | null {
    return this.phase === 'closed' ? null : this.proactor.driver.localAddress(this.handle);
  }

  /**
   * Sets an option by name. Throws SystemError where the platform refuses (ENOPROTOOPT where it has no such option),
   * TypeError and RangeError for a wrong name or value.
   */
  setOption<Name extends SocketOptionName>(name: Name, value: SocketOptions[Name]): this {
    this.checkOpen();
    const failed = this.proactor.driver.setOption(this.handle, name, checkOption(name, value));
    if (failed !== 0) throw this.#optionError('set', name, failed);
    return this;
  }

  /** An option's value as the platform has it: Linux doubles buffer sizes, for one. Throws as `setOption` does. */
  getOption<Name extends SocketOptionName>(name: Name): SocketOptions[Name] {
    this.checkOpen();
    const isBoolean = isBooleanOption(name);
    const value = this.proactor.driver.getOption(this.handle, name);
    if (value < 0) throw this.#optionError('get', name, -value);
    return (isBoolean ? value !== 0 : value) as SocketOptions[Name];
  }

  /** Pending operations keep the process alive (the default). */
  ref(): this {
    this.receiving.setReferenced(true);
    this.sending.setReferenced(true);
    return this;
  }

  /** Pending operations do not keep the process alive. */
  unref(): this {
    this.receiving.setReferenced(false);
    this.sending.setReferenced(false);
    return this;
  }

  /**
   * Closes gracefully: pending sends drain (bounded by `timeoutMs`, 30 s by default), a FIN is sent, pending receives
   * are cancelled and reaped, then the handle is closed. Resolves with what the peer was sent. A second close gives
   * the first one's result. Source: RFC 9293 section 3.6, RFC 2525 section 2.17.
   */
  close(options: CloseOptions = {}): Promise<CloseResult> {
    try {
      return this.#close('graceful', checkOptions(options).timeoutMs);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /** Resets the connection: every pending operation fails with ECANCELED, and the peer sees a RST. */
  abort(): Promise<CloseResult> {
    return this.#close('reset', 0);
  }

  /**
   * The Winsock primitive, faithfully: with nothing pending, the platform's close; with anything pending, every
   * pending operation fails with ECANCELED (WSA_OPERATION_ABORTED) and the connection is reset. See docs/closesocket.md.
   */
  closesocket(): Promise<CloseResult> {
    return this.#close(this.pendingOperations > 0 ? 'reset' : 'platform', 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  protected checkOpen(): void {
    if (this.#closing === null) return;
    const phase = this.#closing.phase === 'closed' ? 'closed' : 'closing';
    throw new SocketStateError(`The socket is ${phase}`, 'ERR_SOCKET_CLOSED');
  }

  /** An operation for this socket. The caller sets its arguments and submits it at once. */
  protected operation(kind: Operation['kind'], convert: (operation: Operation) => unknown): Operation {
    const operation = this.proactor.acquire();
    operation.kind = kind;
    operation.socket = this.handle;
    operation.convert = convert;
    return operation;
  }

  /** Runs once the handle is closed. */
  protected onClosed(): void {}

  #close(ending: Ending, timeoutMs: number | undefined): Promise<CloseResult> {
    if (this.#closing !== null) {
      if (ending === 'reset' && this.#closing.phase === 'draining') this.#endSends(this.#closing, ending);
      return this.#closing.result;
    }
    const bound = checkTimeout(timeoutMs, DEFAULT_CLOSE_TIMEOUT_MS);
    const closing = new Closing(ending);
    this.#closing = closing;
    for (const listener of this.#closingListeners ?? []) listener();
    this.#closingListeners = null;
    this.#drain(closing, bound);
    return closing.result;
  }

  #drain(closing: Closing, timeoutMs: number): void {
    let timer: NodeJS.Timeout | undefined;
    this.sending.whenEmpty(() => {
      clearTimeout(timer);
      this.#reap(closing);
    });
    if (closing.phase !== 'draining') return;
    if (closing.ending !== 'graceful') this.#endSends(closing, closing.ending);
    // One millisecond more: setTimeout counts from a cached clock and may be early by a fraction.
    else if (timeoutMs < 2 ** 31 - 2) {
      timer = setTimeout(() => this.#endSends(closing, 'reset'), Math.ceil(timeoutMs) + 1);
    }
  }

  #endSends(closing: Closing, ending: Ending): void {
    closing.ending = ending;
    // One that waits is one that the stack had no room for: its buffer is full.
    closing.cutSends = this.sending.length > 0;
    this.sending.cancelAll('close');
  }

  /** No send is pending any more: end the receives, and give the handle back once the kernel has let go of it. */
  #reap(closing: Closing): void {
    closing.phase = 'closing';
    const { driver } = this.proactor;
    const stream = this.handle.type === 'stream' && this.connected();
    // With bytes unread the close is a RST, and a FIN before it would only hide that from the peer.
    const graceful = stream && closing.ending === 'graceful' && driver.unreadBytes(this.handle) === 0;
    const shut = graceful ? driver.shutdown(this.handle, 'send') : 0;
    const gone = !stream || (shut !== 0 && driver.errors.name(shut) === 'ENOTCONN' && !this.#isShutAlready());
    this.receiving.cancelAll('close');
    this.receiving.whenEmpty(() => {
      const reset = closing.ending === 'reset';
      driver.close(this.handle, reset && stream, (unreadBytes) => {
        closing.phase = 'closed';
        this.onClosed();
        const canReset = this.handle.family !== 'unix';
        const resets = (reset && (driver.abortResets !== false || closing.cutSends)) || unreadBytes > 0;
        const sent = gone ? 'none' : canReset && resets ? 'RST' : 'FIN';
        closing.resolve({ sent, unreadBytes });
      });
    });
  }

  /** A connection whose sending side was shut down is not connected for every stack (lwIP), but it has a peer. */
  #isShutAlready(): boolean {
    return this.sendingShut && this.proactor.driver.remoteAddress(this.handle) !== null;
  }

  /** Whether there is a connection to end. */
  protected abstract connected(): boolean;

  #optionError(verb: string, name: string, nativeError: number): Error {
    const syscall = verb === 'set' ? 'setsockopt' : 'getsockopt';
    return systemError(
      this.proactor.driver,
      `Cannot ${verb} option ${name} of socket ${this.descriptor}`,
      syscall,
      nativeError,
    );
  }
}
