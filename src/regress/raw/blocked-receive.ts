import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { BareError } from './bare-platform.js';
import {
  ENDED,
  RESULT,
  type ReceiveOrder,
  STARTED,
  STATE,
  THREAD,
  WAITING,
  WORDS,
} from './blocked-receive-protocol.js';
import { REAP_MS } from './limits.js';
import { becomesTrue } from './pause.js';

/** How long a thread may take to start: Node's workers take tens of milliseconds, on a busy machine more. */
const START_MS = 10_000;

/** A thread for blocking receives, one at a time. */
export class BlockingThread {
  readonly #worker = new Worker(new URL('./blocked-receive-worker.js', import.meta.url));

  constructor() {
    this.#worker.unref();
  }

  start(fd: number, address: number, length: number): BlockedReceive {
    return new BlockedReceive((order) => this.#worker.postMessage(order), fd, address, length);
  }

  /** Only between receives: a thread that blocks cannot be ended. */
  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** One blocking recv(2) in the other thread. */
export class BlockedReceive {
  readonly #words = new Int32Array(new SharedArrayBuffer(4 * WORDS));

  constructor(order: (order: ReceiveOrder) => void, fd: number, address: number, length: number) {
    order({ fd, address, length, shared: this.#words.buffer as SharedArrayBuffer });
    if (Atomics.wait(this.#words, STATE, WAITING, START_MS) === 'timed-out') {
      throw new BareError('recv in a thread', 'the thread did not start');
    }
  }

  /** Bytes or a negated errno; null while the call has not returned. */
  get result(): number | null {
    return Atomics.load(this.#words, STATE) === ENDED ? Atomics.load(this.#words, RESULT) : null;
  }

  wait(withinMs: number): boolean {
    Atomics.wait(this.#words, STATE, STARTED, withinMs);
    return this.result !== null;
  }

  /** Whether the thread sleeps in the kernel, in recv: '' or what it does instead. */
  sleepingProblem(): string {
    const thread = Atomics.load(this.#words, THREAD);
    // The third field of proc(5)'s stat, behind the name in brackets: S is an interruptible sleep.
    const sleeps = () => / S \d/.test(readProc(thread, 'stat')) && isRecv(readProc(thread, 'syscall'));
    return becomesTrue(REAP_MS, () => this.result !== null || sleeps()) && this.result === null
      ? ''
      : `the thread is not asleep in recv: ${this.result ?? readProc(thread, 'syscall')}`;
  }
}

/** recvfrom(2) is what the C library makes of recv; the number is the architecture's. A kernel may not tell at all. */
function isRecv(syscall: string): boolean {
  const number = process.arch === 'arm64' ? 207 : 45;
  return syscall === '' || syscall.startsWith(`${number} `);
}

function readProc(thread: number, file: string): string {
  try {
    return readFileSync(`/proc/self/task/${thread}/${file}`, 'latin1');
  } catch {
    return '';
  }
}
