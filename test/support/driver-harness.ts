import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { libc } from '../../native-bindings/posix/libc.js';
import { LinuxStack } from '../../src/bsd/linux/stack.js';
import { type Notifier, type NotifierWatch, READABLE, type ReadinessSink, WRITABLE } from '../../src/bsd/notifier.js';
import type { Driver, DriverEvents, DriverSocket } from '../../src/port/driver.js';
import { Operation, type OperationKind } from '../../src/port/operation.js';
import { soon } from './waiting.js';

/** Well within the time that a suite has, so that it is the one test that fails. */
const END_PATIENCE_MS = 20_000;

export const LOOPBACK = { family: 'IPv4', address: '127.0.0.1', port: 0 } as const;

/** Stands where the proactor stands: starts operations, flushes at the end of a callback, sees each end once. */
export class DriverHarness implements DriverEvents {
  readonly driver: Driver;
  /** The order in which operations ended by `completed`. */
  readonly ended: Operation[] = [];
  readonly #waiting = new Map<Operation, (operation: Operation) => void>();
  #flushScheduled = false;
  #destroyed = false;

  constructor(make: (events: DriverEvents) => Driver) {
    this.driver = make(this);
    this.driver.setReferenced(true);
  }

  completed(operation: Operation): void {
    const resolve = this.#waiting.get(operation);
    assert.ok(resolve, 'an operation ends once');
    this.#waiting.delete(operation);
    operation.state = 'free';
    this.ended.push(operation);
    resolve(operation);
  }

  flushWanted(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    process.nextTick(() => {
      this.#flushScheduled = false;
      if (!this.#destroyed) this.driver.flush();
    });
  }

  operation(kind: OperationKind, socket: DriverSocket, fields: Partial<Operation> = {}): Operation {
    return Object.assign(new Operation(0), { kind, socket }, fields);
  }

  /** Starts an operation; true where it ended at once. */
  startNow(operation: Operation): boolean {
    operation.state = 'started';
    const ended = this.driver.start(operation);
    if (ended) operation.state = 'free';
    return ended;
  }

  /** Starts an operation and waits for its end. */
  run(kind: OperationKind, socket: DriverSocket, fields: Partial<Operation> = {}): Promise<Operation> {
    const operation = this.operation(kind, socket, fields);
    return this.startNow(operation) ? Promise.resolve(operation) : this.end(operation);
  }

  /** The end of an operation that was started and is pending. One that never ends fails the test that waits for it. */
  end(operation: Operation): Promise<Operation> {
    const ended = new Promise<Operation>((resolve) => this.#waiting.set(operation, resolve));
    return soon(ended, `the end of a ${operation.kind}`, END_PATIENCE_MS);
  }

  cancel(operation: Operation): void {
    operation.state = 'cancelling';
    this.driver.cancel(operation);
    this.flushWanted();
  }

  errorName(operation: Operation): string {
    assert.equal(operation.outcome, 'failed');
    return this.driver.errors.name(operation.nativeError);
  }

  open(): DriverSocket {
    const socket = this.driver.open('IPv4', 'stream');
    assert.ok(typeof socket !== 'number');
    return socket;
  }

  listen(backlog = 16): { listener: DriverSocket; port: number } {
    const listener = this.open();
    assert.equal(this.driver.bind(listener, LOOPBACK), 0);
    assert.equal(this.driver.listen(listener, backlog), 0);
    const port = this.driver.localAddress(listener)?.port;
    assert.ok(port);
    return { listener, port };
  }

  /** A connection between the driver and a socket of node:net. */
  async pair(): Promise<{ socket: DriverSocket; peer: net.Socket }> {
    const { listener, port } = this.listen();
    const peer = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    peer.on('error', () => undefined);
    const [accepted] = await Promise.all([this.run('accept', listener), once(peer, 'connect')]);
    assert.ok(accepted.accepted);
    await this.close(listener);
    return { socket: accepted.accepted, peer };
  }

  /** A connection between the driver and a blocking descriptor: what it sends has arrived when the call returns. */
  async rawPair(): Promise<{ socket: DriverSocket; peer: number; stack: LinuxStack }> {
    const { listener, port } = this.listen();
    const stack = new LinuxStack();
    const peer = stack.socket('IPv4', 'stream', false);
    assert.equal(stack.connect(peer, { ...LOOPBACK, port }), 0);
    const { accepted } = await this.run('accept', listener);
    assert.ok(accepted);
    await this.close(listener);
    return { socket: accepted, peer, stack };
  }

  /** Receives exactly `length` bytes; fewer where the stream ends. */
  async receive(socket: DriverSocket, length: number): Promise<Buffer> {
    const bytes = Buffer.alloc(length);
    let at = 0;
    while (at < length) {
      const { outcome, bytesTransferred } = await this.run('recv', socket, { buffer: bytes.subarray(at) });
      assert.equal(outcome, 'done');
      if (bytesTransferred === 0) break;
      at += bytesTransferred;
    }
    return bytes.subarray(0, at);
  }

  close(socket: DriverSocket, reset = false): Promise<number> {
    const closed = new Promise<number>((resolve) => this.driver.close(socket, reset, resolve));
    return soon(closed, 'the end of a close', END_PATIENCE_MS);
  }

  /** Ends the driver; nothing may be left of sockets, operations and lent buffers. */
  finish(): void {
    const { openSockets, pendingRequests, lentBuffers, staleCompletions } = this.driver.statistics();
    // Destroyed in any case: a driver that a failed test leaves behind would keep the process alive.
    this.#destroyed = true;
    this.driver.destroy();
    assert.deepEqual([openSockets, pendingRequests, lentBuffers, staleCompletions], [0, 0, 0, 0]);
    assert.equal(this.#waiting.size, 0);
  }
}

/** Reads everything up to the end of the stream, or the error's code. */
export async function readAll(peer: net.Socket): Promise<{ bytes: Buffer; error: string }> {
  const chunks: Buffer[] = [];
  let error = '';
  peer.on('data', (chunk: Buffer) => chunks.push(chunk));
  peer.on('error', (reason: NodeJS.ErrnoException) => {
    error = reason.code ?? reason.message;
  });
  const over = new Promise<void>((resolve) => peer.once('end', resolve).once('close', () => resolve()));
  peer.resume();
  await over;
  return { bytes: Buffer.concat(chunks), error };
}

interface Wanted {
  readonly index: number;
  readonly generation: number;
  wanted: number;
}

const POLLIN = 1;
const POLLOUT = 4;

/** A notifier that is not edge-triggered: poll(2), asked in every turn of the event loop in which something is wanted. */
export class PollingNotifier implements Notifier {
  readonly edgeTriggered = false;
  readonly reportsPerWait = 8;
  readonly #sockets = new Map<number, Wanted>();
  #immediate: NodeJS.Immediate | null = null;
  #onReady: () => void = () => undefined;
  #closed = false;

  add(descriptor: number, index: number, generation: number): number {
    this.#sockets.set(descriptor, { index, generation, wanted: 0 });
    return 0;
  }

  remove(descriptor: number): void {
    this.#sockets.delete(descriptor);
  }

  want(descriptor: number, readable: boolean, writable: boolean): void {
    const socket = this.#sockets.get(descriptor);
    assert.ok(socket, 'a socket is registered before it is wanted');
    socket.wanted |= (readable ? POLLIN : 0) | (writable ? POLLOUT : 0);
    this.#schedule();
  }

  wait(sink: ReadinessSink): boolean {
    let reports = 0;
    for (const [descriptor, socket] of [...this.#sockets]) {
      if (socket.wanted === 0) continue;
      const entry = new Int32Array([descriptor, socket.wanted]);
      if (libc().poll(new Uint8Array(entry.buffer), 1, 0) <= 0) continue;
      const found = (entry[1] as number) >>> 16;
      // Errors and hang-ups are reported unasked, and both directions then have something to hear.
      const directions = (found & ~(POLLIN | POLLOUT)) !== 0 ? POLLIN | POLLOUT : found;
      socket.wanted &= ~directions;
      const report = (directions & POLLIN ? READABLE : 0) | (directions & POLLOUT ? WRITABLE : 0);
      sink(socket.index, socket.generation, report);
      if (++reports === this.reportsPerWait) return true;
    }
    return false;
  }

  watch(onReady: () => void): NotifierWatch {
    this.#onReady = onReady;
    return { ref: () => undefined, unref: () => undefined, close: () => undefined };
  }

  close(): void {
    this.#closed = true;
  }

  #schedule(): void {
    this.#immediate ??= setImmediate(() => {
      this.#immediate = null;
      if (this.#closed) return;
      this.#onReady();
      if ([...this.#sockets.values()].some(({ wanted }) => wanted !== 0)) this.#schedule();
    });
  }
}
