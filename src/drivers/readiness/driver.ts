import type { MapPages } from '../../../native-bindings/memory.js';
import { ENDING, type Notifier, type NotifierWatch, READABLE, URGENT, WRITABLE } from '../../bsd/notifier.js';
import type { BsdStack } from '../../bsd/stack.js';
import type { AddressFamily, SocketAddress } from '../../port/address.js';
import { datagramsAhead } from '../../port/datagram-features.js';
import type { DatagramBatch } from '../../port/datagrams.js';
import type { Driver, DriverEvents, DriverStatistics, ShutdownHow, SocketType } from '../../port/driver.js';
import type { ErrorTable } from '../../port/error-names.js';
import type { Operation } from '../../port/operation.js';
import type { SocketOptionName, SocketOptionValue } from '../../port/socket-options.js';
import { Connections } from './connections.js';
import { Datagrams } from './datagrams.js';
import { LentBuffers } from './lent-buffers.js';
import { END_NONE, NOT_READY, READY, ReadySocket } from './ready-socket.js';
import { Receiver } from './receive.js';
import { Sender } from './send.js';
import { Waits } from './waits.js';

export interface ReadinessOptions {
  /** Bytes of one lent buffer, and how many the pool may lend before further ones come from the heap. */
  readonly bufferBytes?: number;
  readonly maxBuffers?: number;
  /** Where the pool's memory comes from; mmap(2) as Linux has it unless told otherwise. */
  readonly mapPages?: MapPages;
  /** See `Driver`; true unless told otherwise. */
  readonly listenersReuseAddress?: boolean;
  /** See `Driver`; true unless told otherwise. */
  readonly abortResets?: boolean;
}

interface Closing {
  readonly socket: ReadySocket;
  readonly reset: boolean;
  readonly closed: (unreadBytes: number) => void;
}

/**
 * A proactor emulated over any socket stack that can say which of its sockets are ready: an operation is tried when
 * its socket is believed to be ready for it, and otherwise waits for the notifier's report.
 */
export class ReadinessDriver implements Driver {
  readonly name = 'readiness';
  readonly errors: ErrorTable;
  readonly listenersReuseAddress: boolean;
  readonly abortResets: boolean;
  readonly #stack: BsdStack;
  readonly #events: DriverEvents;
  readonly #notifier: Notifier;
  readonly #buffers: LentBuffers;
  readonly #waits: Waits;
  readonly #receiver: Receiver;
  readonly #sender: Sender;
  readonly #connections: Connections;
  readonly #datagrams: Datagrams;
  readonly #watch: NotifierWatch;
  readonly #sockets: (ReadySocket | null)[] = [];
  readonly #generations: number[] = [];
  readonly #freeIndexes: number[] = [];
  readonly #closing: Closing[] = [];
  #openSockets = 0;
  #staleCompletions = 0;
  #delivering = false;
  #destroyed = false;
  readonly #sink = (index: number, generation: number, report: number) => this.#report(index, generation, report);

  /** The notifier is the driver's from here on: `destroy` closes it. */
  constructor(events: DriverEvents, stack: BsdStack, notifier: Notifier, options: ReadinessOptions = {}) {
    this.#events = events;
    this.#stack = stack;
    this.#notifier = notifier;
    this.errors = stack.errors;
    this.listenersReuseAddress = options.listenersReuseAddress ?? true;
    this.abortResets = options.abortResets ?? true;
    this.#buffers = new LentBuffers(options.bufferBytes ?? 4096, options.maxBuffers ?? 8192, options.mapPages);
    this.#waits = new Waits(stack, notifier, () => this.#nextTurn());
    this.#receiver = new Receiver(this.#waits, this.#buffers);
    this.#sender = new Sender(this.#waits, this.#buffers);
    this.#connections = new Connections(this.#waits, (descriptor, listener) =>
      this.#adopt(descriptor, listener.family, 'stream'),
    );
    this.#datagrams = new Datagrams(this.#waits);
    this.#watch = notifier.watch(() => this.#wake());
    this.#watch.unref();
  }

  open(family: AddressFamily, type: SocketType): ReadySocket | number {
    const descriptor = this.#stack.socket(family, type, true);
    return descriptor < 0 ? -descriptor : this.#adopt(descriptor, family, type);
  }

  bind(socket: ReadySocket, address: SocketAddress): number {
    return 0 - this.#stack.bind(socket.descriptor, address);
  }

  listen(socket: ReadySocket, backlog: number): number {
    return 0 - this.#stack.listen(socket.descriptor, backlog);
  }

  localAddress(socket: ReadySocket): SocketAddress | null {
    return this.#stack.localAddress(socket.descriptor);
  }

  remoteAddress(socket: ReadySocket): SocketAddress | null {
    return this.#stack.remoteAddress(socket.descriptor);
  }

  setOption(socket: ReadySocket, name: SocketOptionName, value: SocketOptionValue): number {
    return 0 - this.#stack.setOption(socket.descriptor, name, value, socket.family);
  }

  getOption(socket: ReadySocket, name: SocketOptionName): number {
    return this.#stack.getOption(socket.descriptor, name, socket.family);
  }

  membership(socket: ReadySocket, group: SocketAddress, localInterface: string, join: boolean): number {
    return 0 - this.#stack.membership(socket.descriptor, group, localInterface, join);
  }

  shutdown(socket: ReadySocket, how: ShutdownHow): number {
    // The reset may have been heard only here: under Wine the stack would say that it has sent a FIN, to nobody.
    const { notConnected } = this.#waits.numbers;
    if (socket.wasReset && notConnected > 0) return notConnected;
    return 0 - this.#stack.shutdown(socket.descriptor, how);
  }

  start(operation: Operation): boolean {
    const socket = operation.socket as ReadySocket;
    switch (operation.kind) {
      case 'recv':
      case 'accept':
        return this.#startReceiving(socket, operation, socket.readable !== NOT_READY);
      case 'recvBatch': {
        const ahead = operation.batch !== null && datagramsAhead(operation.batch) > 0;
        return this.#startReceiving(socket, operation, ahead || socket.readable !== NOT_READY);
      }
      case 'send':
        this.#sender.prepare(socket, operation);
        return this.#startSending(socket, operation, socket.writable);
      case 'sendBatch':
        operation.bytesTransferred = 0;
        // Tried in any case: it may only ask for the errors that came back.
        return this.#startSending(socket, operation, true);
      case 'connect':
        return this.#connections.connect(socket, operation) || this.#waitToSend(socket, operation);
    }
  }

  cancel(operation: Operation): void {
    this.#waits.cancelsToSettle.push(operation);
  }

  unreadBytes(socket: ReadySocket): number {
    // Nothing lies in the stack behind an end.
    return socket.recvEnd === END_NONE ? this.#stack.unreadBytes(socket.descriptor) : 0;
  }

  close(socket: ReadySocket, reset: boolean, closed: (unreadBytes: number) => void): void {
    // In the midst of a delivery the notifier may still have a report about the socket.
    if (!this.#delivering && socket.recvOperation === null && socket.sendOperation === null) {
      this.#closeNow(socket, reset, closed);
      return;
    }
    this.#closing.push({ socket, reset, closed });
    this.#events.flushWanted();
  }

  lentBytes(buffer: number, offset: number, length: number): Uint8Array {
    return this.#buffers.bytes(buffer, offset, length);
  }

  retainLent(buffer: number): void {
    this.#buffers.retain(buffer);
  }

  releaseLent(buffer: number): void {
    this.#buffers.release(buffer);
  }

  createBatch(capacity: number, datagramBytes: number): DatagramBatch {
    return this.#stack.createBatch(capacity, datagramBytes);
  }

  flush(): void {
    if (this.#waits.cancelsToSettle.length > 0) this.#settleCancels();
    while (this.#closing.length > 0) this.#endAndClose(this.#closing.shift() as Closing);
  }

  setReferenced(referenced: boolean): void {
    if (referenced) this.#watch.ref();
    else this.#watch.unref();
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#watch.close();
    for (const socket of this.#sockets) if (socket !== null) this.#stack.close(socket.descriptor);
    this.#waits.close();
  }

  statistics(): DriverStatistics {
    let pendingRequests = 0;
    for (const socket of this.#sockets) {
      if (socket?.recvOperation) pendingRequests++;
      if (socket?.sendOperation) pendingRequests++;
    }
    return {
      openSockets: this.#openSockets,
      pendingRequests,
      lentBuffers: this.#buffers.lent,
      staleCompletions: this.#staleCompletions,
    };
  }

  #adopt(descriptor: number, family: AddressFamily, type: SocketType): ReadySocket {
    const index = this.#freeIndexes.pop() ?? this.#sockets.length;
    const generation = this.#generations[index] ?? 0;
    const socket = new ReadySocket(descriptor, family, type, index, generation);
    this.#sockets[index] = socket;
    this.#openSockets++;
    return socket;
  }

  #startReceiving(socket: ReadySocket, operation: Operation, believed: boolean): boolean {
    if (believed && !this.#waits.mayTry) {
      socket.recvOperation = operation;
      this.#waits.postpone(socket);
      return false;
    }
    if (believed && this.#receive(socket, operation)) {
      this.#waits.spend(operation);
      return true;
    }
    const failed = this.#waits.forReadable(socket);
    if (failed !== 0) return operation.failed(failed);
    socket.recvOperation = operation;
    return false;
  }

  #startSending(socket: ReadySocket, operation: Operation, believed: boolean): boolean {
    if (believed && !this.#waits.mayTry) {
      socket.sendOperation = operation;
      this.#sender.retain(socket, operation);
      this.#waits.postpone(socket);
      return false;
    }
    if (believed && this.#send(socket, operation)) {
      this.#waits.spend(operation);
      return true;
    }
    return this.#waitToSend(socket, operation);
  }

  #waitToSend(socket: ReadySocket, operation: Operation): boolean {
    const failed = this.#waits.forWritable(socket);
    if (failed !== 0) return operation.failed(failed);
    socket.sendOperation = operation;
    this.#sender.retain(socket, operation);
    return false;
  }

  #receive(socket: ReadySocket, operation: Operation): boolean {
    switch (operation.kind) {
      case 'recv':
        return this.#receiver.attempt(socket, operation);
      case 'accept':
        return this.#connections.attemptAccept(socket, operation);
      default:
        return this.#datagrams.attemptReceive(socket, operation);
    }
  }

  #send(socket: ReadySocket, operation: Operation): boolean {
    switch (operation.kind) {
      case 'send':
        return this.#sender.attempt(socket, operation);
      case 'connect':
        return this.#connections.attemptConnect(socket, operation);
      default:
        return this.#datagrams.attemptSend(socket, operation);
    }
  }

  /** The host's event loop says that the notifier has something. */
  #wake(): void {
    this.#waits.startTurn();
    this.#deliver();
    this.#events.flushWanted();
  }

  /** A new turn of the host's event loop, for what was postponed in the last one. */
  #nextTurn(): void {
    this.#waits.startTurn();
    this.#delivering = true;
    for (const socket of this.#waits.takePostponed()) {
      this.#continueReceiving(socket);
      this.#continueSending(socket);
    }
    this.#delivering = false;
    this.#events.flushWanted();
  }

  #deliver(): boolean {
    this.#delivering = true;
    const more = this.#notifier.wait(this.#sink);
    this.#delivering = false;
    return more;
  }

  #report(index: number, generation: number, report: number): void {
    const socket = this.#sockets[index];
    if (!socket || socket.generation !== generation) {
      this.#staleCompletions++;
      return;
    }
    if ((report & (ENDING | URGENT)) !== 0) {
      socket.shortMeansEmpty = false;
      if ((report & ENDING) !== 0) socket.ending = true;
    }
    if ((report & READABLE) !== 0) {
      socket.readable = READY;
      if (socket.recvOperation !== null) this.#continueReceiving(socket);
    }
    if ((report & WRITABLE) !== 0) {
      socket.writable = true;
      if (socket.sendOperation !== null) this.#continueSending(socket);
    }
  }

  #continueReceiving(socket: ReadySocket): void {
    const operation = socket.recvOperation;
    if (operation === null) return;
    if (!this.#receive(socket, operation)) {
      const failed = this.#waits.forReadable(socket);
      if (failed === 0) return;
      operation.failed(failed);
    }
    socket.recvOperation = null;
    this.#events.completed(operation);
  }

  #continueSending(socket: ReadySocket): void {
    const operation = socket.sendOperation;
    if (operation === null) return;
    if (!this.#send(socket, operation)) {
      const failed = this.#waits.forWritable(socket);
      if (failed === 0) return;
      operation.failed(failed);
    }
    this.#endSending(socket, operation);
  }

  #endSending(socket: ReadySocket, operation: Operation): void {
    socket.sendOperation = null;
    this.#sender.release(socket);
    this.#events.completed(operation);
  }

  /** Ends what was cancelled, unless what it waits for is there by now (SEMANTICS 2). */
  #settleCancels(): void {
    const rounds = 1 + this.#openSockets / this.#notifier.reportsPerWait;
    for (let round = 0; round < rounds; round++) if (!this.#deliver()) break;
    const operations = this.#waits.cancelsToSettle;
    // An operation that has ended meanwhile may be free or stand for another one: only its socket knows.
    for (const operation of operations) {
      if (operation.state === 'cancelling') this.#settleCancel(operation.socket as ReadySocket, operation);
    }
    operations.length = 0;
  }

  #settleCancel(socket: ReadySocket, operation: Operation): void {
    // One that was postponed has not been tried: a timeout of 0 still takes what is there.
    if (socket.recvOperation === operation) {
      if (!socket.postponed || !this.#receive(socket, operation)) operation.cancelled();
      socket.recvOperation = null;
      this.#events.completed(operation);
    } else if (socket.sendOperation === operation) {
      if (!socket.postponed || !this.#send(socket, operation)) operation.cancelled();
      this.#endSending(socket, operation);
    }
  }

  /** Operations should have ended before a close; those that have not are aborted by it. */
  #endAndClose({ socket, reset, closed }: Closing): void {
    const { recvOperation, sendOperation } = socket;
    if (recvOperation !== null) {
      socket.recvOperation = null;
      recvOperation.cancelled();
      this.#events.completed(recvOperation);
    }
    if (sendOperation !== null) {
      sendOperation.cancelled();
      this.#endSending(socket, sendOperation);
    }
    this.#closeNow(socket, reset, closed);
  }

  #closeNow(socket: ReadySocket, reset: boolean, closed: (unreadBytes: number) => void): void {
    const unread = this.unreadBytes(socket);
    this.#waits.forget(socket);
    // Most stacks reset by themselves for bytes nobody took (RFC 2525 section 2.17), but not all do.
    if (reset || unread > 0) this.#stack.lingerZero(socket.descriptor);
    this.#stack.close(socket.descriptor);
    socket.descriptor = -1;
    this.#sockets[socket.index] = null;
    this.#generations[socket.index] = (socket.generation + 1) | 0;
    this.#freeIndexes.push(socket.index);
    this.#openSockets--;
    closed(unread);
  }
}
