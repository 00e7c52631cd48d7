import type { StackCalls } from '../library/calls.js';
import type { NativeCall } from '../library/library.js';
import type { PendingErrors } from '../waiting/pending-errors.js';
import { Words } from './words.js';

/** What a peek can count at most, where the stack cannot be asked: a close only wants to know whether there is any. */
const PEEK_BYTES = 65_536;

/** Bytes that have arrived at a socket: FIONREAD, or a peek where the stack has no ioctl. */
export class UnreadBytes {
  readonly #calls: StackCalls;
  readonly #pending: PendingErrors;
  /** Errors of the moment, which are none of the socket's. */
  readonly #passing: ReadonlySet<number>;
  readonly #ioctl: NativeCall | null;
  readonly #request: number;
  readonly #recv: NativeCall | null;
  readonly #peekFlags: number;
  readonly #value: Words;
  #scratch: Uint8Array | null = null;

  constructor(calls: StackCalls, pending: PendingErrors) {
    const { FIONREAD, MSG_PEEK, MSG_DONTWAIT } = calls.profile.constants;
    this.#calls = calls;
    this.#pending = pending;
    this.#passing = new Set(
      ['EAGAIN', 'EINTR', 'ENOTCONN', 'EINVAL', 'EBADF'].map((code) => calls.errors.number(code)),
    );
    this.#ioctl = FIONREAD === null ? null : calls.find('ioctl');
    this.#request = FIONREAD ?? 0;
    this.#recv = MSG_PEEK === null ? null : calls.find('recv');
    this.#peekFlags = (MSG_PEEK ?? 0) | (MSG_DONTWAIT ?? 0);
    this.#value = new Words(8, calls.profile.byteOrder);
  }

  /** 0 where there are none, and where nobody can tell. */
  count(descriptor: number): number {
    if (this.#ioctl !== null) {
      this.#value.setInt32(0, 0);
      return this.#ioctl(descriptor, this.#request, this.#value.bytes) < 0 ? 0 : this.#value.getInt32(0);
    }
    if (this.#recv === null) return 0;
    this.#scratch ??= new Uint8Array(PEEK_BYTES);
    const peeked = this.#recv(descriptor, this.#scratch, PEEK_BYTES, this.#peekFlags);
    if (peeked >= 0) return peeked;
    // A peek clears the error that it tells (tcp(7)), and the socket's next call has to hear of it.
    const error = -this.#calls.failure(peeked);
    if (!this.#passing.has(error)) this.#pending.keep(descriptor, error);
    return 0;
  }
}
