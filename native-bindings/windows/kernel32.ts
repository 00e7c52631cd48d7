import { systemLibrary } from './system-library.js';

export const HEADERS = ['windows.h'] as const;

/**
 * kernel32's completion ports and memory, verbatim. A HANDLE is a number; `uintptr_t` parameters that are no HANDLE
 * take addresses in mapped memory. A BOOL function gives 0 where it failed, and GetLastError().
 * https://learn.microsoft.com/windows/win32/fileio/i-o-completion-ports
 */
export const kernel32 = systemLibrary('kernel32.dll', (library) => ({
  /** Only meaningful in the very next call after the one that failed. */
  GetLastError: library.func<() => number>('uint32_t __stdcall GetLastError()'),
  /** The port, or 0. `file` -1 (INVALID_HANDLE_VALUE) makes a new one. */
  CreateIoCompletionPort: library.func<(file: number, port: number, key: number, threads: number) => number>(
    'uintptr_t __stdcall CreateIoCompletionPort(intptr_t, uintptr_t, uintptr_t, uint32_t)',
  ),
  GetQueuedCompletionStatusEx: library.func<
    (port: number, entries: number, count: number, removed: number, milliseconds: number, alertable: number) => number
  >('int __stdcall GetQueuedCompletionStatusEx(uintptr_t, uintptr_t, uint32_t, uintptr_t, uint32_t, int)'),
  PostQueuedCompletionStatus: library.func<(port: number, bytes: number, key: number, overlapped: number) => number>(
    'int __stdcall PostQueuedCompletionStatus(uintptr_t, uint32_t, uintptr_t, uintptr_t)',
  ),
  /** Cancels one request, or with 0 all of the handle's. */
  CancelIoEx: library.func<(file: number, overlapped: number) => number>(
    'int __stdcall CancelIoEx(uintptr_t, uintptr_t)',
  ),
  SetFileCompletionNotificationModes: library.func<(file: number, flags: number) => number>(
    'int __stdcall SetFileCompletionNotificationModes(uintptr_t, uint8_t)',
  ),
  /** The handles that a process has open; -1 is this process. Wine 8 always says 0. */
  GetProcessHandleCount: library.func<(process: number, count: Uint8Array) => number>(
    'int __stdcall GetProcessHandleCount(intptr_t, void *)',
  ),
  CloseHandle: library.func<(handle: number) => number>('int __stdcall CloseHandle(uintptr_t)'),
  /** The address of the pages, or 0. */
  VirtualAlloc: library.func<(address: number, length: number, type: number, protection: number) => number>(
    'uintptr_t __stdcall VirtualAlloc(uintptr_t, size_t, uint32_t, uint32_t)',
  ),
}));
