import type { StackCalls } from '../library/calls.js';
import type { NativeCall } from '../library/library.js';
import type { StackProfile } from '../profile/profile.js';
import type { PendingErrors } from './pending-errors.js';
import type { WaitFailures } from './wait-failures.js';

const NAME_BYTES = 128;

/** Asks sockets about themselves. Whatever error is read is kept for its socket, since reading clears it. */
export class SocketErrors {
  readonly pending: PendingErrors;
  readonly #calls: StackCalls;
  readonly #profile: StackProfile;
  readonly #failures: WaitFailures;
  readonly #getsockopt: NativeCall | null;
  readonly #getpeername: NativeCall | null;
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
    const error = this.#option(descriptor, SO_ERROR);
    if (error <= 0) return false;
    this.pending.keep(descriptor, error);
    return true;
  }

  /** Whether the stack does not know the descriptor. */
  isUnknown(descriptor: number): boolean {
    const { SO_ERROR } = this.#profile.constants;
    if (this.#getsockopt === null || SO_ERROR === null) return false;
    const error = this.#option(descriptor, SO_ERROR);
    if (error > 0) this.pending.keep(descriptor, error);
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
    const { SO_TYPE, SOCK_STREAM } = this.#profile.constants;
    return SO_TYPE === null || this.#getsockopt === null || this.#option(descriptor, SO_TYPE) === SOCK_STREAM;
  }

  /** The option's value, or the negated error. */
  #option(descriptor: number, option: number): number {
    if (this.#getsockopt === null) return 0;
    this.#setInt(this.#value, 0);
    this.#setInt(this.#length, 4);
    const { SOL_SOCKET } = this.#profile.constants;
    const returned = this.#getsockopt(descriptor, SOL_SOCKET, option, this.#value, this.#length);
    if (returned < 0) return this.#calls.failure(returned);
    return new DataView(this.#value.buffer).getInt32(0, this.#littleEndian);
  }

  #setInt(bytes: Uint8Array<ArrayBuffer>, value: number): void {
    new DataView(bytes.buffer).setInt32(0, value, this.#littleEndian);
  }
}
