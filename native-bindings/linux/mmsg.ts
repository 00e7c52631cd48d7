import { lazyLibrary } from '../ffi.js';

/** The calls of sys/socket.h that move messages, verbatim. Headers and vectors are addresses in mapped memory. Every function fails with -1 and sets errno. */
export const mmsg = lazyLibrary(null, (library) => ({
  /** recvmmsg(2): messages received; `timeout` 0 is a null pointer. */
  recvmmsg: library.func<(fd: number, headers: number, count: number, flags: number, timeout: number) => number>(
    'int recvmmsg(int, uintptr_t, uint32_t, int, uintptr_t)',
  ),
  /** sendmmsg(2): messages sent; an error of any but the first is kept for the next call. */
  sendmmsg: library.func<(fd: number, headers: number, count: number, flags: number) => number>(
    'int sendmmsg(int, uintptr_t, uint32_t, int)',
  ),
  /** recvmsg(2): bytes received. */
  recvmsg: library.func<(fd: number, header: number, flags: number) => number>('int64_t recvmsg(int, uintptr_t, int)'),
  /** sendmsg(2): bytes sent. */
  sendmsg: library.func<(fd: number, header: number, flags: number) => number>('int64_t sendmsg(int, uintptr_t, int)'),
}));
