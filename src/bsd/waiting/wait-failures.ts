import type { StackErrors } from '../library/errors.js';

/**
 * What select and poll fail with for reasons of their own (POSIX, and what the stacks add: EBUSY is a PS3's before its
 * set-up). Any other number can only be the error of a socket.
 */
const OWN_FAILURES = [
  'EBADF',
  'EINVAL',
  'ENOMEM',
  'EINTR',
  'EFAULT',
  'ENOSYS',
  'ENOTSOCK',
  'EAGAIN',
  'EBUSY',
  'EPERM',
  'EMFILE',
  'ENFILE',
] as const;

/** Tells the failures of select and poll from the errors of sockets. */
export class WaitFailures {
  readonly interrupted: number;
  readonly badDescriptor: number;
  readonly invalid: number;
  readonly notConnected: number;
  readonly #own: ReadonlySet<number>;

  constructor(errors: StackErrors) {
    const number = (name: string) => errors.number(name);
    this.interrupted = number('EINTR');
    this.badDescriptor = number('EBADF');
    this.invalid = number('EINVAL');
    this.notConnected = number('ENOTCONN');
    this.#own = new Set(OWN_FAILURES.map(number));
  }

  isOwn(error: number): boolean {
    return this.#own.has(error);
  }
}
