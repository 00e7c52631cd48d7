import { type CallbackAddress, lazyLibrary } from '../ffi.js';
import { defineStruct } from '../layout.js';

/** Debian's liblwip-dev. Its build takes the socket calls' numbers and layouts from the host's own headers. */
export const HEADERS = ['lwip/netif.h', 'lwip/sockets.h'];
export const INCLUDE_PATHS = ['/usr/include/lwip'];

export const ERR_OK = 0;

export const netif = defineStruct('netif', 400, {
  next: [0, 8],
  input: [280, 8],
  output: [288, 8],
  linkoutput: [296, 8],
  output_ip6: [304, 8],
  state: [312, 8],
  mtu: [336, 2],
  flags: [347, 1],
  num: [350, 1],
});

export const LIBLWIP = 'liblwip.so.0';

/** What brings lwIP up. Its socket calls are bound from a stack profile, as those of every other stack are. */
export const lwip = lazyLibrary(LIBLWIP, (library) => ({
  /** Starts lwIP's own thread. Once a process: there is no way back. */
  tcpip_init: library.func<(initialised: null, argument: null) => void>('void tcpip_init(void *, void *)'),
  sys_lock_tcpip_core: library.func<() => void>('void sys_lock_tcpip_core()'),
  sys_unlock_tcpip_core: library.func<() => void>('void sys_unlock_tcpip_core()'),
  /** Calls `init` before it returns, and gives `netif`, or 0 where `init` has failed. */
  netif_add: library.func<
    (
      netif: number,
      ip: Uint8Array,
      netmask: Uint8Array,
      gateway: Uint8Array,
      state: number,
      init: CallbackAddress,
      input: number,
    ) => number
  >('uintptr_t netif_add(uintptr_t, void *, void *, void *, uintptr_t, uintptr_t, uintptr_t)'),
  netif_set_default: library.func<(netif: number) => void>('void netif_set_default(uintptr_t)'),
  netif_set_up: library.func<(netif: number) => void>('void netif_set_up(uintptr_t)'),
  netif_set_link_up: library.func<(netif: number) => void>('void netif_set_link_up(uintptr_t)'),
  /** The addresses of functions that a netif points to. */
  netif_loop_output: library.address('netif_loop_output'),
  tcpip_input: library.address('tcpip_input'),
  /** Where the pointer to the default interface is; it is NULL until there is one. */
  netif_default: library.address('netif_default'),
}));
