import type { StackCalls } from '../library/calls.js';
import type { NativeCall } from '../library/library.js';
import type { QuirkFlags } from '../profile/quirks.js';
import { ConsumedErrors } from './consumed-errors.js';
import { ELSEWHERE, type OnePoll } from './one-wait.js';
import { sleepLocally } from './pauses.js';
import { PollBits } from './poll-bits.js';
import { PollfdCodec, type PollfdLayout } from './pollfd-codec.js';
import type { SocketErrors } from './socket-errors.js';
import { PollTimeouts } from './timeouts.js';
import type { WaitFailures } from './wait-failures.js';
import { POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, type PollEntries } from './waiter.js';

/** A failed connect that poll does not show is found by asking, at first this often and then less. */
const FIRST_SWEEP_MS = 4;
const LONGEST_SWEEP_MS = 64;

/** An errno of EINTR may also be an earlier call's, on a stack that gives up without setting one. */
const MAX_INTERRUPTIONS = 4;

/** The stack's own poll. */
export class NativePoll implements OnePoll {
  readonly #call: NativeCall;
  readonly #calls: StackCalls;
  readonly #failures: WaitFailures;
  readonly #sockets: SocketErrors;
  readonly #consumed: ConsumedErrors;
  readonly #quirks: QuirkFlags;
  readonly #codec: PollfdCodec;
  /** For one entry by itself. */
  readonly #single: PollfdCodec;
  readonly #timeouts: PollTimeouts;
  #sweepMs = FIRST_SWEEP_MS;

  constructor(
    calls: StackCalls,
    layout: PollfdLayout,
    call: NativeCall,
    failures: WaitFailures,
    sockets: SocketErrors,
  ) {
    const { profile } = calls;
    const bits = new PollBits(profile.constants.poll);
    this.#call = call;
    this.#calls = calls;
    this.#failures = failures;
    this.#sockets = sockets;
    this.#consumed = new ConsumedErrors(sockets);
    this.#quirks = profile.quirks;
    this.#codec = new PollfdCodec(layout, bits, profile.byteOrder);
    this.#single = new PollfdCodec(layout, bits, profile.byteOrder);
    this.#timeouts = new PollTimeouts(profile.quirks);
  }

  slice(entries: PollEntries, remainingMs: number): number {
    const slice = this.#timeouts.slice(remainingMs);
    if (!this.#quirks.connectFailInvisible || !asksFor(entries, POLLOUT)) return slice;
    const sweepMs = this.#sweepMs;
    this.#sweepMs = Math.min(sweepMs * 2, LONGEST_SWEEP_MS);
    return Math.min(slice, sweepMs);
  }

  poll(entries: PollEntries, timeoutMs: number): number {
    if (this.#isForNobody(entries)) {
      entries.revents.fill(0, 0, entries.count);
      sleepLocally(timeoutMs);
      return 0;
    }
    this.#codec.pack(entries);
    const returned = this.#call(this.#codec.bytes, entries.count, this.#timeouts.native(timeoutMs));
    let ready = 0;
    if (returned < 0) {
      ready = this.#failed(entries, -this.#calls.failure(returned), timeoutMs);
      if (ready < 0 && ready !== ELSEWHERE) return ready;
    } else if (returned > 0) ready = this.#codec.unpack(entries);
    else entries.revents.fill(0, 0, entries.count);
    if (this.#quirks.connectFailInvisible) {
      const swept = this.#sweep(entries);
      if (swept > 0) ready = Math.max(ready, 0) + swept;
    }
    if (ready > 0) this.#sweepMs = FIRST_SWEEP_MS;
    if (ready > 0 && this.#quirks.hupFoldedIntoIn) this.#unfoldHangUps(entries);
    return ready;
  }

  /** Nothing is asked of anybody, and the stack need not know: WSAPoll fails where all entries are to be passed over. */
  #isForNobody({ descriptors, count }: PollEntries): boolean {
    if (count === 0) return (this.#quirks.pollZeroFails || this.#quirks.pollZeroReturnsAtOnce) ?? false;
    for (let i = 0; i < count; i++) if ((descriptors[i] as number) >= 0) return false;
    return true;
  }

  #failed(entries: PollEntries, error: number, timeoutMs: number): number {
    const { waitReportsSocketError, waitErrorConsumes, pollErrorCountIsMinusOne, pollInvalidFdAborts } = this.#quirks;
    const own = this.#failures.isOwn(error);
    if (pollInvalidFdAborts) {
      // Whose error this one was can be seen from these answers only, and the stack may have forgotten it.
      const isError = !own && !this.#calls.errors.table.name(error).startsWith('UNKNOWN');
      if (isError && waitReportsSocketError && waitErrorConsumes && this.#codec.unpack(entries) > 0) {
        this.#consumed.ofPoll(error, entries);
      }
      const ready = this.#pollTheRest(entries);
      // A signal has ended the call, and now everything has been asked all the same.
      if (ready > 0 || (error === this.#failures.interrupted && timeoutMs === 0)) return ready;
    }
    if (!waitReportsSocketError && !pollErrorCountIsMinusOne) return -error;
    // Where the count alone is wrong, the number may be an earlier call's: the answers decide.
    if (own && !pollErrorCountIsMinusOne) return -error;
    let ready = this.#codec.unpack(entries);
    if (!own && waitReportsSocketError && waitErrorConsumes) this.#consumed.ofPoll(error, entries);
    if (ready === 0 && pollErrorCountIsMinusOne) ready = this.#pollEach(entries);
    if (ready === 0 && own && error === this.#failures.interrupted && timeoutMs === 0) return 0;
    if (ready === 0) return own ? -error : ELSEWHERE;
    return ready;
  }

  /** The stack has given up at an invalid entry: what stands behind it is polled by itself. */
  #pollTheRest(entries: PollEntries): number {
    const { bytes, entryBytes } = this.#codec;
    const { count } = entries;
    let next = this.#codec.firstInvalid(0, count) + 1;
    if (next === 0) return this.#pollEach(entries);
    while (next > 0 && next < count) {
      if (this.#callNow(bytes.subarray(next * entryBytes), count - next) >= 0) break;
      next = this.#codec.firstInvalid(next, count) + 1;
    }
    return this.#codec.unpack(entries);
  }

  /** Polls each entry by itself, without waiting. */
  #pollEach(entries: PollEntries): number {
    const { descriptors, events, revents, count } = entries;
    let ready = 0;
    for (let i = 0; i < count; i++) {
      const descriptor = descriptors[i] as number;
      revents[i] = 0;
      if (descriptor < 0) continue;
      const returned = this.#pollOne(descriptor, events[i] as number);
      let answer = returned === 0 ? 0 : this.#single.answerOf(0);
      if (returned < 0 && answer === 0) {
        if (this.#sockets.isUnknown(descriptor)) answer = POLLNVAL;
        else if (this.#sockets.check(descriptor))
          answer = ((events[i] as number) & (POLLIN | POLLOUT)) | POLLERR | this.#hidden;
      }
      // Another entry for the same socket may have been told of its error.
      if (answer !== 0 && this.#sockets.pending.has(descriptor)) answer |= POLLERR;
      revents[i] = answer;
      if (answer !== 0) ready++;
    }
    return ready;
  }

  /** What goes with the error of a connect that poll does not show. */
  get #hidden(): number {
    return this.#quirks.connectFailInvisible ? POLLHUP : 0;
  }

  /** A poll that does not wait, on the way to an answer: a signal may not spoil it. */
  #callNow(bytes: Uint8Array, count: number): number {
    let returned = this.#call(bytes, count, 0);
    for (let i = 0; i < MAX_INTERRUPTIONS && returned < 0; i++) {
      if (-this.#calls.failure(returned) !== this.#failures.interrupted) break;
      returned = this.#call(bytes, count, 0);
    }
    return returned;
  }

  /** Polls one descriptor without waiting; its answer is then in `single`. */
  #pollOne(descriptor: number, events: number): number {
    this.#single.packOne(0, descriptor, events);
    const returned = this.#callNow(this.#single.bytes, 1);
    if (returned < 0 && this.#quirks.waitReportsSocketError && this.#quirks.waitErrorConsumes) {
      const error = -this.#calls.failure(returned);
      if (!this.#failures.isOwn(error)) this.#consumed.ofOne(error, descriptor);
    }
    return returned;
  }

  /** Asks the sockets that may be connecting for the error that poll keeps to itself. */
  #sweep(entries: PollEntries): number {
    const { descriptors, events, revents, count } = entries;
    let found = 0;
    for (let i = 0; i < count; i++) {
      if (revents[i] !== 0 || ((events[i] as number) & POLLOUT) === 0) continue;
      const descriptor = descriptors[i] as number;
      if (descriptor < 0 || !this.#sockets.check(descriptor)) continue;
      revents[i] = ((events[i] as number) & (POLLIN | POLLOUT)) | POLLERR | POLLHUP;
      found++;
    }
    return found;
  }

  /** A connection that is gone both ways has hung up; data alone has not. */
  #unfoldHangUps(entries: PollEntries): void {
    const { descriptors, events, revents, count } = entries;
    for (let i = 0; i < count; i++) {
      const answer = revents[i] as number;
      if ((answer & POLLIN) === 0) continue;
      const asked = ((events[i] as number) & POLLIN) !== 0;
      if (!asked) revents[i] = (answer & ~POLLIN) | POLLHUP;
      else if (this.#sockets.hasNoPeer(descriptors[i] as number) && this.#isWritable(descriptors[i] as number)) {
        revents[i] = answer | POLLHUP;
      }
    }
  }

  /** A listener has no peer either, but is never writable. */
  #isWritable(descriptor: number): boolean {
    this.#pollOne(descriptor, POLLOUT);
    return (this.#single.answerOf(0) & POLLOUT) !== 0;
  }
}

function asksFor(entries: PollEntries, event: number): boolean {
  const { events, count } = entries;
  for (let i = 0; i < count; i++) if (((events[i] as number) & event) !== 0) return true;
  return false;
}
