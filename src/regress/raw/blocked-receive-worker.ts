import { readFileSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { lastErrno } from '../../../native-bindings/ffi.js';
import { libc } from '../../../native-bindings/posix/libc.js';
import { ENDED, RESULT, type ReceiveOrder, STARTED, STATE, THREAD } from './blocked-receive-protocol.js';

/** The kernel's number of the calling thread, from where proc(5) keeps it; 0 where it does not say. */
function threadId(): number {
  try {
    return Number(/^Pid:\s*(\d+)$/m.exec(readFileSync('/proc/thread-self/status', 'latin1'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Runs one blocking recv(2) an order, in this thread. Nothing but its return ends it. */
function serve(): void {
  parentPort?.on('message', ({ fd, address, length, shared }: ReceiveOrder) => {
    const words = new Int32Array(shared);
    Atomics.store(words, THREAD, threadId());
    Atomics.store(words, STATE, STARTED);
    Atomics.notify(words, STATE);
    const got = libc().recvAt(fd, address, length, 0);
    Atomics.store(words, RESULT, got < 0 ? -lastErrno() : got);
    Atomics.store(words, STATE, ENDED);
    Atomics.notify(words, STATE);
  });
}

serve();
