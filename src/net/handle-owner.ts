import type { NetTimeoutError } from './timeout-error.js';

/** What a handle needs of its `net.Socket`. */
export interface HandleOwner {
  readonly destroyed: boolean;
  /** Told of an operation that ran out of time; false where nobody listens. */
  emit(event: 'operationTimeout', error: NetTimeoutError): boolean;
  destroy(error?: Error): unknown;
  push(chunk: Buffer): boolean;
  _unrefTimer(): void;
}

/** What `net.Socket` gives a handle to be told of a connection's end. */
export interface ConnectRequest {
  oncomplete?: (status: number, handle: unknown, req: unknown, readable: boolean, writable: boolean) => void;
}
