import type { ShutdownHow } from '../port/driver.js';
import type { OperationOptions } from '../sockets/arguments.js';
import type { CloseOptions, CloseResult } from '../sockets/overlapped-socket.js';
import type { TcpSocket } from '../sockets/tcp-socket.js';
import { type Settled, settled } from './expectations.js';
import { formatBytes, type OperationEntry, type Trace } from './trace.js';

/** A TcpSocket of ours whose operations are recorded. Outcomes are returned, not thrown: they are what is tested. */
export class TracedTcp {
  readonly socket: TcpSocket;
  readonly name: string;
  readonly #trace: Trace;
  readonly #leftPending: OperationEntry[] = [];

  constructor(trace: Trace, name: string, socket: TcpSocket) {
    this.#trace = trace;
    this.name = name;
    this.socket = socket;
    trace.connection(name, socket.localAddress?.port ?? 0, socket.remoteAddress?.port ?? 0);
  }

  /** Receives at most `size` bytes; the value is what came. */
  async recv(options: OperationOptions & { readonly size?: number } = {}): Promise<Settled<Uint8Array>> {
    return this.recvInto(new Uint8Array(options.size ?? 4096), options);
  }

  async recvInto(buffer: Uint8Array, options: OperationOptions = {}): Promise<Settled<Uint8Array>> {
    const run = async () => buffer.subarray(0, await this.socket.recv(buffer, options));
    const { entry, promise } = this.#trace.record(this.name, 'recv', describeOptions(options), run);
    const outcome = await settled(promise);
    if (outcome.code === 'ETIMEDOUT' && this.socket.onTimeout === 'leavePending') this.#leftPending.push(entry);
    return outcome;
  }

  /** Receives until so many bytes have come, or an end, or a failure. */
  async recvAll(bytes: number, options: OperationOptions = {}): Promise<Settled<Uint8Array>> {
    const chunks: Uint8Array[] = [];
    let total = 0;
    while (total < bytes) {
      const outcome = await this.recv({ ...options, size: Math.min(bytes - total, 65536) });
      if ('error' in outcome) return outcome;
      if (outcome.value.length === 0) break;
      chunks.push(outcome.value);
      total += outcome.value.length;
    }
    return { value: Buffer.concat(chunks), code: '' };
  }

  send(data: Uint8Array, options: OperationOptions = {}): Promise<Settled<number>> {
    const detail = [formatBytes(data.length), describeOptions(options)].filter(Boolean).join(', ');
    return settled(this.#trace.operation(this.name, 'send', detail, () => this.socket.send(data, options)));
  }

  shutdown(how: ShutdownHow = 'send'): Promise<Settled<void>> {
    return settled(this.#trace.operation(this.name, 'shutdown', how, () => this.socket.shutdown(how)));
  }

  close(options: CloseOptions = {}): Promise<CloseResult> {
    const detail = options.timeoutMs === undefined ? '' : `timeoutMs ${options.timeoutMs}`;
    return this.#ending('close()', detail, () => this.socket.close(options));
  }

  abort(): Promise<CloseResult> {
    return this.#ending('abort()', '', () => this.socket.abort());
  }

  closesocket(): Promise<CloseResult> {
    return this.#ending('closesocket()', '', () => this.socket.closesocket());
  }

  async #ending(verb: string, detail: string, run: () => Promise<CloseResult>): Promise<CloseResult> {
    const result = await this.#trace.operation(this.name, verb, detail, run);
    this.#trace.closed(this.name, verb, result.sent);
    for (const entry of this.#leftPending) entry.pendingUntilMs = this.#trace.now();
    return result;
  }
}

export function describeOptions(options: OperationOptions): string {
  const parts: string[] = [];
  if (options.timeoutMs !== undefined) parts.push(`timeoutMs ${Number(options.timeoutMs.toPrecision(4))}`);
  if (options.signal !== undefined) parts.push('signal');
  return parts.join(', ');
}
