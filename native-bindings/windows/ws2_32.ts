import { systemLibrary } from './system-library.js';

export const HEADERS = ['winsock2.h', 'ws2tcpip.h'] as const;

/**
 * Winsock, verbatim. A SOCKET is a number; `uintptr_t` parameters that are no SOCKET take addresses in mapped memory
 * (0 is a null pointer), and `void *` ones take a Uint8Array that the call has finished with when it returns. Unless
 * noted, a function gives 0, or -1 (SOCKET_ERROR) and WSAGetLastError().
 * https://learn.microsoft.com/windows/win32/api/winsock2/
 */
export const ws2_32 = systemLibrary('ws2_32.dll', (library) => ({
  /** Gives its error number itself. */
  WSAStartup: library.func<(version: number, data: Uint8Array) => number>('int __stdcall WSAStartup(uint16_t, void *)'),
  /** Only meaningful in the very next call after the one that failed. */
  WSAGetLastError: library.func<() => number>('int __stdcall WSAGetLastError()'),
  /** A SOCKET, or -1 (INVALID_SOCKET). */
  WSASocketW: library.func<
    (family: number, type: number, protocol: number, info: null, group: number, flags: number) => number
  >('intptr_t __stdcall WSASocketW(int, int, int, void *, uint32_t, uint32_t)'),
  closesocket: library.func<(socket: number) => number>('int __stdcall closesocket(uintptr_t)'),
  bind: library.func<(socket: number, address: Uint8Array, length: number) => number>(
    'int __stdcall bind(uintptr_t, void *, int)',
  ),
  listen: library.func<(socket: number, backlog: number) => number>('int __stdcall listen(uintptr_t, int)'),
  /** A SOCKET, or -1 (INVALID_SOCKET). */
  accept: library.func<(socket: number, address: null, length: null) => number>(
    'intptr_t __stdcall accept(uintptr_t, void *, void *)',
  ),
  connect: library.func<(socket: number, address: Uint8Array, length: number) => number>(
    'int __stdcall connect(uintptr_t, void *, int)',
  ),
  shutdown: library.func<(socket: number, how: number) => number>('int __stdcall shutdown(uintptr_t, int)'),
  getsockname: library.func<(socket: number, address: Uint8Array, length: Uint8Array) => number>(
    'int __stdcall getsockname(uintptr_t, void *, void *)',
  ),
  getpeername: library.func<(socket: number, address: Uint8Array, length: Uint8Array) => number>(
    'int __stdcall getpeername(uintptr_t, void *, void *)',
  ),
  getsockopt: library.func<
    (socket: number, level: number, name: number, value: Uint8Array, length: Uint8Array) => number
  >('int __stdcall getsockopt(uintptr_t, int, int, void *, void *)'),
  setsockopt: library.func<
    (socket: number, level: number, name: number, value: Uint8Array | null, length: number) => number
  >('int __stdcall setsockopt(uintptr_t, int, int, void *, int)'),
  ioctlsocket: library.func<(socket: number, command: number, argument: Uint8Array) => number>(
    'int __stdcall ioctlsocket(uintptr_t, uint32_t, void *)',
  ),
  /** How many of the sockets have news, or -1 (SOCKET_ERROR). */
  WSAPoll: library.func<(entries: Uint8Array, count: number, timeoutMs: number) => number>(
    'int __stdcall WSAPoll(void *, uint32_t, int)',
  ),
  WSAIoctl: library.func<
    (
      socket: number,
      code: number,
      input: Uint8Array,
      inputBytes: number,
      output: Uint8Array | null,
      outputBytes: number,
      returned: Uint8Array,
      overlapped: null,
      routine: null,
    ) => number
  >('int __stdcall WSAIoctl(uintptr_t, uint32_t, void *, uint32_t, void *, uint32_t, void *, void *, void *)'),
  /** Bytes received; 0 is the end of the stream. */
  recv: library.func<(socket: number, buffer: Uint8Array, length: number, flags: number) => number>(
    'int __stdcall recv(uintptr_t, void *, int, int)',
  ),
  recvAt: library.func<(socket: number, buffer: number, length: number, flags: number) => number>(
    'int __stdcall recv(uintptr_t, uintptr_t, int, int)',
  ),
  /** Bytes that the stack has taken. */
  send: library.func<(socket: number, buffer: Uint8Array, length: number, flags: number) => number>(
    'int __stdcall send(uintptr_t, void *, int, int)',
  ),
  sendAt: library.func<(socket: number, buffer: number, length: number, flags: number) => number>(
    'int __stdcall send(uintptr_t, uintptr_t, int, int)',
  ),
  recvfrom: library.func<
    (socket: number, buffer: number, length: number, flags: number, from: number, fromLength: number) => number
  >('int __stdcall recvfrom(uintptr_t, uintptr_t, int, int, uintptr_t, uintptr_t)'),
  sendto: library.func<
    (socket: number, buffer: number, length: number, flags: number, to: number, toLength: number) => number
  >('int __stdcall sendto(uintptr_t, uintptr_t, int, int, uintptr_t, int)'),
  WSARecv: library.func<
    (
      socket: number,
      buffers: number,
      count: number,
      received: number,
      flags: number,
      overlapped: number,
      routine: number,
    ) => number
  >('int __stdcall WSARecv(uintptr_t, uintptr_t, uint32_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t)'),
  WSASend: library.func<
    (
      socket: number,
      buffers: number,
      count: number,
      sent: number,
      flags: number,
      overlapped: number,
      routine: number,
    ) => number
  >('int __stdcall WSASend(uintptr_t, uintptr_t, uint32_t, uintptr_t, uint32_t, uintptr_t, uintptr_t)'),
  /** BOOL: 0 and WSAGetLastError() where the request failed or is pending. */
  WSAGetOverlappedResult: library.func<
    (socket: number, overlapped: number, bytes: Uint8Array, wait: number, flags: Uint8Array) => number
  >('int __stdcall WSAGetOverlappedResult(uintptr_t, uintptr_t, void *, int, void *)'),
  WSARecvFrom: library.func<
    (
      socket: number,
      buffers: number,
      count: number,
      received: number,
      flags: number,
      from: number,
      fromLength: number,
      overlapped: number,
      routine: number,
    ) => number
  >(
    'int __stdcall WSARecvFrom(uintptr_t, uintptr_t, uint32_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t)',
  ),
  WSASendTo: library.func<
    (
      socket: number,
      buffers: number,
      count: number,
      sent: number,
      flags: number,
      to: number,
      toLength: number,
      overlapped: number,
      routine: number,
    ) => number
  >(
    'int __stdcall WSASendTo(uintptr_t, uintptr_t, uint32_t, uintptr_t, uint32_t, uintptr_t, int, uintptr_t, uintptr_t)',
  ),
}));
