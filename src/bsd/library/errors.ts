import { ERROR_DESCRIPTIONS, ErrorTable } from '../../port/error-names.js';
import type { StackProfile } from '../profile/profile.js';

/** The numbers that errors get here which the stack itself does not have; no stack has any in this range. */
const FIRST_MADE_UP = 0x6f76_0000;

/**
 * A stack's errors, as positive numbers whatever their sign in its headers (Haiku's are negative). Errors that the
 * library reports on the stack's behalf, ENOSYS first of all, have a number even where the stack has none for them.
 */
export class StackErrors {
  readonly table: ErrorTable;
  /** Numbers that mean the same as another one, and that one: the driver compares with one number of each. */
  readonly #aliases: ReadonlyMap<number, number>;
  readonly #negative: boolean;

  constructor(profile: StackProfile) {
    const { errors, errorAliases = {} } = profile;
    const numbers = Object.values(errors);
    this.#negative = numbers.length > 0 && numbers.every((number) => number < 0);
    const entries: Record<string, number> = {};
    for (const [code, number] of Object.entries(errors)) entries[code] = Math.abs(number);
    // Two names of one error: where a stack has two numbers for it, both must be known as the first.
    const again = entries['EAGAIN'] ?? entries['EWOULDBLOCK'];
    const aliases = new Map<number, number>();
    if (again !== undefined) {
      if (entries['EWOULDBLOCK'] !== undefined) aliases.set(entries['EWOULDBLOCK'], again);
      delete entries['EWOULDBLOCK'];
      entries['EAGAIN'] = again;
    }
    for (const [code, others] of Object.entries(errorAliases)) {
      const number = entries[code];
      if (number !== undefined) for (const other of others) aliases.set(Math.abs(other), number);
    }
    aliases.delete(again ?? 0);
    this.#aliases = aliases;
    let next = FIRST_MADE_UP;
    for (const code of Object.keys(ERROR_DESCRIPTIONS)) if (code !== 'EWOULDBLOCK') entries[code] ??= next++;
    this.table = new ErrorTable(entries);
  }

  /** The number of a code that the library itself reports or looks for. */
  number(code: string): number {
    return this.table.code(code) ?? FIRST_MADE_UP - 1;
  }

  /** The negated error for a number as the stack gave it; 0 and below are none of its errors. */
  failure(native: number): number {
    const number = this.#negative ? -native : native;
    // A failure without a number is still a failure, never a result.
    if (number <= 0) return -this.number('EIO');
    if (this.#aliases.size === 0) return -number;
    return -(this.#aliases.get(number) ?? number);
  }
}
