import { SOCK_CLOEXEC } from '../../../native-bindings/linux/constants.js';
import { ECANCELED } from '../../../native-bindings/linux/errno.js';
import {
  IORING_ACCEPT_MULTISHOT,
  IORING_OP_ACCEPT,
  IORING_OP_CONNECT,
} from '../../../native-bindings/linux/io-uring.js';
import { MAX_SOCKADDR_BYTES, writeSockaddr } from '../../bsd/sockaddr.js';
import type { Operation } from '../../port/operation.js';
import type { Requests } from './requests.js';
import { REQUEST_ACCEPT, REQUEST_CONNECT, type RingSocket } from './ring-socket.js';

/** Connections the kernel may accept ahead of `accept`; from there on they wait in its own backlog. */
const ACCEPT_AHEAD = 256;

/** Makes the driver's state for an accepted descriptor. */
export type AdoptDescriptor = (descriptor: number, listener: RingSocket) => RingSocket;

/** Accepting (one multishot accept a listener) and connecting. */
export class Connections {
  readonly #requests: Requests;
  readonly #adopt: AdoptDescriptor;

  constructor(requests: Requests, adopt: AdoptDescriptor) {
    this.#requests = requests;
    this.#adopt = adopt;
  }

  startAccept(socket: RingSocket, operation: Operation): boolean {
    const descriptor = socket.accepted?.shift();
    if (descriptor !== undefined) {
      operation.accepted = this.#adopt(descriptor, socket);
      return operation.done(0);
    }
    socket.recvOperation = operation;
    this.#armAccept(socket);
    return false;
  }

  accepted(socket: RingSocket, result: number, flags: number): void {
    const last = this.#requests.ended(socket, REQUEST_ACCEPT, flags);
    const operation = socket.recvOperation;
    if (result >= 0) {
      socket.accepted ??= [];
      socket.accepted.push(result);
      if (!last && socket.accepted.length >= ACCEPT_AHEAD) this.#requests.cancel(socket, REQUEST_ACCEPT);
    }
    if (operation === null) return;
    if (result >= 0 || result === -ECANCELED) {
      if (socket.accepted?.length) {
        socket.recvOperation = null;
        this.startAccept(socket, operation);
        this.#requests.events.completed(operation);
      } else if (last && !socket.closing) this.#armAccept(socket);
      return;
    }
    // EMFILE and its like end the multishot accept. The listener lives: the next accept starts another.
    socket.recvOperation = null;
    this.#requests.finish(operation, result);
  }

  settleCancelAccept(socket: RingSocket, operation: Operation): void {
    if (socket.recvOperation !== operation) return;
    socket.recvOperation = null;
    operation.cancelled();
    this.#requests.events.completed(operation);
  }

  /** Connections nobody accepted are reset, as the kernel does with those in its backlog. */
  discard(socket: RingSocket): void {
    for (const descriptor of socket.accepted ?? []) {
      this.#requests.stack.lingerZero(descriptor);
      this.#requests.stack.close(descriptor);
    }
    socket.accepted = null;
  }

  startConnect(socket: RingSocket, operation: Operation): boolean {
    const { slabs, stack } = this.#requests;
    const slab = slabs.take(MAX_SOCKADDR_BYTES);
    if (slab === -1 || operation.address === null) return operation.failed(stack.noBuffers);
    socket.sendOperation = operation;
    socket.sendSlab = slab;
    const length = writeSockaddr(stack.sockaddr, operation.address, slabs.memory.u8, slab);
    const at = this.#requests.push(socket, REQUEST_CONNECT, IORING_OP_CONNECT, 0, 0, slabs.memory.address(slab), 0);
    this.#requests.ring.setOffset(at, length);
    return false;
  }

  connected(socket: RingSocket, result: number, flags: number): void {
    this.#requests.ended(socket, REQUEST_CONNECT, flags);
    this.#requests.slabs.give(socket.sendSlab);
    socket.sendSlab = -1;
    const operation = socket.sendOperation;
    socket.sendOperation = null;
    if (operation !== null) this.#requests.finish(operation, result);
  }

  #armAccept(socket: RingSocket): void {
    if (socket.holds(REQUEST_ACCEPT)) return;
    const at = this.#requests.push(socket, REQUEST_ACCEPT, IORING_OP_ACCEPT, 0, IORING_ACCEPT_MULTISHOT, 0, 0);
    this.#requests.ring.setOperationFlags(at, SOCK_CLOEXEC);
  }
}
