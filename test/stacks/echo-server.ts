import type { OpenStack } from '../../src/stack.js';

const POLLIN = 1;
const CHUNK = 4096;

export type WaitWith = 'poll' | 'select';

/** What the server has been told about one of its sockets. */
export interface Report {
  readonly descriptor: number;
  readonly code: string;
}

/**
 * An echo server as consoles' programs have them: one loop around poll or select, which ends when that fails. It echoes
 * what it receives at once, and keeps what was not taken for later. A socket that fails stays open.
 */
export class EchoServer {
  readonly reports: Report[] = [];
  readonly #opened: OpenStack;
  readonly #waitWith: WaitWith;
  /** Bytes that are still to go back, by descriptor. */
  readonly #unsent = new Map<number, Buffer>();
  readonly #bytes = new Uint8Array(CHUNK);

  constructor(opened: OpenStack, waitWith: WaitWith) {
    this.#opened = opened;
    this.#waitWith = waitWith;
  }

  serve(descriptor: number): void {
    this.#unsent.set(descriptor, Buffer.alloc(0));
  }

  /** One turn of the loop: how many sockets had something. Throws what the wait fails with. */
  turn(timeoutMs = 0): number {
    const ready = this.#waitWith === 'poll' ? this.#poll(timeoutMs) : this.#select(timeoutMs);
    for (const descriptor of ready) this.#echo(descriptor);
    return ready.length;
  }

  /** Whether everything that was received has gone back. */
  get isIdle(): boolean {
    return [...this.#unsent.values()].every(({ length }) => length === 0);
  }

  #poll(timeoutMs: number): number[] {
    const descriptors = Int32Array.from(this.#unsent.keys());
    const count = descriptors.length;
    const revents = new Uint16Array(count);
    const events = new Uint16Array(count).fill(POLLIN);
    this.#check('poll', this.#opened.waiter.poll({ descriptors, events, revents, count }, timeoutMs));
    return [...descriptors].filter((_, i) => revents[i] !== 0);
  }

  #select(timeoutMs: number): readonly number[] {
    const lists = { read: [...this.#unsent.keys()], write: [], except: [] };
    const found = this.#opened.waiter.select(lists, timeoutMs);
    if (typeof found !== 'number') return found.read;
    this.#check('select', found);
    return [];
  }

  #check(call: string, result: number): void {
    if (result < 0) throw new Error(`${call}: ${this.#opened.stack.errors.name(-result)}`);
  }

  #echo(descriptor: number): void {
    const { stack } = this.#opened;
    const received = stack.recv(descriptor, this.#bytes, CHUNK);
    if (received === -stack.again) return;
    if (received < 0) return this.#failed(descriptor, -received);
    if (received === 0) {
      this.#unsent.delete(descriptor);
      return;
    }
    const bytes = Buffer.concat([this.#unsent.get(descriptor) ?? Buffer.alloc(0), this.#bytes.subarray(0, received)]);
    const sent = stack.send(descriptor, bytes, bytes.length);
    if (sent < 0 && sent !== -stack.again) return this.#failed(descriptor, -sent);
    this.#unsent.set(descriptor, bytes.subarray(Math.max(0, sent)));
  }

  #failed(descriptor: number, error: number): void {
    this.reports.push({ descriptor, code: this.#opened.stack.errors.name(error) });
    this.#unsent.delete(descriptor);
  }
}
