import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { kernel32 } from '../../../native-bindings/windows/kernel32.js';
import { WAIT_TIMEOUT } from '../../../native-bindings/windows/winerror.js';
import * as protocol from './waiter-protocol.js';

/** Waits on the completion port, so that the event loop of the other thread need not. */
function waitForCompletions(data: protocol.WaiterData, owner: MessagePort): void {
  const { port, entries, capacity, removed, timeoutMs, control } = data;
  const { GetQueuedCompletionStatusEx, GetLastError } = kernel32();
  const words = new Int32Array(control);
  owner.postMessage('up' satisfies protocol.WaiterMessage);
  for (;;) {
    const state = Atomics.load(words, protocol.WAITER_STATE);
    if (state === protocol.WAITER_STOPPED) return;
    if (state !== protocol.WAITER_WATCHING) {
      Atomics.wait(words, protocol.WAITER_STATE, state);
      continue;
    }
    if (GetQueuedCompletionStatusEx(port, entries, capacity, removed, timeoutMs, 0) === 0) {
      if (GetLastError() === WAIT_TIMEOUT) continue;
      // ERROR_ABANDONED_WAIT_0: the port was closed.
      return;
    }
    const { WAITER_STATE, WAITER_WATCHING, WAITER_DELIVERED } = protocol;
    if (Atomics.compareExchange(words, WAITER_STATE, WAITER_WATCHING, WAITER_DELIVERED) !== WAITER_WATCHING) return;
    owner.postMessage('delivered' satisfies protocol.WaiterMessage);
  }
}

if (parentPort !== null) waitForCompletions(workerData as protocol.WaiterData, parentPort);
