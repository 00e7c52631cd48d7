import type { AddressFamily, SocketAddress } from '../port/address.js';
import type { DatagramBatch } from '../port/datagrams.js';
import type { ShutdownHow, SocketType } from '../port/driver.js';
import { Random } from '../port/random.js';
import type { SocketOptionName, SocketOptionValue } from '../port/socket-options.js';
import { type Notifier, type NotifierWatch, READABLE, type ReadinessSink, WRITABLE } from './notifier.js';
import type { BsdStack } from './stack.js';

/** How often each fault is injected: 0, the default, is never and 1 is at every call. */
export interface FaultRates {
  /** A receive brings fewer bytes than it could. */
  readonly shortReceive?: number;
  /** A send takes fewer bytes than it could. */
  readonly partialSend?: number;
  /** A call is interrupted before it has done anything. Less than 1, or whoever repeats the call never ends. */
  readonly interrupted?: number;
  /** A call would have to wait, although it would not. */
  readonly again?: number;
  /** A send finds no buffer. */
  readonly noBuffers?: number;
}

export type FaultName = keyof FaultRates;

/**
 * A stack with seeded faults: every one of them is something that a real stack may do at any time. io_uring's data
 * does not pass through a stack, so these are for the readiness driver.
 *
 * An edge-triggered notifier has no news for a socket whose readiness was only denied. Wrap it with `notifier`, which
 * reports once more the sockets whose calls were told a lie; without it, readiness is lost.
 */
export class FaultyStack implements BsdStack {
  readonly name: string;
  readonly errors;
  readonly sockaddr;
  readonly again: number;
  readonly inProgress: number;
  readonly interrupted: number;
  readonly noBuffers: number;
  /** How often each fault has been injected. */
  readonly injected: Record<FaultName, number> = {
    shortReceive: 0,
    partialSend: 0,
    interrupted: 0,
    again: 0,
    noBuffers: 0,
  };
  readonly #stack: BsdStack;
  readonly #rates: FaultRates;
  readonly #random: Random;
  /** What was denied, by descriptor: readable, writable or both. */
  readonly #denied = new Map<number, number>();
  #onDenied: (() => void) | null = null;

  constructor(stack: BsdStack, seed: number, rates: FaultRates) {
    this.#stack = stack;
    this.#rates = rates;
    this.#random = new Random(seed);
    this.name = `${stack.name} with faults`;
    this.errors = stack.errors;
    this.sockaddr = stack.sockaddr;
    this.again = stack.again;
    this.inProgress = stack.inProgress;
    this.interrupted = stack.interrupted;
    this.noBuffers = stack.noBuffers;
  }

  /** Wraps a notifier, so that no readiness is lost to a fault of this stack. */
  notifier(notifier: Notifier): Notifier {
    return new RepeatingNotifier(notifier, this);
  }

  /** Takes what was denied since the last time. */
  takeDenied(): ReadonlyMap<number, number> {
    const denied = new Map(this.#denied);
    this.#denied.clear();
    return denied;
  }

  /** Calls back when something is denied after nothing was. */
  whenDenied(callback: (() => void) | null): void {
    this.#onDenied = callback;
  }

  socket(family: AddressFamily, type: SocketType, nonBlocking: boolean): number {
    return this.#stack.socket(family, type, nonBlocking);
  }

  bind(descriptor: number, address: SocketAddress): number {
    return this.#stack.bind(descriptor, address);
  }

  listen(descriptor: number, backlog: number): number {
    return this.#stack.listen(descriptor, backlog);
  }

  accept(descriptor: number): number {
    return this.#refused(descriptor, READABLE) || this.#stack.accept(descriptor);
  }

  connect(descriptor: number, address: SocketAddress): number {
    return this.#hit('interrupted') ? -this.interrupted : this.#stack.connect(descriptor, address);
  }

  recv(descriptor: number, target: Uint8Array, length: number): number {
    const refused = this.#refused(descriptor, READABLE);
    return refused || this.#stack.recv(descriptor, target, this.#fewer(descriptor, 'shortReceive', length));
  }

  recvAt(descriptor: number, address: number, length: number): number {
    const refused = this.#refused(descriptor, READABLE);
    return refused || this.#stack.recvAt(descriptor, address, this.#fewer(descriptor, 'shortReceive', length));
  }

  send(descriptor: number, source: Uint8Array, length: number): number {
    const refused = this.#sendRefused(descriptor);
    return refused || this.#stack.send(descriptor, source, this.#fewer(descriptor, 'partialSend', length));
  }

  sendAt(descriptor: number, address: number, length: number): number {
    const refused = this.#sendRefused(descriptor);
    return refused || this.#stack.sendAt(descriptor, address, this.#fewer(descriptor, 'partialSend', length));
  }

  recvBatch(descriptor: number, batch: DatagramBatch): number {
    return this.#refused(descriptor, READABLE) || this.#stack.recvBatch(descriptor, batch);
  }

  sendBatch(descriptor: number, batch: DatagramBatch, from: number): number {
    return this.#sendRefused(descriptor) || this.#stack.sendBatch(descriptor, batch, from);
  }

  shutdown(descriptor: number, how: ShutdownHow): number {
    return this.#stack.shutdown(descriptor, how);
  }

  close(descriptor: number): number {
    this.#denied.delete(descriptor);
    return this.#stack.close(descriptor);
  }

  lingerZero(descriptor: number): number {
    return this.#stack.lingerZero(descriptor);
  }

  takeError(descriptor: number): number {
    return this.#stack.takeError(descriptor);
  }

  unreadBytes(descriptor: number): number {
    return this.#stack.unreadBytes(descriptor);
  }

  setOption(descriptor: number, name: SocketOptionName, value: SocketOptionValue, family: AddressFamily): number {
    return this.#stack.setOption(descriptor, name, value, family);
  }

  getOption(descriptor: number, name: SocketOptionName, family: AddressFamily): number {
    return this.#stack.getOption(descriptor, name, family);
  }

  createBatch(capacity: number, datagramBytes: number): DatagramBatch {
    return this.#stack.createBatch(capacity, datagramBytes);
  }

  membership(descriptor: number, group: SocketAddress, localInterface: string, join: boolean): number {
    return this.#stack.membership(descriptor, group, localInterface, join);
  }

  localAddress(descriptor: number): SocketAddress | null {
    return this.#stack.localAddress(descriptor);
  }

  remoteAddress(descriptor: number): SocketAddress | null {
    return this.#stack.remoteAddress(descriptor);
  }

  #hit(fault: FaultName): boolean {
    if (!this.#random.chance(this.#rates[fault] ?? 0)) return false;
    this.injected[fault]++;
    return true;
  }

  /** The negated error of a call that fails before it does anything; 0 where it may go on. */
  #refused(descriptor: number, direction: number): number {
    if (this.#hit('interrupted')) return -this.interrupted;
    if (!this.#hit('again')) return 0;
    this.#deny(descriptor, direction);
    return -this.again;
  }

  #sendRefused(descriptor: number): number {
    return this.#hit('noBuffers') ? -this.noBuffers : this.#refused(descriptor, WRITABLE);
  }

  #fewer(descriptor: number, fault: 'shortReceive' | 'partialSend', length: number): number {
    if (length < 2 || !this.#hit(fault)) return length;
    this.#deny(descriptor, fault === 'shortReceive' ? READABLE : WRITABLE);
    return 1 + this.#random.below(length - 1);
  }

  #deny(descriptor: number, direction: number): void {
    const first = this.#denied.size === 0;
    this.#denied.set(descriptor, (this.#denied.get(descriptor) ?? 0) | direction);
    if (first) this.#onDenied?.();
  }
}

/** Reports again what a faulty stack has denied: an edge that comes a little late. */
class RepeatingNotifier implements Notifier {
  readonly edgeTriggered: boolean;
  readonly reportsPerWait: number;
  readonly #notifier: Notifier;
  readonly #stack: FaultyStack;
  readonly #registered = new Map<number, { readonly index: number; readonly generation: number }>();

  constructor(notifier: Notifier, stack: FaultyStack) {
    this.#notifier = notifier;
    this.#stack = stack;
    this.edgeTriggered = notifier.edgeTriggered;
    this.reportsPerWait = notifier.reportsPerWait;
  }

  add(descriptor: number, index: number, generation: number): number {
    this.#registered.set(descriptor, { index, generation });
    return this.#notifier.add(descriptor, index, generation);
  }

  remove(descriptor: number): void {
    this.#registered.delete(descriptor);
    this.#notifier.remove(descriptor);
  }

  want(descriptor: number, readable: boolean, writable: boolean): void {
    this.#notifier.want(descriptor, readable, writable);
  }

  wait(sink: ReadinessSink): boolean {
    const denied = this.#stack.takeDenied();
    const more = this.#notifier.wait(sink);
    for (const [descriptor, report] of denied) {
      const socket = this.#registered.get(descriptor);
      // One that is not registered yet hears of its state when it is.
      if (socket !== undefined) sink(socket.index, socket.generation, report);
    }
    return more;
  }

  watch(onReady: () => void): NotifierWatch {
    const watch = this.#notifier.watch(onReady);
    let immediate: NodeJS.Immediate | null = null;
    this.#stack.whenDenied(() => {
      immediate ??= setImmediate(() => {
        immediate = null;
        onReady();
      });
    });
    return {
      ref: () => watch.ref(),
      unref: () => watch.unref(),
      close: () => {
        if (immediate !== null) clearImmediate(immediate);
        this.#stack.whenDenied(null);
        watch.close();
      },
    };
  }

  close(): void {
    this.#notifier.close();
  }
}
