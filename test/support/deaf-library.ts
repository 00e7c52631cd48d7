import { lastErrno } from '../../native-bindings/ffi.js';
import { ECONNRESET } from '../../native-bindings/linux/errno.js';
import { openKoffiLibrary, type StackLibrary } from '../../src/stack.js';

/** The host's sockets (Linux), with a recv that reads a reset as an end, as Wine's does. */
export function deafToResets(): StackLibrary {
  const host = openKoffiLibrary(null);
  return {
    ...host,
    find: (symbol, type) => {
      const call = host.find(symbol, type);
      if (symbol !== 'recv' || call === null) return call;
      return (...values) => {
        const received = call(...values);
        return Number(received) < 0 && lastErrno() === ECONNRESET ? 0 : received;
      };
    },
  };
}
