import { lazyLibrary } from '../ffi.js';
import { defineStruct } from '../layout.js';
import { LIBLWIP } from './netif.js';

/** How a socket of lwIP's leads to its connection's control block. lwIP gives programs no call for that. */
export const HEADERS = ['lwip/tcpip.h', 'lwip/api.h', 'lwip/priv/sockets_priv.h'];
export const INCLUDE_PATHS = ['/usr/include/lwip'];

export const lwip_sock = defineStruct('lwip_sock', 40, { conn: [16, 8] });
export const netconn = defineStruct('netconn', 88, { pcb: [8, 8] });

export const lwipCore = lazyLibrary(LIBLWIP, (library) => ({
  /** The socket's `struct lwip_sock`; 0 where there is none. */
  lwip_socket_dbg_get_socket: library.func<(s: number) => number>('uintptr_t lwip_socket_dbg_get_socket(int)'),
  /** Sends a RST and takes the control block away; its netconn hears of it. Needs the core's lock. */
  tcp_abort: library.func<(pcb: number) => void>('void tcp_abort(uintptr_t)'),
  sys_lock_tcpip_core: library.func<() => void>('void sys_lock_tcpip_core()'),
  sys_unlock_tcpip_core: library.func<() => void>('void sys_unlock_tcpip_core()'),
}));
