import { SOCK_STREAM } from '../../../native-bindings/linux/constants.js';
import * as errno from '../../../native-bindings/linux/errno.js';
import { mapAnonymousPages } from '../../../native-bindings/linux/pages.js';
import { MappedMemory } from '../../../native-bindings/memory.js';
import { ErrorTable } from '../../port/error-names.js';
import type { StackProfile } from '../profile/profile.js';
import type { SimulatedSocket } from './descriptors.js';
import type { SimulationFlags } from './flags.js';
import type { Integers } from './memory.js';

/** Of a call that returns -1 without having failed: no error number goes with it. */
export const MINUS_ONE = -0x1000_0000;

const LINUX_ERRORS = new ErrorTable(errno as unknown as Record<string, number>);

/** Other names of the same thing, for stacks that have only those. */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  EAGAIN: ['EWOULDBLOCK'],
  ENOTSUP: ['EOPNOTSUPP'],
  EDEADLK: ['EDEADLOCK', 'ETIMEDOUT'],
  EBUSY: ['EINVAL'],
};

const CELL_BYTES = 4096;

/** How the simulated stack says that a call has failed: in the result, in errno, in a cell of its own. */
export class ErrorReporter {
  readonly #profile: StackProfile;
  readonly #flags: SimulationFlags;
  readonly #integers: Integers;
  readonly #numbers = new Map<number, number>();
  readonly #cell: MappedMemory | null;
  #errno = 0;

  constructor(profile: StackProfile, flags: SimulationFlags, integers: Integers) {
    this.#profile = profile;
    this.#flags = flags;
    this.#integers = integers;
    this.#cell = profile.errorReport.by === 'location' ? MappedMemory.map(CELL_BYTES, mapAnonymousPages) : null;
  }

  /** The address of the stack's own errno. */
  get location(): number {
    return this.#cell?.address(0) ?? 0;
  }

  /** The last error number, wherever the stack keeps it. */
  get last(): number {
    return this.#cell === null ? this.#errno : this.#integers.readInt32(this.#cell.u8);
  }

  /** The stack's number for one of Linux's. */
  numberOf(linux: number): number {
    let number = this.#numbers.get(linux);
    if (number === undefined) {
      number = this.numberNamed(LINUX_ERRORS.name(linux));
      this.#numbers.set(linux, number);
    }
    return number;
  }

  /** The stack's number for an error of one of its sockets. */
  numberFor(socket: SimulatedSocket, linux: number): number {
    const isReset = this.#flags.refusedIsReset && linux === errno.ECONNREFUSED && socket.type === SOCK_STREAM;
    return this.numberOf(isReset ? errno.ECONNRESET : linux);
  }

  /** The stack's number for a code; a stack that lacks the error says EINVAL. */
  numberNamed(code: string): number {
    const { errors } = this.#profile;
    for (const name of [code, ...(ALIASES[code] ?? []), 'EINVAL']) {
      const number = errors[name];
      if (number !== undefined) return number;
    }
    return errno.EINVAL;
  }

  /** The result of a call that fails with the stack's error `number`, which is put where it belongs. */
  fail(number: number): number {
    const report = this.#profile.errorReport;
    switch (report.by) {
      case 'errno':
      case 'call':
      case 'location':
        this.setLast(number);
        return -1;
      case 'negatedResult':
        return -Math.abs(number);
      case 'taggedResult':
        return report.tag | (number & report.mask) | 0;
    }
  }

  setLast(number: number): void {
    if (this.#cell === null) this.#errno = number;
    else this.#integers.writeInt32(this.#cell.u8, number);
  }
}
