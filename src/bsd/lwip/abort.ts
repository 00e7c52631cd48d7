import { viewOf } from '../../../native-bindings/ffi.js';
import { lwip_sock, lwipCore, netconn } from '../../../native-bindings/lwip/netconn.js';

const POINTER_BYTES = 8;

/**
 * Ends a connection with a RST, which no socket call of lwIP's does where nothing is unacknowledged (quirk
 * `lingerZeroNoRst`): lwIP's own core is told to. The descriptor stays open and is to be closed.
 */
export function abortLwip(descriptor: number): void {
  const calls = lwipCore();
  calls.sys_lock_tcpip_core();
  try {
    const socket = calls.lwip_socket_dbg_get_socket(descriptor);
    const connection = socket === 0 ? 0 : pointerAt(socket + lwip_sock.offset.conn);
    const block = connection === 0 ? 0 : pointerAt(connection + netconn.offset.pcb);
    if (block !== 0) calls.tcp_abort(block);
  } finally {
    calls.sys_unlock_tcpip_core();
  }
}

function pointerAt(address: number): number {
  return Number(new BigUint64Array(viewOf(address, POINTER_BYTES))[0]);
}
