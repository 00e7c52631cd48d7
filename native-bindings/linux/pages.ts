import { lastErrno } from '../ffi.js';
import { libc } from '../posix/libc.js';
import { MAP_ANONYMOUS, MAP_NORESERVE, MAP_PRIVATE, PROT_READ, PROT_WRITE } from './constants.js';

/** Anonymous pages from mmap(2): zeroed, untouched until used, never unmapped. */
export function mapAnonymousPages(byteLength: number): number {
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  const address = libc().mmap(0, byteLength, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (address === -1) throw new Error(`Cannot map ${byteLength} bytes of memory: errno ${lastErrno()}`);
  return address;
}
