import { lastErrno } from '../../../native-bindings/ffi.js';
import { MSG_DONTWAIT, MSG_NOSIGNAL } from '../../../native-bindings/linux/constants.js';
import { EAGAIN, EINTR, EINVAL } from '../../../native-bindings/linux/errno.js';
import { mmsg } from '../../../native-bindings/linux/mmsg.js';
import { MAX_BATCH_CAPACITY, MAX_DATAGRAM_BYTES } from '../../port/datagram-features.js';
import type { DatagramBatch } from '../../port/datagrams.js';
import { OutOfRangeError } from '../../port/errors.js';
import type { SockaddrLayout } from '../sockaddr.js';
import { LinuxDatagramBatch } from './datagram-batch.js';
import { ErrorQueue } from './error-queue.js';
import { Ipv4Names } from './ipv4-names.js';

// Each attempt after the first follows an error that was taken from the socket. ICMP may bring them without end.
const MAX_ATTEMPTS = 8;

/** Batches of datagrams across the system call: recvmmsg(2), sendmmsg(2). Results are as in BsdStack. */
export class LinuxDatagrams {
  readonly #layout: SockaddrLayout;
  readonly #names = new Ipv4Names();
  readonly #receiveCall = mmsg().recvmmsg;
  readonly #sendCall = mmsg().sendmmsg;
  #errorQueue: ErrorQueue | null = null;

  constructor(layout: SockaddrLayout) {
    this.#layout = layout;
  }

  create(capacity: number, datagramBytes: number): LinuxDatagramBatch {
    check('capacity', capacity, MAX_BATCH_CAPACITY);
    check('datagramBytes', datagramBytes, MAX_DATAGRAM_BYTES);
    return new LinuxDatagramBatch(capacity, datagramBytes, this.#layout, this.#names);
  }

  receive(descriptor: number, batch: DatagramBatch): number {
    if (!(batch instanceof LinuxDatagramBatch) || batch.released) return -EINVAL;
    if (batch.ahead !== null) {
      const taken = batch.takeAhead();
      if (taken > 0) return taken;
    }
    batch.prepareReceive();
    const headers = batch.headersFrom(0);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const received = this.#receiveCall(descriptor, headers, batch.capacity, MSG_DONTWAIT, 0);
      if (received >= 0) return batch.received(received);
      const error = lastErrno();
      if (error === EINTR) continue;
      const taken = this.#takeErrors(descriptor, batch);
      // Without this, a queue of errors that nobody reads would make the socket look readable for ever.
      if (error === EAGAIN && taken === 0) return -EAGAIN;
      if (error === EAGAIN || (batch.errors !== null && !batch.failsOnErrors && (taken > 0 || attempt === 0))) continue;
      return -error;
    }
    return -EAGAIN;
  }

  send(descriptor: number, batch: DatagramBatch, from: number): number {
    if (!(batch instanceof LinuxDatagramBatch) || batch.released) return -EINVAL;
    if (from === 0) batch.refused = 0;
    if (batch.readsErrors) {
      this.#takeErrors(descriptor, batch);
      return batch.count;
    }
    const first = batch.messageFrom(from);
    const headers = batch.headersFrom(first);
    const count = batch.messages - first;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const sent = this.#sendCall(descriptor, headers, count, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent >= 0) return batch.datagramsIn(first, sent);
      const error = lastErrno();
      if (error === EAGAIN) return -EAGAIN;
      if (error === EINTR) continue;
      const taken = this.#takeErrors(descriptor, batch);
      if (batch.failsOnErrors) return -error;
      // An error that was pending is about an earlier datagram, and reporting it has cleared it: this one may go.
      if (batch.errors !== null && (taken > 0 || attempt === 0)) continue;
      if (!batch.skipsRefused) return -error;
      return refuse(batch, first, error);
    }
    return -EAGAIN;
  }

  #takeErrors(descriptor: number, batch: LinuxDatagramBatch): number {
    if (batch.errors === null) return 0;
    this.#errorQueue ??= new ErrorQueue(this.#layout);
    return this.#errorQueue.drain(descriptor, batch.errors);
  }
}

/** Counts the datagrams of a message as left out; gives how many they are, as if they were sent. */
function refuse(batch: LinuxDatagramBatch, message: number, error: number): number {
  const datagrams = batch.datagramsIn(message, 1);
  if (batch.refused === 0) batch.refusal = error;
  batch.refused += datagrams;
  return datagrams;
}

function check(name: string, value: number, maximum: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= maximum) return;
  throw new OutOfRangeError(`${name} must be an integer from 1 to ${maximum}, not ${value}`);
}
