import type { SocketAddress } from '../../port/address.js';
import type { StackCalls } from '../library/calls.js';
import { NormalisedStack } from '../normalised/stack.js';
import { Words } from '../normalised/words.js';
import { sleepLocally } from '../waiting/pauses.js';
import { PendingErrors } from '../waiting/pending-errors.js';
import { RawWaits } from './raw-waits.js';

const LOOPBACK = '127.0.0.1';

/** Everything happens on the loopback: what has not happened after this does not happen. */
export const PATIENCE_MS = 500;
/** Where a connect that nobody takes is tried three times before it fails: Winsock. */
export const CONNECT_PATIENCE_MS = 4000;

const FIRST_CHOSEN_PORT = 20_000;
const CHOSEN_PORTS = 40_000;
const MAX_PORTS_TRIED = 32;

/** One end of a connection, and the other. */
export interface ProbePair {
  readonly near: number;
  readonly far: number;
}

/** The stack as it is, with nothing made up for, and sockets on it that are closed when the bench is cleared. */
export class ProbeBench {
  readonly calls: StackCalls;
  /** For names, numbers and layouts alone: no flag of the profile is set but those that were found so far. */
  readonly stack: NormalisedStack;
  readonly waits: RawWaits;
  readonly #open = new Set<number>();
  readonly #length: Words;
  readonly #value: Words;

  constructor(calls: StackCalls) {
    this.calls = calls;
    this.stack = new NormalisedStack(calls, new PendingErrors());
    this.waits = new RawWaits(calls);
    this.#length = new Words(4, calls.profile.byteOrder);
    this.#value = new Words(8, calls.profile.byteOrder);
  }

  /** The error's code; '' for a result that is none. */
  code(result: number): string {
    return result < 0 ? this.stack.errors.name(-result) : '';
  }

  open(type: 'stream' | 'datagram' = 'stream'): number {
    const descriptor = this.#must('socket', this.stack.socket('IPv4', type, true));
    this.#open.add(descriptor);
    return descriptor;
  }

  close(descriptor: number): void {
    this.#open.delete(descriptor);
    this.stack.close(descriptor);
  }

  /** Closes all that is open. */
  clear(): void {
    for (const descriptor of this.#open) this.stack.close(descriptor);
    this.#open.clear();
  }

  /** A socket with an address of its own on the loopback. */
  bound(type: 'stream' | 'datagram' = 'stream'): { descriptor: number; address: SocketAddress } {
    const descriptor = this.open(type);
    const asks = this.calls.has('getsockname');
    for (let tries = 0; ; tries++) {
      const port = asks ? 0 : FIRST_CHOSEN_PORT + Math.floor(Math.random() * CHOSEN_PORTS);
      const chosen: SocketAddress = { family: 'IPv4', address: LOOPBACK, port };
      const failed = this.stack.bind(descriptor, chosen);
      if (failed < 0 && !asks && tries < MAX_PORTS_TRIED) continue;
      this.#must('bind', failed);
      return { descriptor, address: this.stack.localAddress(descriptor) ?? chosen };
    }
  }

  listener(): { descriptor: number; address: SocketAddress } {
    const bound = this.bound();
    this.#must('listen', this.stack.listen(bound.descriptor, 16));
    return bound;
  }

  /** An address where nobody listens. */
  deadAddress(): SocketAddress {
    const { descriptor, address } = this.listener();
    this.close(descriptor);
    return address;
  }

  /** Takes a connection from a listener, within the time it may take. */
  accept(listener: number): number {
    const accepted = this.until(
      () => this.stack.accept(listener),
      (result) => result !== -this.stack.again,
    );
    this.#open.add(this.#must('accept', accepted));
    return accepted;
  }

  pair(): ProbePair {
    const { descriptor, address } = this.listener();
    const near = this.open();
    this.connect(near, address);
    const far = this.accept(descriptor);
    this.close(descriptor);
    // The accepting side may be first: the other one is through when its first send is taken.
    return { near, far };
  }

  /** Begins to connect; gives the result as the stack has it. Fails where it is neither begun nor done. */
  connect(descriptor: number, address: SocketAddress): number {
    const result = this.stack.connect(descriptor, address);
    const begun = [0, -this.stack.inProgress, -this.stack.again].includes(result);
    return begun ? result : this.#must('connect', result);
  }

  send(descriptor: number, text: string): void {
    const bytes = Buffer.from(text);
    const sent = this.until(
      () => this.stack.send(descriptor, bytes, bytes.length),
      (result) => result >= 0 || !['EAGAIN', 'ENOTCONN', 'EINPROGRESS'].includes(this.code(result)),
    );
    this.#must('send', sent);
  }

  /** Receives as soon as there is something, an end or an error; the result is the stack's. */
  receive(descriptor: number): number {
    const into = new Uint8Array(16);
    return this.until(
      () => this.stack.recv(descriptor, into, into.length),
      (result) => result !== -this.stack.again,
    );
  }

  /**
   * Makes the far end send a RST: by SO_LINGER {1,0}, or by closing on bytes that nobody has read, which is a RST where
   * the other is not.
   */
  reset({ near, far }: ProbePair): void {
    this.send(near, 'unread');
    this.waitReadable(far);
    this.stack.lingerZero(far);
    this.close(far);
  }

  /** Waits until a byte can be seen, without a call of poll or select. */
  waitReadable(descriptor: number): void {
    const { MSG_PEEK, MSG_DONTWAIT } = this.calls.profile.constants;
    if (MSG_PEEK === null) return sleepLocally(PATIENCE_MS / 10);
    const into = new Uint8Array(1);
    const flags = MSG_PEEK | (MSG_DONTWAIT ?? 0);
    const recv = this.calls.get('recv');
    this.until(
      () => recv(descriptor, into, 1, flags),
      (result) => result > 0,
    );
  }

  /** getsockopt as it is: the value, and the result. */
  option(descriptor: number, level: number, name: number): { result: number; value: number } {
    this.#value.setInt32(0, 0);
    this.#length.setInt32(0, 4);
    const returned = this.calls.get('getsockopt')(descriptor, level, name, this.#value.bytes, this.#length.bytes);
    return { result: returned < 0 ? this.calls.failure(returned) : 0, value: this.#value.getInt32(0) };
  }

  /** Repeats a call until its result will do, or it is late; gives the last result. */
  until(call: () => number, done: (result: number) => boolean, patienceMs = PATIENCE_MS): number {
    const end = performance.now() + patienceMs;
    for (;;) {
      const result = call();
      if (done(result) || performance.now() > end) return result;
      sleepLocally(1);
    }
  }

  #must(call: string, result: number): number {
    if (result >= 0) return result;
    throw new Error(`${call} fails with ${this.code(result)}`);
  }
}
