import { lazyLibrary } from '../ffi.js';

/**
 * The C library's socket calls, verbatim. `uintptr_t` parameters take addresses in mapped memory; `void *` ones take
 * a Uint8Array that the call has finished with when it returns. Every function fails with -1 and sets errno.
 */
export const libc = lazyLibrary(null, (library) => ({
  socket: library.func<(domain: number, type: number, protocol: number) => number>('int socket(int, int, int)'),
  bind: library.func<(fd: number, address: Uint8Array, length: number) => number>('int bind(int, void *, uint32_t)'),
  listen: library.func<(fd: number, backlog: number) => number>('int listen(int, int)'),
  accept4: library.func<(fd: number, address: null, length: null, flags: number) => number>(
    'int accept4(int, void *, void *, int)',
  ),
  connect: library.func<(fd: number, address: Uint8Array, length: number) => number>(
    'int connect(int, void *, uint32_t)',
  ),
  recv: library.func<(fd: number, buffer: Uint8Array, length: number, flags: number) => number>(
    'int64_t recv(int, void *, size_t, int)',
  ),
  recvAt: library.func<(fd: number, address: number, length: number, flags: number) => number>(
    'int64_t recv(int, uintptr_t, size_t, int)',
  ),
  send: library.func<(fd: number, buffer: Uint8Array, length: number, flags: number) => number>(
    'int64_t send(int, void *, size_t, int)',
  ),
  sendAt: library.func<(fd: number, address: number, length: number, flags: number) => number>(
    'int64_t send(int, uintptr_t, size_t, int)',
  ),
  recvfrom: library.func<
    (
      fd: number,
      buffer: Uint8Array,
      length: number,
      flags: number,
      address: Uint8Array,
      addressLength: Uint8Array,
    ) => number
  >('int64_t recvfrom(int, void *, size_t, int, void *, void *)'),
  sendto: library.func<
    (
      fd: number,
      buffer: Uint8Array,
      length: number,
      flags: number,
      address: Uint8Array,
      addressLength: number,
    ) => number
  >('int64_t sendto(int, void *, size_t, int, void *, uint32_t)'),
  shutdown: library.func<(fd: number, how: number) => number>('int shutdown(int, int)'),
  close: library.func<(fd: number) => number>('int close(int)'),
  getsockopt: library.func<(fd: number, level: number, name: number, value: Uint8Array, length: Uint8Array) => number>(
    'int getsockopt(int, int, int, void *, void *)',
  ),
  setsockopt: library.func<(fd: number, level: number, name: number, value: Uint8Array, length: number) => number>(
    'int setsockopt(int, int, int, void *, uint32_t)',
  ),
  getsockname: library.func<(fd: number, address: Uint8Array, length: Uint8Array) => number>(
    'int getsockname(int, void *, void *)',
  ),
  getpeername: library.func<(fd: number, address: Uint8Array, length: Uint8Array) => number>(
    'int getpeername(int, void *, void *)',
  ),
  ioctl: library.func<(fd: number, request: number, argument: Uint8Array) => number>(
    'int ioctl(int, unsigned long, void *)',
  ),
  fcntl: library.func<(fd: number, command: number, argument: number) => number>('int fcntl(int, int, int)'),
  poll: library.func<(entries: Uint8Array, count: number, timeoutMs: number) => number>(
    'int poll(void *, unsigned long, int)',
  ),
  mmap: library.func<
    (address: number, length: number, protection: number, flags: number, fd: number, offset: number) => number
  >('intptr_t mmap(uintptr_t, size_t, int, int, int, int64_t)'),
}));
