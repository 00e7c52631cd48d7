import type { SocketAddress } from '../../port/address.js';
import type { StackCalls } from '../library/calls.js';

/**
 * The connects that have begun, on a stack that must be asked in a roundabout way how they went: without getpeername
 * or SO_ERROR, or with numbers that mean something else while a socket connects. On others nothing is kept.
 */
export class Connects {
  /** Nothing is kept but where this is set. */
  readonly needed: boolean;
  /** SO_ERROR says nothing: a second connect is asked instead. */
  readonly askByConnect: boolean;
  readonly #refusedIsReset: boolean;
  readonly #reset: number;
  readonly #refused: number;
  /** Without getsockname, the address that was bound is all there is to know, and it must have a port. */
  readonly choosesPorts: boolean;
  /** Without getpeername, what accept says of the peer is all there is to know. */
  readonly tellsPeers: boolean;
  readonly #locals = new Map<number, SocketAddress>();
  readonly #connecting = new Map<number, SocketAddress>();
  readonly #peers = new Map<number, SocketAddress>();

  constructor(calls: StackCalls) {
    const { quirks, constants } = calls.profile;
    this.askByConnect =
      (quirks.soErrorMissing ?? false) ||
      (quirks.soErrorStale ?? false) ||
      constants.SO_ERROR === null ||
      !calls.has('getsockopt');
    this.#refusedIsReset = quirks.refusedIsReset ?? false;
    this.tellsPeers = !calls.has('getpeername');
    this.needed = this.askByConnect || this.#refusedIsReset || this.tellsPeers;
    this.choosesPorts = !calls.has('getsockname');
    this.#reset = calls.errors.number('ECONNRESET');
    this.#refused = calls.errors.number('ECONNREFUSED');
  }

  bound(descriptor: number, address: SocketAddress): void {
    if (this.choosesPorts) this.#locals.set(descriptor, address);
  }

  localOf(descriptor: number): SocketAddress | null {
    return this.#locals.get(descriptor) ?? null;
  }

  begun(descriptor: number, address: SocketAddress): void {
    if (this.needed) this.#connecting.set(descriptor, address);
  }

  /** The address of a connect that is not known to be over. */
  addressOf(descriptor: number): SocketAddress | undefined {
    return this.#connecting.get(descriptor);
  }

  connected(descriptor: number): void {
    if (!this.needed) return;
    const address = this.#connecting.get(descriptor);
    if (address === undefined) return;
    this.#connecting.delete(descriptor);
    this.#peers.set(descriptor, address);
  }

  /** The peer of a connect that is over. */
  peerOf(descriptor: number): SocketAddress | null {
    return this.#peers.get(descriptor) ?? null;
  }

  accepted(descriptor: number, address: SocketAddress): void {
    this.#peers.set(descriptor, address);
  }

  /** The connect has failed with this error; gives the error that it is on other stacks. */
  failed(descriptor: number, error: number): number {
    if (!this.needed || !this.#connecting.delete(descriptor)) return error;
    return this.#refusedIsReset && error === this.#reset ? this.#refused : error;
  }

  forget(descriptor: number): void {
    if (this.choosesPorts) this.#locals.delete(descriptor);
    if (!this.needed) return;
    this.#connecting.delete(descriptor);
    this.#peers.delete(descriptor);
  }
}
