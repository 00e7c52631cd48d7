import { lazyLibrary, type NativeLibrary, openLibrary } from '../ffi.js';

export const HEADERS = ['windows.h'] as const;

/** Characters that the longest path may have: MAX_PATH. */
const MAX_PATH = 260;

/**
 * Declares the functions of one of Windows' own libraries, which is loaded from the system directory by its whole
 * path: by its bare name, a file planted next to the program or in the working directory could be loaded in its place.
 * https://learn.microsoft.com/windows/win32/dlls/dynamic-link-library-security
 */
export function systemLibrary<T>(name: string, declare: (library: NativeLibrary) => T): () => T {
  let load: (() => T) | undefined;
  return () => {
    load ??= lazyLibrary(systemLibraryPath(name), declare);
    return load();
  };
}

/** The whole path of one of Windows' own libraries. */
export function systemLibraryPath(name: string): string {
  return `${systemDirectory()}\\${name}`;
}

let directory: string | undefined;

/** kernel32 may be named bare: it is one of the KnownDLLs, and every process has loaded it before it runs a line. */
function systemDirectory(): string {
  if (directory !== undefined) return directory;
  const getSystemDirectory = openLibrary('kernel32.dll').func<(path: Uint8Array, size: number) => number>(
    'uint32_t __stdcall GetSystemDirectoryW(void *, uint32_t)',
  );
  const path = Buffer.alloc(MAX_PATH * 2);
  const length = getSystemDirectory(path, MAX_PATH);
  if (length === 0 || length >= MAX_PATH) throw new Error('Windows does not say where its system directory is');
  directory = path.toString('utf16le', 0, length * 2);
  return directory;
}
