import { lazyLibrary } from '../ffi.js';

export const HEADERS = ['dlfcn.h'];

export const RTLD_NOW = 0x0002;
export const RTLD_NODELETE = 0x1000;

/** Dynamic loading, verbatim. */
export const dlfcn = lazyLibrary(null, (library) => ({
  /** dlopen(3): a handle, or 0. */
  dlopen: library.func<(path: string, flags: number) => number>('uintptr_t dlopen(const char *, int)'),
}));
