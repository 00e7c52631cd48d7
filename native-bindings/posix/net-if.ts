import { lazyLibrary } from '../ffi.js';

/** Network interfaces, verbatim. */
export const netIf = lazyLibrary(null, (library) => ({
  /** if_nametoindex(3): the interface's index, or 0 where there is none of that name. */
  if_nametoindex: library.func<(name: string) => number>('uint32_t if_nametoindex(const char *)'),
}));
