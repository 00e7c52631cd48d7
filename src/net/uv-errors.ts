import { getSystemErrorMap } from 'node:util';
import type { Driver } from '../port/driver.js';

// libuv numbers errors its own way (negated errno on Unix, numbers of its own on Windows), and Node's messages and
// `errno` come from them.
let numbers: ReadonlyMap<string, number> | undefined;

/** libuv's number of an error by its portable name, negative. */
export function uvNumber(code: string): number {
  if (numbers === undefined) {
    const byName = new Map<string, number>();
    for (const [number, [name]] of getSystemErrorMap()) byName.set(name, number);
    numbers = byName;
  }
  return numbers.get(code) ?? numbers.get('UNKNOWN') ?? -4094;
}

/** libuv's number of a platform's own error number; 0 stays 0. */
export function uvError(driver: Pick<Driver, 'errors'>, nativeError: number): number {
  return nativeError === 0 ? 0 : uvNumber(driver.errors.name(nativeError));
}

/** An error as Node makes it of libuv's number: `read ECONNRESET`, with `errno`, `code` and `syscall`. */
export function errnoException(uv: number, syscall: string): NodeJS.ErrnoException {
  const code = getSystemErrorMap().get(uv)?.[0] ?? 'UNKNOWN';
  return Object.assign(new Error(`${syscall} ${code}`), { errno: uv, code, syscall });
}
