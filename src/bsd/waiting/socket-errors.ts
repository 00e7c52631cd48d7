import type { StackCalls } from '../library/calls.js';
import type { NativeCall } from '../library/library.js';
import type { StackProfile } from '../profile/profile.js';
import type { PendingErrors } from './pending-errors.js';
import type { WaitFailures } from './wait-failures.js';

const NAME_BYTES = 128;

/** What a receive says of a socket without a connection; no error that was pending. */
const NO_NEWS: ReadonlySet<string> = new Set(['ENOTCONN', 'EINVAL', 'ENOTSOCK', 'EBADF', 'EINTR', 'EOPNOTSUPP']);

/** Asks sockets about themselves. Whatever error is read is kept for its socket, since reading clears it. */
export class SocketErrors {
  readonly pending: PendingErrors;
  readonly #calls: StackCalls;
  readonly #profile: StackProfile;
  readonly #failures: WaitFailures;
  readonly #getsockopt: NativeCall | null;
  readonly #getpeername: NativeCall | null;
  /** Only where it can be told not to wait. */
  readonly #recv: NativeCall | null;
  readonly #again: number;
  readonly #value = new Uint8Array(4);
  readonly #length = new Uint8Array(4);
  readonly #name = new Uint8Array(NAME_BYTES);
  readonly #littleEndian: boolean;

  constructor(calls: StackCalls, failures: WaitFailures, pending: PendingErrors) {
    this.pending = pending;
    this.#calls = calls;
    this.#profile = calls.profile;
    this.#failures = failures;
    this.#littleEndian = calls.profile.byteOrder === 'little';
    this.#getsockopt = calls.find('getsockopt');
    this.#getpeername = calls.find('getpeername');
    const { MSG_PEEK, MSG_DONTWAIT } = calls.profile.constants;
    this.#recv = MSG_PEEK === null || MSG_DONTWAIT === null ? null : calls.find('recv');
    this.#again = calls.errors.number('EAGAIN');
  }

  /** Whether SO_ERROR can be asked for and is to be believed. */
  get canAsk(): boolean {
    const { quirks, constants } = this.#profile;
    return this.#getsockopt !== null && constants.SO_ERROR !== null && !quirks.soErrorMissing && !quirks.soErrorStale;
  }

  /** Reads SO_ERROR and keeps what it says. True: an error is pending, this one or one that was kept before. */
  check(descriptor: number): boolean {
    if (this.pending.has(descriptor)) return true;
    const { SO_ERROR } = this.#profile.constants;
    if (!this.canAsk || SO_ERROR === null) return false;
    const error = this.#error(descriptor, SO_ERROR);
    if (error <= 0) return false;
    this.pending.keep(descriptor, error);
    return true;
  }

  /** Whether the stack does not know the descriptor. */
  isUnknown(descriptor: number): boolean {
    const { SO_ERROR } = this.#profile.constants;
    if (this.#getsockopt === null || SO_ERROR === null) return false;
    const error = this.#error(descriptor, SO_ERROR);
    if (error > 0 && this.canAsk) this.pending.keep(descriptor, error);
    return error === -this.#failures.badDescriptor;
  }

  /** Whether this is a stream socket without a peer: never connected, or its connection is gone both ways. */
  hasNoPeer(descriptor: number): boolean {
    if (this.#getpeername === null) return false;
    this.#setInt(this.#length, NAME_BYTES);
    const returned = this.#getpeername(descriptor, this.#name, this.#length);
    if (returned >= 0) return false;
    const error = -this.#calls.failure(returned);
    if (error !== this.#failures.notConnected && error !== this.#failures.invalid) return false;
    const { SO_TYPE, SOCK_STREAM, SOCK_DGRAM } = this.#profile.constants;
    const stream = this.#profile.quirks.socketTypesSwapped ? SOCK_DGRAM : SOCK_STREAM;
    return SO_TYPE === null || this.#getsockopt === null || this.#option(descriptor, SO_TYPE) === stream;
  }

  /** Whether a connection that is watched over has ended without telling anybody: neither is it being made. */
  isOver(descriptor: number): boolean {
    const { pending } = this;
    if (!pending.isWatched(descriptor) || pending.has(descriptor)) return false;
    return this.hasNoPeer(descriptor) && !this.hasNothing(descriptor);
  }

  /** Whether a receive would have to wait. */
  hasNothing(descriptor: number): boolean {
    const { MSG_PEEK, MSG_DONTWAIT } = this.#profile.constants;
    if (this.#recv === null) return false;
    const returned = this.#recv(descriptor, this.#value, 1, (MSG_PEEK ?? 0) | (MSG_DONTWAIT ?? 0));
    if (returned >= 0) return false;
    const failure = this.#calls.failure(returned);
    if (failure === -this.#again) return true;
    // Asking has cleared an error of another kind: it is the socket's, and must not be lost.
    if (!NO_NEWS.has(this.#calls.errors.table.name(-failure))) this.pending.keep(descriptor, -failure);
    return false;
  }

  /** SO_ERROR as a positive number, whatever its sign in the stack's own table, or the negated error of the call. */
  #error(descriptor: number, option: number): number {
    const failed = this.#readOption(descriptor, option);
    if (failed < 0) return failed;
    const value = this.#valueRead();
    return value === 0 ? 0 : -this.#calls.errors.failure(value);
  }

  /** The option's value, or the negated error. */
  #option(descriptor: number, option: number): number {
    const failed = this.#readOption(descriptor, option);
    return failed < 0 ? failed : this.#valueRead();
  }

  #readOption(descriptor: number, option: number): number {
    this.#setInt(this.#value, 0);
    if (this.#getsockopt === null) return 0;
    this.#setInt(this.#length, 4);
    const { SOL_SOCKET } = this.#profile.constants;
    const returned = this.#getsockopt(descriptor, SOL_SOCKET, option, this.#value, this.#length);
    return returned < 0 ? this.#calls.failure(returned) : 0;
  }

  #valueRead(): number {
    return new DataView(this.#value.buffer).getInt32(0, this.#littleEndian);
  }

  #setInt(bytes: Uint8Array<ArrayBuffer>, value: number): void {
    new DataView(bytes.buffer).setInt32(0, value, this.#littleEndian);
  }
}
