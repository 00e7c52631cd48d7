import type { FunctionType, NativeType } from '../library/library.js';

function takes(result: NativeType, ...parameters: readonly NativeType[]): FunctionType {
  return { result, parameters };
}

/**
 * Every call that the library makes on a stack, under its POSIX name, with the prototype that it has on most. The
 * `…At` forms are the same function with an address in place of memory. `close` is the socket's own. A `socket` or an
 * `epoll_create` whose first parameter is `memory` is given a name there (sceNetSocket).
 */
export const CALL_TYPES = {
  socket: takes('int32', 'int32', 'int32', 'int32'),
  bind: takes('int32', 'int32', 'memory', 'uint32'),
  listen: takes('int32', 'int32', 'int32'),
  accept: takes('int32', 'int32', 'memory', 'memory'),
  connect: takes('int32', 'int32', 'memory', 'uint32'),
  recv: takes('int64', 'int32', 'memory', 'size', 'int32'),
  send: takes('int64', 'int32', 'memory', 'size', 'int32'),
  recvfrom: takes('int64', 'int32', 'memory', 'size', 'int32', 'memory', 'memory'),
  sendto: takes('int64', 'int32', 'memory', 'size', 'int32', 'memory', 'uint32'),
  shutdown: takes('int32', 'int32', 'int32'),
  close: takes('int32', 'int32'),
  getsockopt: takes('int32', 'int32', 'int32', 'int32', 'memory', 'memory'),
  setsockopt: takes('int32', 'int32', 'int32', 'int32', 'memory', 'uint32'),
  getsockname: takes('int32', 'int32', 'memory', 'memory'),
  getpeername: takes('int32', 'int32', 'memory', 'memory'),
  fcntl: takes('int32', 'int32', 'int32', 'int32'),
  ioctl: takes('int32', 'int32', 'uint64', 'memory'),
  poll: takes('int32', 'memory', 'uint64', 'int32'),
  select: takes('int32', 'int32', 'memory', 'memory', 'memory', 'memory'),
  epoll_create: takes('int32', 'int32'),
  epoll_ctl: takes('int32', 'int32', 'int32', 'int32', 'memory'),
  epoll_wait: takes('int32', 'int32', 'memory', 'int32', 'int32'),
  epoll_close: takes('int32', 'int32'),
  kqueue: takes('int32'),
  kevent: takes('int32', 'int32', 'memory', 'int32', 'memory', 'int32', 'memory'),
} as const satisfies Readonly<Record<string, FunctionType>>;

export type CallName = keyof typeof CALL_TYPES;

export const CALL_NAMES = Object.keys(CALL_TYPES) as readonly CallName[];

/** Without these a stack is of no use to anybody. */
export const NECESSARY_CALLS = [
  'socket',
  'bind',
  'connect',
  'recv',
  'send',
  'close',
] as const satisfies readonly CallName[];
