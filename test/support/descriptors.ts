import { existsSync, readdirSync } from 'node:fs';
import { kernel32 } from '../../native-bindings/windows/kernel32.js';
import { turn } from './waiting.js';

const DESCRIPTORS = '/proc/self/fd';
const INVALID_HANDLE_VALUE = -1;
/** Handles are multiples of this (winnt.h keeps the two low bits for the program). */
const HANDLE_STEP = 4;
/** What is closed takes effect a little later where another thread has a part in it. */
const SETTLING_MS = 250;

/**
 * Descriptors that this process has open; on Windows, a number that grows when handles are left open. Wine 8 answers
 * GetProcessHandleCount with 0 (dlls/ntdll/unix/process.c, ProcessHandleCount), so there it is the place of the next
 * handle: Wine, too, hands out the lowest one that is free (server/handle.c, alloc_entry).
 */
export function openDescriptors(): number {
  if (process.platform !== 'win32') return existsSync(DESCRIPTORS) ? readdirSync(DESCRIPTORS).length : -1;
  const { CloseHandle, CreateIoCompletionPort, GetProcessHandleCount } = kernel32();
  const count = new Uint32Array(1);
  GetProcessHandleCount(INVALID_HANDLE_VALUE, new Uint8Array(count.buffer));
  if (count[0] !== 0) return count[0] as number;
  const next = CreateIoCompletionPort(INVALID_HANDLE_VALUE, 0, 0, 1);
  CloseHandle(next);
  return next / HANDLE_STEP;
}

/** The fewest that it comes to once things have calmed down. */
export async function settledDescriptors(): Promise<number> {
  let fewest = openDescriptors();
  let since = performance.now();
  while (performance.now() - since < SETTLING_MS) {
    await turn();
    const now = openDescriptors();
    if (now >= fewest) continue;
    fewest = now;
    since = performance.now();
  }
  return fewest;
}
