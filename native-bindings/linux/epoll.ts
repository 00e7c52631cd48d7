import { lazyLibrary } from '../ffi.js';
import { defineStruct } from '../layout.js';

/** epoll(7), verbatim. Checked against sys/epoll.h. */
export const HEADERS = ['sys/epoll.h', 'stddef.h'] as const;

export const EPOLL_CLOEXEC = 0o2000000;
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;
export const EPOLLIN = 0x001;
export const EPOLLOUT = 0x004;
export const EPOLLERR = 0x008;
export const EPOLLHUP = 0x010;
export const EPOLLRDHUP = 0x2000;
export const EPOLLET = 2 ** 31;

/** Packed on x86-64 only: elsewhere `data` is aligned to 8 bytes. */
export const epoll_event =
  process.arch === 'x64'
    ? defineStruct('epoll_event', 12, { events: [0, 4], data: [4, 8] })
    : defineStruct('epoll_event', 16, { events: [0, 4], data: [8, 8] });

export const epoll = lazyLibrary(null, (library) => ({
  create1: library.func<(flags: number) => number>('int epoll_create1(int)'),
  ctl: library.func<(epfd: number, operation: number, fd: number, event: Uint8Array) => number>(
    'int epoll_ctl(int, int, int, void *)',
  ),
  wait: library.func<(epfd: number, events: number, maximum: number, timeoutMs: number) => number>(
    'int epoll_wait(int, uintptr_t, int, int)',
  ),
}));
