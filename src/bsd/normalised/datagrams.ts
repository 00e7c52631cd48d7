import { MAX_BATCH_CAPACITY, MAX_DATAGRAM_BYTES } from '../../port/datagram-features.js';
import type { DatagramBatch } from '../../port/datagrams.js';
import { OutOfRangeError } from '../../port/errors.js';
import type { StackCalls } from '../library/calls.js';
import type { NativeCall } from '../library/library.js';
import type { SockaddrLayout } from '../sockaddr.js';
import type { PendingErrors } from '../waiting/pending-errors.js';
import { NormalisedDatagramBatch } from './datagram-batch.js';
import { Words } from './words.js';

/** Errors of earlier datagrams that one receive passes over. ICMP may bring them without end. */
const MAX_PASSED_OVER = 8;

/** Datagrams by recvfrom and sendto, one a call. Results are as in BsdStack. */
export class NormalisedDatagrams {
  readonly #calls: StackCalls;
  readonly #layout: SockaddrLayout;
  readonly #pending: PendingErrors;
  readonly #recvFlags: number;
  readonly #sendFlags: number;
  readonly #nameLength: Words;
  readonly #again: number;
  readonly #interrupted: number;
  readonly #tooLong: number;
  /** Errors that are about an earlier datagram although a receive says them: `udpReset`. */
  readonly #resets: ReadonlySet<number>;
  /** Bound when the first datagram socket is opened: a stack may do without datagrams. */
  #recvfrom: NativeCall | null = null;
  #sendto: NativeCall | null = null;
  #descriptor = -1;
  readonly #sendOne = (data: Uint8Array, length: number, name: Uint8Array | null, nameLength: number): number =>
    (this.#sendto as NativeCall)(this.#descriptor, data, length, this.#sendFlags, name, nameLength);

  constructor(calls: StackCalls, layout: SockaddrLayout, pending: PendingErrors, recvFlags: number, sendFlags: number) {
    this.#calls = calls;
    this.#layout = layout;
    this.#pending = pending;
    this.#recvFlags = recvFlags;
    this.#sendFlags = sendFlags;
    this.#nameLength = new Words(4, calls.profile.byteOrder);
    const { errors } = calls;
    this.#again = errors.number('EAGAIN');
    this.#interrupted = errors.number('EINTR');
    this.#tooLong = errors.number('EMSGSIZE');
    const resets = calls.profile.quirks.udpReset ? ['ECONNRESET', 'ENETRESET'] : [];
    this.#resets = new Set(resets.map((code) => errors.number(code)));
  }

  create(capacity: number, datagramBytes: number): NormalisedDatagramBatch {
    check('capacity', capacity, MAX_BATCH_CAPACITY);
    check('datagramBytes', datagramBytes, MAX_DATAGRAM_BYTES);
    return new NormalisedDatagramBatch(capacity, datagramBytes, this.#layout);
  }

  receive(descriptor: number, batch: DatagramBatch): number {
    if (!(batch instanceof NormalisedDatagramBatch) || batch.released) return -this.#calls.errors.number('EINVAL');
    const ahead = batch.takeAhead();
    if (ahead > 0) return ahead;
    batch.clear();
    let passedOver = 0;
    while (!batch.isFull) {
      const error = this.#receiveOne(descriptor, batch);
      if (error === 0 || error === this.#interrupted) continue;
      const pending = batch.count === 0 ? this.#pending.take(descriptor) : 0;
      if (pending !== 0) return this.#toldOf(batch, pending);
      if (error === this.#again) break;
      // It is about another datagram than those that are here: the next receive hears of it.
      if (batch.count > 0) {
        this.#pending.keep(descriptor, error);
        break;
      }
      if (!this.#resets.has(error) || batch.failsOnErrors) return this.#toldOf(batch, error);
      if (++passedOver === MAX_PASSED_OVER) break;
    }
    return batch.count > 0 ? batch.count : -this.#again;
  }

  send(descriptor: number, batch: DatagramBatch, from: number): number {
    if (!(batch instanceof NormalisedDatagramBatch) || batch.released) return -this.#calls.errors.number('EINVAL');
    if (from === 0) batch.refused = 0;
    // There is no queue of errors to be read.
    if (batch.readsErrors) return batch.count;
    let index = from;
    while (index < batch.count) {
      const error = this.#pending.take(descriptor) || this.#sendNext(descriptor, batch, index);
      if (error === 0) index++;
      else if (error === this.#interrupted) continue;
      else if (error === this.#again) break;
      else if (batch.skipsRefused && !batch.failsOnErrors) {
        if (batch.refused === 0) batch.refusal = error;
        batch.refused++;
        index++;
      } else if (index > from) {
        this.#pending.keep(descriptor, error);
        break;
      } else return -error;
    }
    return index > from || batch.count === from ? index - from : -this.#again;
  }

  /** 0 or the error. */
  #receiveOne(descriptor: number, batch: NormalisedDatagramBatch): number {
    this.#recvfrom ??= this.#calls.get('recvfrom');
    const { data, name } = batch.nextPlace();
    this.#nameLength.setInt32(0, name.length);
    const received = this.#recvfrom(descriptor, data, data.length, this.#recvFlags, name, this.#nameLength.bytes);
    const error = received < 0 ? -this.#calls.failure(received) : 0;
    // Winsock fails for what does not fit, and has filled the memory all the same.
    if (error !== 0 && error !== this.#tooLong) return error;
    batch.received(error === 0 ? received : data.length, this.#nameLength.getInt32(0));
    return 0;
  }

  #sendNext(descriptor: number, batch: NormalisedDatagramBatch, index: number): number {
    this.#sendto ??= this.#calls.get('sendto');
    this.#descriptor = descriptor;
    const sent = batch.send(index, this.#sendOne);
    return sent < 0 ? -this.#calls.failure(sent) : 0;
  }

  /** On a connected socket the stack's "reset" says that nobody listens there. */
  #toldOf(batch: NormalisedDatagramBatch, error: number): number {
    return -(this.#resets.has(error) && batch.failsOnErrors ? this.#calls.errors.number('ECONNREFUSED') : error);
  }
}

function check(name: string, value: number, maximum: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= maximum) return;
  throw new OutOfRangeError(`${name} must be an integer from 1 to ${maximum}, not ${value}`);
}
