import type { ErrorTable } from '../../port/error-names.js';

/** No call reports it: what an error is that the stack does not have. */
const NEVER = -1;

/** The native numbers of the errors that the driver acts on. */
export class NativeErrors {
  readonly connectionReset: number;
  readonly connectionAborted: number;
  readonly brokenPipe: number;
  readonly notConnected: number;
  readonly alreadyConnecting: number;
  readonly fault: number;
  /** What an accept may hear of a connection that died in the backlog (accept(2), "Error handling"). */
  readonly acceptAgain: ReadonlySet<number>;
  /** A receive's errors that leave the stream as it was. */
  readonly transient: ReadonlySet<number>;

  constructor(errors: ErrorTable) {
    const number = (name: string) => errors.code(name) ?? NEVER;
    this.connectionReset = number('ECONNRESET');
    this.connectionAborted = number('ECONNABORTED');
    this.brokenPipe = number('EPIPE');
    this.notConnected = number('ENOTCONN');
    this.alreadyConnecting = number('EALREADY');
    this.fault = number('EFAULT');
    // Not EOPNOTSUPP, which also says that the socket is no listener.
    const dead = ['ECONNABORTED', 'EPROTO', 'ENETDOWN', 'ENOPROTOOPT', 'EHOSTDOWN', 'ENONET', 'EHOSTUNREACH'];
    this.acceptAgain = new Set([...dead, 'ENETUNREACH'].map(number));
    this.transient = new Set(['ENOBUFS', 'ENOMEM', 'ENOTCONN', 'EFAULT', 'EINVAL'].map(number));
  }
}
