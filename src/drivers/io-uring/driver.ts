import type { DescriptorWatch } from '../../../native-bindings/ffi.js';
import { IORING_ENTER_GETEVENTS } from '../../../native-bindings/linux/io-uring.js';
import { watchDescriptor } from '../../../native-bindings/posix/watch.js';
import type { BsdStack } from '../../bsd/stack.js';
import type { AddressFamily, SocketAddress } from '../../port/address.js';
import type { DatagramBatch } from '../../port/datagrams.js';
import type { Driver, DriverEvents, DriverStatistics, ShutdownHow, SocketType } from '../../port/driver.js';
import type { ErrorTable } from '../../port/error-names.js';
import type { Operation } from '../../port/operation.js';
import type { SocketOptionName, SocketOptionValue } from '../../port/socket-options.js';
import { Connections } from './connections.js';
import { Datagrams } from './datagrams.js';
import { ProvidedBuffers } from './provided-buffers.js';
import { Receiver } from './receive.js';
import { Requests } from './requests.js';
import { Ring } from './ring.js';
import * as request from './ring-socket.js';
import { INDEX_BITS, INDEX_MASK, RingSocket } from './ring-socket.js';
import { Sender } from './send.js';
import { SendSlabs } from './send-slabs.js';

export interface IoUringOptions {
  /** Submissions collected before they are handed over early. A power of two. */
  readonly entries?: number;
  readonly completionEntries?: number;
  /** Bytes of one receive buffer; how many there are at first, and how many there may be (a power of two). */
  readonly bufferBytes?: number;
  readonly initialBuffers?: number;
  readonly maxBuffers?: number;
}

// A busy peer could keep one flush going for ever; the rest waits for the next turn of the host's event loop.
const ROUNDS_PER_FLUSH = 8;
const ROUNDS_PER_TURN = 16;

const BUFFER_GROUP = 0;

/** io_uring: completions straight from the kernel. Linux 6.0 and later, where the kernel lets us. */
export class IoUringDriver implements Driver {
  readonly name = 'io_uring';
  readonly listenersReuseAddress = true;
  readonly errors: ErrorTable;
  readonly #stack: BsdStack;
  readonly #events: DriverEvents;
  readonly #ring: Ring;
  readonly #buffers: ProvidedBuffers;
  readonly #requests: Requests;
  readonly #receiver: Receiver;
  readonly #sender: Sender;
  readonly #connections: Connections;
  readonly #datagrams: Datagrams;
  readonly #watch: DescriptorWatch;
  readonly #sockets: (RingSocket | null)[] = [];
  readonly #generations: number[] = [];
  readonly #freeIndexes: number[] = [];
  #openSockets = 0;
  #closingSockets = 0;
  #referenced = false;
  #staleCompletions = 0;
  #roundsLeft = ROUNDS_PER_TURN;
  #destroyed = false;
  readonly #flushLater = () => this.#events.flushWanted();
  readonly #sink = (low: number, high: number, result: number, flags: number) =>
    this.#completion(low, high, result, flags);

  constructor(events: DriverEvents, stack: BsdStack, options: IoUringOptions = {}) {
    this.#events = events;
    this.#stack = stack;
    this.errors = stack.errors;
    this.#ring = new Ring({
      entries: options.entries ?? 4096,
      completionEntries: options.completionEntries ?? 16384,
    });
    const initial = options.initialBuffers ?? 256;
    const maximum = options.maxBuffers ?? 8192;
    this.#buffers = new ProvidedBuffers(this.#ring.fd, BUFFER_GROUP, options.bufferBytes ?? 2048, initial, maximum);
    this.#requests = new Requests(this.#ring, this.#buffers, new SendSlabs(), stack, events);
    this.#receiver = new Receiver(this.#requests);
    this.#sender = new Sender(this.#requests, this.#receiver);
    this.#connections = new Connections(this.#requests, (descriptor, listener) =>
      this.#adopt(descriptor, listener.family, 'stream'),
    );
    this.#datagrams = new Datagrams(this.#requests);
    this.#watch = watchDescriptor(this.#ring.fd, () => this.#wake());
    this.#watch.unref();
  }

  open(family: AddressFamily, type: SocketType): RingSocket | number {
    // Not O_NONBLOCK: the ring would then answer EAGAIN instead of waiting.
    const descriptor = this.#stack.socket(family, type, false);
    return descriptor < 0 ? -descriptor : this.#adopt(descriptor, family, type);
  }

  bind(socket: RingSocket, address: SocketAddress): number {
    return 0 - this.#stack.bind(socket.descriptor, address);
  }

  listen(socket: RingSocket, backlog: number): number {
    return 0 - this.#stack.listen(socket.descriptor, backlog);
  }

  localAddress(socket: RingSocket): SocketAddress | null {
    return this.#stack.localAddress(socket.descriptor);
  }

  remoteAddress(socket: RingSocket): SocketAddress | null {
    return this.#stack.remoteAddress(socket.descriptor);
  }

  setOption(socket: RingSocket, name: SocketOptionName, value: SocketOptionValue): number {
    return 0 - this.#stack.setOption(socket.descriptor, name, value, socket.family);
  }

  getOption(socket: RingSocket, name: SocketOptionName): number {
    return this.#stack.getOption(socket.descriptor, name, socket.family);
  }

  membership(socket: RingSocket, group: SocketAddress, localInterface: string, join: boolean): number {
    return 0 - this.#stack.membership(socket.descriptor, group, localInterface, join);
  }

  shutdown(socket: RingSocket, how: ShutdownHow): number {
    return 0 - this.#stack.shutdown(socket.descriptor, how);
  }

  start(operation: Operation): boolean {
    const socket = operation.socket as RingSocket;
    switch (operation.kind) {
      case 'recv':
        return this.#receiver.start(socket, operation);
      case 'send':
        return this.#sender.start(socket, operation);
      case 'accept':
        return this.#connections.startAccept(socket, operation);
      case 'connect':
        return this.#connections.startConnect(socket, operation);
      case 'recvBatch':
        return this.#datagrams.startReceive(socket, operation);
      case 'sendBatch':
        return this.#datagrams.startSend(socket, operation);
    }
  }

  cancel(operation: Operation): void {
    const socket = operation.socket as RingSocket;
    switch (operation.kind) {
      case 'recv':
      case 'accept':
      case 'recvBatch':
      case 'sendBatch':
        // The kernel's request serves the socket, not the operation: it stays, and what it brings is for the next.
        this.#requests.cancelsToSettle.push(operation);
        return;
      case 'send':
        return this.#sender.cancel(socket, operation);
      case 'connect':
        return this.#requests.cancel(socket, request.REQUEST_CONNECT);
    }
  }

  receivedAhead(socket: RingSocket): boolean {
    return socket.inboxHead !== -1 || socket.recvEnd !== request.END_NONE || (socket.accepted?.length ?? 0) > 0;
  }

  unreadBytes(socket: RingSocket): number {
    // Nothing lies in the kernel behind an end.
    if (socket.recvEnd !== request.END_NONE) return socket.inboxBytes;
    return socket.inboxBytes + this.#stack.unreadBytes(socket.descriptor);
  }

  close(socket: RingSocket, reset: boolean, closed: (unreadBytes: number) => void): void {
    socket.ending ??= new request.Ending();
    socket.ending.closed = closed;
    socket.ending.reset = reset;
    this.#closingSockets++;
    for (let kind = request.REQUEST_RECV; kind < request.REQUEST_CANCEL; kind++) {
      this.#requests.cancel(socket, kind as request.RequestKind);
    }
    this.#closeIfReaped(socket);
    this.#updateReference();
    this.#events.flushWanted();
  }

  lentBytes(buffer: number, offset: number, length: number): Uint8Array {
    return this.#receiver.bytes(buffer, offset, length);
  }

  retainLent(buffer: number): void {
    this.#receiver.retain(buffer);
  }

  releaseLent(buffer: number): void {
    this.#receiver.release(buffer);
  }

  createBatch(capacity: number, datagramBytes: number): DatagramBatch {
    return this.#stack.createBatch(capacity, datagramBytes);
  }

  flush(): void {
    for (let round = 0; round < ROUNDS_PER_FLUSH; round++) {
      const cancels = this.#requests.cancelsToSettle.length > 0;
      if (cancels || this.#ring.unsubmitted > 0 || this.#ring.overflowed) this.#ring.submit(IORING_ENTER_GETEVENTS);
      // What the kernel did not take waits until it is rid of its completions, so they are taken past all fairness.
      if (cancels || this.#roundsLeft > 0 || this.#ring.unsubmitted > 0) {
        this.#roundsLeft--;
        this.#ring.drain(this.#sink);
      }
      this.#settleCancels();
      if (this.#ring.unsubmitted === 0) return;
    }
    // Not at the end of this callback, which could go on for ever: in the next turn of the event loop.
    setImmediate(this.#flushLater);
  }

  setReferenced(referenced: boolean): void {
    this.#referenced = referenced;
    this.#updateReference();
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#watch.close();
    for (const socket of this.#sockets) {
      if (socket === null) continue;
      this.#stack.close(socket.descriptor);
      // Whatever was put off must not reach a descriptor that somebody else has by then.
      socket.descriptor = -1;
    }
    this.#ring.close();
  }

  statistics(): DriverStatistics {
    return {
      openSockets: this.#openSockets,
      pendingRequests: this.#requests.pending,
      lentBuffers: this.#receiver.lentBuffers,
      staleCompletions: this.#staleCompletions,
    };
  }

  #adopt(descriptor: number, family: AddressFamily, type: SocketType): RingSocket {
    const index = this.#freeIndexes.pop() ?? this.#sockets.length;
    const generation = this.#generations[index] ?? 0;
    const socket = new RingSocket(descriptor, family, type, index, generation);
    this.#sockets[index] = socket;
    this.#openSockets++;
    return socket;
  }

  /** The host's event loop says the ring is readable. */
  #wake(): void {
    this.#roundsLeft = ROUNDS_PER_TURN;
    if (this.#ring.overflowed) this.#ring.submit(IORING_ENTER_GETEVENTS);
    this.#ring.drain(this.#sink);
    this.#events.flushWanted();
  }

  #completion(low: number, high: number, result: number, flags: number): void {
    const socket = this.#sockets[low & INDEX_MASK];
    if (!socket || socket.generation !== high) {
      this.#staleCompletions++;
      return;
    }
    switch (low >>> INDEX_BITS) {
      case request.REQUEST_RECV:
        this.#receiver.received(socket, result, flags);
        break;
      case request.REQUEST_SEND:
        this.#sender.sent(socket, result, flags);
        break;
      case request.REQUEST_ACCEPT:
        this.#connections.accepted(socket, result, flags);
        break;
      case request.REQUEST_CONNECT:
        this.#connections.connected(socket, result, flags);
        break;
      case request.REQUEST_POLL_IN:
        if (socket.type === 'datagram') this.#datagrams.readable(socket, result, flags);
        else this.#receiver.readable(socket, result, flags);
        break;
      case request.REQUEST_POLL_OUT:
        this.#datagrams.writable(socket, result, flags);
        break;
      case request.REQUEST_CANCEL:
        this.#requests.cancelEnded(socket);
        break;
    }
    if (socket.closing) this.#closeIfReaped(socket);
  }

  #settleCancels(): void {
    const operations = this.#requests.cancelsToSettle;
    // An operation that has ended meanwhile may be free or stand for another one: only its socket knows.
    for (const operation of operations) {
      if (operation.state !== 'cancelling') continue;
      const socket = operation.socket as RingSocket;
      switch (operation.kind) {
        case 'recv':
          this.#receiver.settleCancel(socket, operation);
          break;
        case 'accept':
          this.#connections.settleCancelAccept(socket, operation);
          break;
        case 'send':
          this.#sender.settleCancel(socket, operation);
          break;
        case 'recvBatch':
        case 'sendBatch':
          this.#datagrams.settleCancel(socket, operation);
          break;
        case 'connect':
          break;
      }
    }
    operations.length = 0;
  }

  #closeIfReaped(socket: RingSocket): void {
    const { ending } = socket;
    const closed = ending?.closed;
    if (!ending || !closed || socket.requests !== 0 || ending.cancelsInFlight !== 0) return;
    ending.closed = null;
    this.#closingSockets--;
    const unread = this.unreadBytes(socket);
    this.#receiver.discard(socket);
    this.#connections.discard(socket);
    // The kernel resets by itself for bytes in its own buffer, and has to be asked to for those in ours.
    if (ending.reset || unread > 0) this.#stack.lingerZero(socket.descriptor);
    this.#stack.close(socket.descriptor);
    socket.descriptor = -1;
    this.#sockets[socket.index] = null;
    this.#generations[socket.index] = (socket.generation + 1) | 0;
    this.#freeIndexes.push(socket.index);
    this.#openSockets--;
    this.#updateReference();
    closed(unread);
  }

  /** A socket that is being closed keeps the process alive until its requests are reaped: without that no RST is sent. */
  #updateReference(): void {
    if (this.#referenced || this.#closingSockets > 0) this.#watch.ref();
    else this.#watch.unref();
  }
}
