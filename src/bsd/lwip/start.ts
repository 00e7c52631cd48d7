import { viewOf, withCallback } from '../../../native-bindings/ffi.js';
import { mapAnonymousPages } from '../../../native-bindings/linux/pages.js';
import { ERR_OK, LIBLWIP, lwip, netif } from '../../../native-bindings/lwip/netif.js';
import { MappedMemory } from '../../../native-bindings/memory.js';
import { dlfcn, RTLD_NODELETE, RTLD_NOW } from '../../../native-bindings/posix/dlfcn.js';

const LOOPBACK = new Uint8Array([127, 0, 0, 1]);
const LOOPBACK_MASK = new Uint8Array([255, 0, 0, 0]);

const POINTER_BYTES = 8;

/**
 * Starts lwIP in this process, with its own 127.0.0.1: an interface whose output is its input, since Debian's build has
 * none by itself (LWIP_HAVE_LOOPIF 0). Nothing leaves the process. A second call does nothing, and there is no way to
 * stop it: use a process of its own where that matters. Throws where liblwip0 is not installed.
 */
export function startLwip(): void {
  const calls = lwip();
  // Asked of lwIP itself: another thread of this process, with its own copy of this module, may have started it.
  if (new BigUint64Array(viewOf(calls.netif_default, POINTER_BYTES))[0] !== 0n) return;
  // koffi unloads its libraries when the program ends, and lwIP's thread would be left without its code.
  dlfcn().dlopen(LIBLWIP, RTLD_NOW | RTLD_NODELETE);
  calls.tcpip_init(null, null);
  // lwIP keeps the structure for good, so it is never given back.
  const memory = MappedMemory.map(netif.size, mapAnonymousPages);
  const address = memory.address(0);
  calls.sys_lock_tcpip_core();
  try {
    const added = withCallback(
      'int8_t overlapped_netif_init(uintptr_t)',
      () => ERR_OK,
      (init) => calls.netif_add(address, LOOPBACK, LOOPBACK_MASK, LOOPBACK, 0, init, calls.tcpip_input),
    );
    if (added !== address) throw new Error('lwIP has refused its loopback interface');
    memory.setPointer(netif.offset.output, calls.netif_loop_output);
    calls.netif_set_default(address);
    calls.netif_set_up(address);
    calls.netif_set_link_up(address);
  } finally {
    calls.sys_unlock_tcpip_core();
  }
}
