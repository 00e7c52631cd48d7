import type { AddressFamily, SocketAddress } from './address.js';
import type { DatagramBatch } from './datagrams.js';
import type { Driver, DriverEvents, DriverSocket, DriverStatistics, ShutdownHow, SocketType } from './driver.js';
import type { Operation } from './operation.js';
import type { SocketOptionName, SocketOptionValue } from './socket-options.js';

interface LateCancel {
  readonly operation: Operation;
  readonly generation: number;
  flushesLeft: number;
}

/**
 * A driver whose cancels take effect some flushes late, as they may in any kernel: the time in which an operation that
 * was told to end completes after all is stretched until a test can hit it.
 */
export class LateCancelDriver implements Driver {
  readonly name;
  readonly errors;
  readonly listenersReuseAddress;
  readonly #driver: Driver;
  readonly #events: DriverEvents;
  readonly #flushes: number;
  #late: LateCancel[] = [];

  /** `driver` must report to the same `events`. A cancel reaches it in the flush after `flushes` more. */
  constructor(driver: Driver, events: DriverEvents, flushes: number) {
    this.#driver = driver;
    this.#events = events;
    this.#flushes = flushes;
    this.name = driver.name;
    this.errors = driver.errors;
    this.listenersReuseAddress = driver.listenersReuseAddress;
  }

  /** Cancels that have not reached the driver. */
  get lateCancels(): number {
    return this.#late.length;
  }

  cancel(operation: Operation): void {
    this.#late.push({ operation, generation: operation.generation, flushesLeft: this.#flushes });
  }

  flush(): void {
    const waiting: LateCancel[] = [];
    for (const late of this.#late) {
      // One that has ended meanwhile may stand for another by now.
      if (late.operation.generation !== late.generation || late.operation.state !== 'cancelling') continue;
      if (late.flushesLeft-- > 0) waiting.push(late);
      else this.#driver.cancel(late.operation);
    }
    this.#late = waiting;
    this.#driver.flush();
    // In a turn of its own: a flush that follows at once would leave the operation no time to complete.
    if (this.#late.length > 0) setImmediate(() => this.#events.flushWanted());
  }

  open(family: AddressFamily, type: SocketType): DriverSocket | number {
    return this.#driver.open(family, type);
  }

  bind(socket: DriverSocket, address: SocketAddress, toListen?: boolean): number {
    return this.#driver.bind(socket, address, toListen);
  }

  listen(socket: DriverSocket, backlog: number): number {
    return this.#driver.listen(socket, backlog);
  }

  localAddress(socket: DriverSocket): SocketAddress | null {
    return this.#driver.localAddress(socket);
  }

  remoteAddress(socket: DriverSocket): SocketAddress | null {
    return this.#driver.remoteAddress(socket);
  }

  setOption(socket: DriverSocket, name: SocketOptionName, value: SocketOptionValue): number {
    return this.#driver.setOption(socket, name, value);
  }

  getOption(socket: DriverSocket, name: SocketOptionName): number {
    return this.#driver.getOption(socket, name);
  }

  shutdown(socket: DriverSocket, how: ShutdownHow): number {
    return this.#driver.shutdown(socket, how);
  }

  start(operation: Operation): boolean {
    return this.#driver.start(operation);
  }

  unreadBytes(socket: DriverSocket): number {
    return this.#driver.unreadBytes(socket);
  }

  close(socket: DriverSocket, reset: boolean, closed: (unreadBytes: number) => void): void {
    this.#driver.close(socket, reset, closed);
  }

  lentBytes(buffer: number, offset: number, length: number): Uint8Array {
    return this.#driver.lentBytes(buffer, offset, length);
  }

  retainLent(buffer: number): void {
    this.#driver.retainLent(buffer);
  }

  releaseLent(buffer: number): void {
    this.#driver.releaseLent(buffer);
  }

  createBatch(capacity: number, datagramBytes: number): DatagramBatch {
    return this.#driver.createBatch(capacity, datagramBytes);
  }

  membership(socket: DriverSocket, group: SocketAddress, localInterface: string, join: boolean): number {
    return this.#driver.membership(socket, group, localInterface, join);
  }

  setReferenced(referenced: boolean): void {
    this.#driver.setReferenced(referenced);
  }

  destroy(): void {
    this.#late = [];
    this.#driver.destroy();
  }

  statistics(): DriverStatistics {
    return this.#driver.statistics();
  }
}
