import { join } from 'node:path';
import { lazyLibrary, type NativeLibrary } from '../ffi.js';

/**
 * Declares the functions of one of Windows' own libraries, which is loaded from the system directory by its whole
 * path: by its bare name, a file planted next to the program or in the working directory could be loaded in its place.
 * https://learn.microsoft.com/windows/win32/dlls/dynamic-link-library-security
 */
export function systemLibrary<T>(name: string, declare: (library: NativeLibrary) => T): () => T {
  let load: (() => T) | undefined;
  return () => {
    load ??= lazyLibrary(join(systemDirectory(), name), declare);
    return load();
  };
}

/** The directory of 64-bit system libraries. Windows sets SystemRoot for every process that can use sockets at all. */
function systemDirectory(): string {
  const root = process.env['SystemRoot'] ?? process.env['windir'] ?? 'C:\\Windows';
  return join(root, 'System32');
}
