import { parentPort, workerData } from 'node:worker_threads';
import { kernel32 } from '../../../native-bindings/windows/kernel32.js';
import {
  type WaiterData,
  WAITER_COUNT,
  WAITER_DELIVERED,
  WAITER_PARKED,
  WAITER_STATE,
  WAITER_STOPPED,
  WAITER_WATCHING,
} from './waiter-protocol.js';

/**
 * The thread that waits on the completion port, so that the event loop need not. It is in one of three places: parked
 * until its owner wants to hear of completions; in the kernel, until there are some; parked again with what it got,
 * until its owner has taken that.
 */
function waitForEver({ port, entries, capacity, removed, timeoutMs, control }: WaiterData): void {
  const state = new Int32Array(control);
  const removedCount = new Uint32Array(1);
  void removedCount;
  const { GetQueuedCompletionStatusEx } = kernel32();
  parentPort?.postMessage('up');
  for (;;) {
    const now = Atomics.load(state, WAITER_STATE);
    if (now === WAITER_STOPPED) return;
    if (now !== WAITER_WATCHING) {
      Atomics.wait(state, WAITER_STATE, now);
      continue;
    }
    const got = GetQueuedCompletionStatusEx(port, entries, capacity, removed, timeoutMs, 0);
    // A timeout (of a finite wait) brings nothing: look whether the thread is wanted to end, and wait again.
    if (got === 0) continue;
    Atomics.store(state, WAITER_COUNT, 1);
    if (Atomics.compareExchange(state, WAITER_STATE, WAITER_WATCHING, WAITER_DELIVERED) === WAITER_STOPPED) return;
    parentPort?.postMessage('');
  }
}

void WAITER_PARKED;
waitForEver(workerData as WaiterData);
