import { systemLibrary } from './system-library.js';

export const HEADERS = ['windows.h'] as const;

/** ntdll, verbatim: what the system says of itself and of its statuses. */
export const ntdll = systemLibrary('ntdll.dll', (library) => ({
  /**
   * The Win32 error of an NTSTATUS: what GetQueuedCompletionStatus leaves for GetLastError.
   * https://learn.microsoft.com/windows/win32/api/winternl/nf-winternl-rtlntstatustodoserror
   */
  RtlNtStatusToDosError: library.func<(status: number) => number>('uint32_t __stdcall RtlNtStatusToDosError(uint32_t)'),
}));

/** Wine's ntdll alone exports this. https://gitlab.winehq.org/wine/wine/-/wikis/Developer-FAQ */
const wine = systemLibrary('ntdll.dll', (library) => ({
  wine_get_version: library.func<() => string>('const char *wine_get_version()'),
}));

/** Wine's version, as `8.0`; null on Windows itself. Wine must never pass for Windows. */
export function wineVersion(): string | null {
  let version: () => string;
  try {
    version = wine().wine_get_version;
  } catch {
    return null;
  }
  return version();
}
