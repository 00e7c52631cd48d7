import { TimeoutError } from '../port/errors.js';

/** What ran out of time: a receive, a write, a connect or an accept. */
export type TimeoutDirection = 'recv' | 'send' | 'connect' | 'accept';

/** An operation of a socket's stream ran out of time. `bytesTransferred`: what had moved by then. */
export class NetTimeoutError extends TimeoutError {
  readonly direction: TimeoutDirection;

  constructor(direction: TimeoutDirection, timeoutMs: number, bytesTransferred: number) {
    super(`Cannot ${direction}: timed out after ${timeoutMs} ms`, {
      code: 'ETIMEDOUT',
      syscall: direction,
      bytesTransferred,
    });
    this.direction = direction;
  }
}
