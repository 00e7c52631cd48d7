import { WSAENOTCONN } from '../../../native-bindings/windows/winerror.js';
import type { AddressFamily, SocketAddress } from '../../port/address.js';
import type { DatagramBatch } from '../../port/datagrams.js';
import type { Driver, DriverEvents, DriverStatistics, ShutdownHow, SocketType } from '../../port/driver.js';
import type { Operation } from '../../port/operation.js';
import type { SocketOptionName, SocketOptionValue } from '../../port/socket-options.js';
import { CompletionPort } from './completion-port.js';
import { Connections } from './connections.js';
import { Datagrams } from './datagrams.js';
import { winsockErrors } from './errors.js';
import { LentBuffers } from './lent-buffers.js';
import { changeMembership } from './multicast.js';
import * as request from './port-socket.js';
import { PortSocket } from './port-socket.js';
import { Receiver } from './receive.js';
import { Requests } from './requests.js';
import { Sender } from './send.js';
import { Shared } from './shared.js';
import { Winsock } from './winsock.js';

export interface IocpOptions {
  /** Bytes of one lent buffer, and how many the pool may lend before further ones come from the heap. */
  readonly bufferBytes?: number;
  readonly maxBuffers?: number;
  /** Requests that the kernel may hold. Whoever wants another one fails with ENOBUFS. */
  readonly maxRequests?: number;
}

/** Generations that a completion key has room for beside the index, in a number that stays exact. */
const GENERATIONS = 1 << 20;

/** Looks in vain at the port after which at most every 32nd wake is followed by another one. */
const MAX_EMPTY_DRAINS = 5;

/** Overlapped Winsock requests and a completion port. Windows 10 and later; runs under Wine. */
export class IocpDriver implements Driver {
  readonly name = 'iocp';
  readonly errors = winsockErrors;
  readonly listenersReuseAddress = false;
  readonly #winsock = new Winsock();
  readonly #events: DriverEvents;
  readonly #port: CompletionPort;
  readonly #shared: Shared;
  readonly #receiver: Receiver;
  readonly #sender: Sender;
  readonly #connections: Connections;
  readonly #datagrams: Datagrams;
  readonly #sockets: (PortSocket | null)[] = [];
  readonly #generations: number[] = [];
  readonly #freeIndexes: number[] = [];
  #openSockets = 0;
  #closingSockets = 0;
  #staleCompletions = 0;
  #emptyDrains = 0;
  #wakesToSkip = 0;
  #referenced = false;
  #destroyed = false;
  readonly #sink = (keyLow: number, keyHigh: number, overlapped: number, bytes: number) =>
    this.#completion(keyLow, keyHigh, overlapped, bytes);

  constructor(events: DriverEvents, options: IocpOptions = {}) {
    this.#events = events;
    this.#port = new CompletionPort(() => this.#wake());
    const buffers = new LentBuffers(options.bufferBytes ?? 4096, options.maxBuffers ?? 8192);
    const requests = new Requests(this.#port, this.#winsock, options.maxRequests);
    this.#shared = new Shared(this.#winsock, this.#port, requests, buffers, events, () => this.#nextTurn());
    this.#receiver = new Receiver(this.#shared);
    this.#sender = new Sender(this.#shared);
    const datagrams = new Datagrams(this.#shared);
    this.#datagrams = datagrams;
    this.#connections = new Connections(
      this.#shared,
      (handle, listener) => this.#adopt(handle, listener.family, 'stream'),
      (socket) => datagrams.listen(socket),
    );
  }

  open(family: AddressFamily, type: SocketType): PortSocket | number {
    const handle = this.#winsock.socket(family, type);
    if (handle < 0) return -handle;
    const socket = this.#adopt(handle, family, type);
    if (typeof socket === 'number') this.#winsock.close(handle);
    return socket;
  }

  bind(socket: PortSocket, address: SocketAddress, toListen = false): number {
    const open = toListen ? this.#winsock.keepPort(socket.descriptor) : 0;
    const failed = 0 - (open === 0 ? this.#winsock.bind(socket.descriptor, address) : open);
    if (failed === 0) socket.bound = true;
    return failed;
  }

  listen(socket: PortSocket, backlog: number): number {
    return 0 - this.#winsock.listen(socket.descriptor, backlog);
  }

  localAddress(socket: PortSocket): SocketAddress | null {
    return this.#winsock.localAddress(socket.descriptor);
  }

  remoteAddress(socket: PortSocket): SocketAddress | null {
    return this.#winsock.remoteAddress(socket.descriptor);
  }

  setOption(socket: PortSocket, name: SocketOptionName, value: SocketOptionValue): number {
    return 0 - this.#winsock.setOption(socket.descriptor, name, value, socket.family);
  }

  getOption(socket: PortSocket, name: SocketOptionName): number {
    return this.#winsock.getOption(socket.descriptor, name, socket.family);
  }

  membership(socket: PortSocket, group: SocketAddress, localInterface: string, join: boolean): number {
    return 0 - changeMembership(this.#winsock, socket.descriptor, group, localInterface, join);
  }

  shutdown(socket: PortSocket, how: ShutdownHow): number {
    // The peer's reset may have been heard only here (see Receiver): the system would send a FIN to nobody.
    if (socket.wasReset) return WSAENOTCONN;
    const failed = 0 - this.#winsock.shutdown(socket.descriptor, how);
    if (failed !== 0) return failed;
    if (how !== 'recv') socket.shutSend = true;
    if (how !== 'send') this.#receiver.shut(socket);
    return 0;
  }

  start(operation: Operation): boolean {
    const socket = operation.socket as PortSocket;
    switch (operation.kind) {
      case 'recv':
        return this.#receiver.start(socket, operation) || this.#started();
      case 'send':
        return this.#sender.start(socket, operation) || this.#started();
      case 'accept':
        return this.#connections.startAccept(socket, operation) || this.#started();
      case 'connect':
        return this.#connections.startConnect(socket, operation) || this.#started();
      case 'recvBatch':
        return this.#datagrams.startReceive(socket, operation) || this.#started();
      case 'sendBatch':
        return this.#datagrams.startSend(socket, operation) || this.#started();
    }
  }

  cancel(operation: Operation): void {
    const socket = operation.socket as PortSocket;
    switch (operation.kind) {
      case 'recv':
      case 'accept':
        // The kernel's request serves the socket, not the operation: it stays, and what it brings is for the next.
        this.#shared.cancelsToSettle.push(operation);
        break;
      case 'recvBatch':
      case 'sendBatch':
        this.#datagrams.cancel(socket, operation);
        break;
      case 'send':
        this.#sender.cancel(socket, operation);
        break;
      case 'connect':
        if (socket.sendSlot !== request.NO_SLOT) this.#shared.requests.cancel(socket, socket.sendSlot);
        break;
    }
    this.#events.flushWanted();
  }

  unreadBytes(socket: PortSocket): number {
    return this.#winsock.unreadBytes(socket.descriptor);
  }

  close(socket: PortSocket, reset: boolean, closed: (unreadBytes: number) => void): void {
    socket.closed = closed;
    socket.resetOnClose = reset;
    this.#closingSockets++;
    this.#shared.requests.cancelAll(socket);
    this.#closeIfReaped(socket);
    this.#events.flushWanted();
  }

  lentBytes(buffer: number, offset: number, length: number): Uint8Array {
    return this.#shared.buffers.bytes(buffer, offset, length);
  }

  retainLent(buffer: number): void {
    this.#shared.buffers.retain(buffer);
  }

  releaseLent(buffer: number): void {
    this.#shared.buffers.release(buffer);
  }

  createBatch(capacity: number, datagramBytes: number): DatagramBatch {
    return this.#datagrams.create(capacity, datagramBytes);
  }

  flush(): void {
    if (this.#destroyed) return;
    if (this.#shared.cancelsToSettle.length > 0 || this.#closingSockets > 0) {
      this.#takeCompletions();
      this.#settleCancels();
    }
    this.#sender.stage();
    if (this.#shared.requests.pending > 0) this.#port.waiter.watch();
    this.#updateReference();
  }

  setReferenced(referenced: boolean): void {
    this.#referenced = referenced;
    this.#updateReference();
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#port.close();
    for (const socket of this.#sockets) {
      if (socket === null) continue;
      for (const { handle } of socket.accepting?.inFlight.values() ?? []) this.#winsock.close(handle);
      this.#winsock.close(socket.descriptor);
    }
  }

  statistics(): DriverStatistics {
    return {
      openSockets: this.#openSockets,
      pendingRequests: this.#shared.requests.pending,
      lentBuffers: this.#shared.buffers.lent,
      staleCompletions: this.#staleCompletions,
    };
  }

  #adopt(handle: number, family: AddressFamily, type: SocketType): PortSocket | number {
    const index = this.#freeIndexes.pop() ?? this.#sockets.length;
    const generation = this.#generations[index] ?? 0;
    const failed = this.#port.associate(handle, index, generation);
    if (failed !== 0) {
      if (index < this.#sockets.length) this.#freeIndexes.push(index);
      return failed;
    }
    const skipsSuccess = this.#winsock.skipsSuccess(handle, family, type);
    const socket = new PortSocket(handle, family, type, index, generation, skipsSuccess);
    this.#sockets[index] = socket;
    this.#openSockets++;
    return socket;
  }

  /** Whoever starts an operation that does not end at once wants the port to be watched. */
  #started(): false {
    this.#events.flushWanted();
    return false;
  }

  /** In a callback of the host's: the waiting thread has something, or may have. */
  #wake(): void {
    if (this.#destroyed) return;
    this.#shared.startTurn();
    const delivered = this.#port.takeDelivered(this.#sink);
    if (this.#port.waiter.starting) this.#port.drain(this.#sink);
    else if (delivered > 0) this.#drainIfItPays();
    this.#events.flushWanted();
  }

  #takeCompletions(): void {
    this.#port.takeDelivered(this.#sink);
    this.#port.drain(this.#sink);
  }

  /**
   * Looks for more behind what the waiting thread has brought. Under load there is more, and taking it here spares a
   * change of threads; otherwise the look is in vain (0.1 ms of it under Wine), and is made ever more rarely.
   */
  #drainIfItPays(): void {
    if (this.#wakesToSkip-- > 0) return;
    const found = this.#port.drain(this.#sink) > 0;
    this.#emptyDrains = found ? 0 : Math.min(this.#emptyDrains + 1, MAX_EMPTY_DRAINS);
    this.#wakesToSkip = found ? 0 : 1 << this.#emptyDrains;
  }

  /** A new turn of the host's event loop, for what was postponed in the last one. */
  #nextTurn(): void {
    if (this.#destroyed) return;
    this.#shared.startTurn();
    for (const socket of this.#shared.takePostponed()) {
      if (socket.closing) continue;
      if (socket.type === 'datagram') {
        this.#datagrams.goOnReceiving(socket);
        this.#datagrams.goOnSending(socket);
      } else if (socket.accepting !== null) this.#connections.goOn(socket);
      else {
        this.#receiver.goOn(socket);
        this.#sender.goOn(socket);
      }
    }
    this.#events.flushWanted();
  }

  #completion(keyLow: number, keyHigh: number, overlapped: number, bytes: number): void {
    const socket = this.#sockets[keyLow];
    const slot = this.#shared.requests.slotAt(overlapped, keyLow);
    const { requests } = this.#shared;
    if (!socket || socket.generation !== keyHigh || slot === request.NO_SLOT || requests.isPending(slot)) {
      if (!requests.strayCame()) this.#staleCompletions++;
      return;
    }
    const kind = requests.kindOf(slot);
    const error = requests.ended(socket, slot);
    switch (kind) {
      case request.REQUEST_RECEIVE:
        if (socket.type === 'datagram') this.#datagrams.readable(socket, error);
        else this.#receiver.readable(socket, error);
        break;
      case request.REQUEST_SEND:
        if (socket.type === 'datagram') this.#datagrams.sent(socket, error);
        else this.#sender.sent(socket, error, bytes);
        break;
      case request.REQUEST_CONNECT:
        this.#connections.connected(socket, error);
        break;
      case request.REQUEST_ACCEPT:
        this.#connections.accepted(socket, slot, error);
        break;
    }
    if (socket.closing) this.#closeIfReaped(socket);
  }

  #settleCancels(): void {
    const operations = this.#shared.cancelsToSettle;
    // An operation that has ended meanwhile may be free or stand for another one: only its socket knows.
    for (const operation of operations) {
      if (operation.state !== 'cancelling') continue;
      const socket = operation.socket as PortSocket;
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

  #closeIfReaped(socket: PortSocket): void {
    const { closed } = socket;
    if (closed === null || socket.requests > 0) return;
    socket.closed = null;
    this.#closingSockets--;
    const unread = this.unreadBytes(socket);
    for (const connection of this.#connections.unaccepted(socket)) this.#release(connection, true);
    this.#release(socket, socket.resetOnClose || (unread > 0 && socket.type === 'stream'));
    closed(unread);
  }

  #release(socket: PortSocket, reset: boolean): void {
    if (reset) this.#winsock.lingerZero(socket.descriptor);
    this.#winsock.close(socket.descriptor);
    socket.descriptor = -1;
    this.#sockets[socket.index] = null;
    this.#generations[socket.index] = (socket.generation + 1) % GENERATIONS;
    this.#freeIndexes.push(socket.index);
    this.#openSockets--;
  }

  /** A socket that is being closed keeps the process alive until its requests are reaped. */
  #updateReference(): void {
    this.#port.waiter.setReferenced(this.#referenced || this.#closingSockets > 0);
  }
}
