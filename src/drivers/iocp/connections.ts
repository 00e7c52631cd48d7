import {
  ERROR_NETNAME_DELETED,
  ERROR_SEM_TIMEOUT,
  WSAECONNABORTED,
  WSAECONNREFUSED,
  WSAECONNRESET,
  WSAEFAULT,
  WSAEHOSTUNREACH,
  WSAENETRESET,
  WSAENETUNREACH,
  WSAENOBUFS,
  WSAENOTCONN,
  WSAETIMEDOUT,
} from '../../../native-bindings/windows/winerror.js';
import { canonicalIPv6 } from '../../bsd/ip-text.js';
import { writeSockaddr } from '../../bsd/sockaddr.js';
import type { SocketAddress } from '../../port/address.js';
import type { Operation } from '../../port/operation.js';
import { isCancelled } from './errors.js';
import { Accepting, NO_SLOT, type PortSocket, REQUEST_ACCEPT, REQUEST_CONNECT } from './port-socket.js';
import { PENDING } from './requests.js';
import type { Shared } from './shared.js';
import { WINSOCK_SOCKADDR } from './winsock.js';

/** AcceptEx requests that a listener keeps in the kernel: connections it may take before the next accept. */
const ACCEPTS_IN_FLIGHT = 4;

/** Connections that were gone before they were accepted, which one attempt passes over. */
const DEAD_PER_ATTEMPT = 64;

/**
 * How AcceptEx, or SO_UPDATE_ACCEPT_CONTEXT after it (Wine), says that the connection has been reset or lost meanwhile.
 * The listener is as well as before: libuv passes over every error here (uv__process_tcp_accept_req), Linux' accept(2)
 * asks for it where the network is to blame, and Go knows the first two.
 */
const DEAD: ReadonlySet<number> = new Set([
  ERROR_NETNAME_DELETED,
  WSAECONNRESET,
  WSAECONNABORTED,
  WSAENETRESET,
  WSAENOTCONN,
  WSAETIMEDOUT,
  ERROR_SEM_TIMEOUT,
  WSAEHOSTUNREACH,
  WSAENETUNREACH,
]);

/** Makes the driver's state of a connection that was accepted; gives the error number where it cannot. */
export type AdoptHandle = (handle: number, listener: PortSocket) => PortSocket | number;

/** A datagram socket has got a default destination. */
export type PeerKnown = (socket: PortSocket) => void;

/** Accepting, with several AcceptEx in the kernel, and connecting. */
export class Connections {
  readonly #shared: Shared;
  readonly #adopt: AdoptHandle;
  readonly #peerKnown: PeerKnown;

  constructor(shared: Shared, adopt: AdoptHandle, peerKnown: PeerKnown) {
    this.#shared = shared;
    this.#adopt = adopt;
    this.#peerKnown = peerKnown;
  }

  /** True: the operation has ended. False: it is the listener's, and ends later. */
  startAccept(listener: PortSocket, operation: Operation): boolean {
    listener.accepting ??= new Accepting();
    if (!this.#shared.mayTry) {
      listener.recvOperation = operation;
      this.#shared.postpone(listener);
      return false;
    }
    if (this.#advance(listener, listener.accepting, operation)) {
      this.#shared.spend();
      return true;
    }
    listener.recvOperation = operation;
    return false;
  }

  /** An AcceptEx has ended. */
  accepted(listener: PortSocket, slot: number, error: number): void {
    const { accepting } = listener;
    const request = accepting?.inFlight.get(slot);
    if (accepting === null || request === undefined) throw new Error('An accept completed that nobody started');
    accepting.inFlight.delete(slot);
    this.#shared.slabs.give(request.slab);
    const failed = this.#take(listener, accepting, request.handle, error);
    const operation = listener.recvOperation;
    if (operation === null || listener.closing) return;
    if (
      failed === 0 || isCancelled(failed) ? this.#advance(listener, accepting, operation) : operation.failed(failed)
    ) {
      this.#shared.completeRecv(listener, operation);
    }
  }

  /** Tries the accept that waits. */
  goOn(listener: PortSocket): void {
    const { recvOperation: operation, accepting } = listener;
    if (operation === null || accepting === null) return;
    if (this.#advance(listener, accepting, operation)) this.#shared.completeRecv(listener, operation);
  }

  settleCancelAccept(listener: PortSocket, operation: Operation): void {
    if (listener.recvOperation !== operation) return;
    if (!this.#deliver(listener, operation)) operation.cancelled();
    this.#shared.completeRecv(listener, operation);
  }

  /** Connections nobody accepted are reset, as the kernel does with those in its backlog. */
  unaccepted(listener: PortSocket): readonly PortSocket[] {
    return listener.accepting?.ahead.splice(0) ?? [];
  }

  /** Connects. A datagram socket only remembers its peer. */
  startConnect(socket: PortSocket, operation: Operation): boolean {
    const { address } = operation;
    if (address === null) return operation.failed(WSAEFAULT);
    return socket.type === 'datagram'
      ? this.#setPeer(socket, operation, address)
      : this.#connect(socket, operation, address);
  }

  /** ConnectEx has ended. */
  connected(socket: PortSocket, error: number): void {
    this.#shared.slabs.give(socket.sendSlab);
    socket.sendSlab = -1;
    socket.sendSlot = NO_SLOT;
    const operation = socket.sendOperation;
    if (operation === null) throw new Error('A connect completed that nobody started');
    if (isCancelled(error)) operation.cancelled();
    else this.#finish(socket, operation, error);
    this.#shared.completeSend(socket, operation);
  }

  #advance(listener: PortSocket, accepting: Accepting, operation: Operation): boolean {
    for (let dead = 0; dead < DEAD_PER_ATTEMPT; dead++) {
      if (this.#deliver(listener, operation)) return true;
      if (accepting.inFlight.size >= ACCEPTS_IN_FLIGHT || listener.closing) return false;
      const failed = this.#arm(listener, accepting);
      // What keeps another request from being made is no matter while there are some.
      if (failed !== 0) return accepting.inFlight.size === 0 && operation.failed(failed);
    }
    this.#shared.postpone(listener);
    return false;
  }

  #deliver(listener: PortSocket, operation: Operation): boolean {
    const socket = listener.accepting?.ahead.shift();
    if (socket === undefined) return false;
    operation.accepted = socket;
    return operation.done(0);
  }

  /** Gives the kernel one more AcceptEx; gives 0 or the error. */
  #arm(listener: PortSocket, accepting: Accepting): number {
    const { winsock, slabs, requests } = this.#shared;
    const slab = slabs.takeSmall();
    if (slab === -1) return WSAENOBUFS;
    const handle = winsock.socket(listener.family, 'stream');
    if (handle < 0) {
      slabs.give(slab);
      return -handle;
    }
    const result = requests.accept(listener, REQUEST_ACCEPT, handle, slabs.address(slab));
    if (result === PENDING) {
      accepting.inFlight.set(requests.lastSlot, { handle, slab });
      return 0;
    }
    slabs.give(slab);
    return this.#take(listener, accepting, handle, result < 0 ? -result : 0);
  }

  /** Puts what an AcceptEx has accepted with the others; gives 0 or the error that is not the connection's own. */
  #take(listener: PortSocket, accepting: Accepting, handle: number, error: number): number {
    const { winsock } = this.#shared;
    const failed = error === 0 ? -winsock.updateAcceptContext(handle, listener.descriptor) : error;
    const socket = failed === 0 ? this.#adopt(handle, listener) : failed;
    if (typeof socket !== 'number') {
      accepting.ahead.push(socket);
      return 0;
    }
    winsock.close(handle);
    return DEAD.has(socket) ? 0 : socket;
  }

  #connect(socket: PortSocket, operation: Operation, wanted: SocketAddress): boolean {
    const { winsock, slabs, requests } = this.#shared;
    const text = wanted.family === 'IPv6' ? canonicalIPv6(wanted.address) : wanted.address;
    // Everywhere else, connecting to "any address" reaches this machine. Winsock calls it WSAEADDRNOTAVAIL.
    const address = { ...wanted, address: LOOPBACK_OF_ANY.get(text) ?? text };
    if (!socket.bound) {
      winsock.reusePorts(socket.descriptor);
      const any = { family: socket.family, address: socket.family === 'IPv6' ? '::' : '0.0.0.0', port: 0 };
      const failed = winsock.bind(socket.descriptor, any);
      if (failed < 0) return operation.failed(-failed);
      socket.bound = true;
    }
    if (isLoopback(address)) winsock.refuseAtOnce(socket.descriptor);
    const slab = slabs.takeSmall();
    if (slab === -1) return operation.failed(WSAENOBUFS);
    const length = writeSockaddr(WINSOCK_SOCKADDR, address, slabs.memoryOf(slab).u8, slabs.offsetOf(slab));
    const result = requests.connect(socket, REQUEST_CONNECT, slabs.address(slab), length);
    if (result === PENDING) {
      socket.sendSlab = slab;
      socket.sendOperation = operation;
      return false;
    }
    slabs.give(slab);
    this.#finish(socket, operation, result < 0 ? -result : 0);
    return true;
  }

  #finish(socket: PortSocket, operation: Operation, error: number): void {
    const failed = error === 0 ? -this.#shared.winsock.updateConnectContext(socket.descriptor) : error;
    if (failed !== 0) operation.failed(failed);
    else if (this.#metItself(socket, operation.address)) operation.failed(WSAECONNREFUSED);
    else operation.done(0);
  }

  /**
   * Whether the socket is connected to itself. ConnectEx wants it bound, and the port that the system chose for it may be
   * the very one it is to connect to, where nobody else listens (Go's net has the same check, selfConnect).
   */
  #metItself(socket: PortSocket, wanted: SocketAddress | null): boolean {
    const { winsock } = this.#shared;
    const local = winsock.localAddress(socket.descriptor);
    if (local === null || local.port !== wanted?.port) return false;
    return winsock.remoteAddress(socket.descriptor)?.address === local.address;
  }

  #setPeer(socket: PortSocket, operation: Operation, address: SocketAddress): boolean {
    const { winsock } = this.#shared;
    const failed = winsock.connect(socket.descriptor, address);
    if (failed < 0) return operation.failed(-failed);
    socket.connected = true;
    // Errors are about the one peer from now on, and worth hearing.
    winsock.reportUnreachable(socket.descriptor, true);
    this.#peerKnown(socket);
    return operation.done(0);
  }
}

/** What reaches this machine where "any address" is connected to. */
const LOOPBACK_OF_ANY: ReadonlyMap<string, string> = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
  ['::ffff:0.0.0.0', '::ffff:127.0.0.1'],
]);

function isLoopback({ address }: SocketAddress): boolean {
  return address.startsWith('127.') || address === '::1' || address.startsWith('::ffff:127.');
}
