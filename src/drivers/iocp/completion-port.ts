import { MappedMemory } from '../../../native-bindings/memory.js';
import { kernel32 } from '../../../native-bindings/windows/kernel32.js';
import { allocatePages } from '../../../native-bindings/windows/pages.js';
import { OVERLAPPED_ENTRY } from '../../../native-bindings/windows/structs.js';
import { Waiter } from './waiter.js';

const INVALID_HANDLE_VALUE = -1;

/** Threads that may dequeue at the same time: the one that works and the one that waits. */
const THREADS = 2;

/** Completions that one call dequeues. */
const BATCH = 256;

const ENTRY_WORDS = OVERLAPPED_ENTRY.size >> 2;
const ENTRY_KEY = OVERLAPPED_ENTRY.offset.lpCompletionKey >> 2;
const ENTRY_OVERLAPPED = OVERLAPPED_ENTRY.offset.lpOverlapped >> 2;
const ENTRY_BYTES = OVERLAPPED_ENTRY.offset.dwNumberOfBytesTransferred >> 2;
const TWO_32 = 0x1_0000_0000;

/** Takes a completion: the two halves of its key, the address of its OVERLAPPED, the bytes. Runs no user code. */
export type CompletionSink = (keyLow: number, keyHigh: number, overlapped: number, bytes: number) => void;

/** A block of dequeued completions: the entries, and how many of them are filled. */
interface Block {
  readonly entriesAt: number;
  readonly removedAt: number;
}

/** One completion port, its handle, and the two blocks that completions are dequeued into. */
export class CompletionPort {
  readonly handle: number;
  readonly waiter: Waiter;
  readonly #memory: MappedMemory;
  readonly #calls = kernel32();
  /** This thread's block, and the waiting thread's. */
  readonly #own: Block;
  readonly #waiters: Block;
  #draining = false;

  /** `onCompletions` is called in a callback of the host's when there may be completions to drain. */
  constructor(onCompletions: () => void) {
    this.handle = this.#calls.CreateIoCompletionPort(INVALID_HANDLE_VALUE, 0, 0, THREADS);
    if (this.handle === 0) throw new Error(`Cannot make a completion port: error ${this.#calls.GetLastError()}`);
    const entriesBytes = BATCH * OVERLAPPED_ENTRY.size;
    this.#own = { entriesAt: 0, removedAt: 2 * entriesBytes };
    this.#waiters = { entriesAt: entriesBytes, removedAt: 2 * entriesBytes + 4 };
    this.#memory = MappedMemory.map(2 * entriesBytes + 8, allocatePages);
    this.waiter = new Waiter({
      port: {
        port: this.handle,
        entries: this.#memory.address(this.#waiters.entriesAt),
        capacity: BATCH,
        removed: this.#memory.address(this.#waiters.removedAt),
      },
      onCompletions,
      interrupt: () => this.#calls.PostQueuedCompletionStatus(this.handle, 0, 0, 0),
      onEnded: () => this.#calls.CloseHandle(this.handle),
    });
  }

  /** Binds a handle to the port for good; `key` comes back with each of its completions. Gives 0 or the error. */
  associate(file: number, keyLow: number, keyHigh: number): number {
    const port = this.#calls.CreateIoCompletionPort(file, this.handle, keyHigh * TWO_32 + keyLow, 0);
    return port === 0 ? this.#calls.GetLastError() : 0;
  }

  /** Asks for one request to be cancelled, or with 0 for all of the handle's. Their completions come all the same. */
  cancel(file: number, overlapped: number): void {
    // A refusal (ERROR_NOT_FOUND) says that the completion is on its way already; see also Requests.
    this.#calls.CancelIoEx(file, overlapped);
  }

  /** Takes what the waiting thread has got; gives the number of completions. */
  takeDelivered(sink: CompletionSink): number {
    if (this.#draining || !this.waiter.delivered) return 0;
    const count = this.#pass(this.#waiters, sink);
    this.waiter.taken();
    return count;
  }

  /** Takes what lies on the port without waiting; gives the number of completions. */
  drain(sink: CompletionSink): number {
    if (this.#draining) return 0;
    let total = 0;
    for (;;) {
      const entries = this.#memory.address(this.#own.entriesAt);
      const removed = this.#memory.address(this.#own.removedAt);
      if (this.#calls.GetQueuedCompletionStatusEx(this.handle, entries, BATCH, removed, 0, 0) === 0) return total;
      const count = this.#pass(this.#own, sink);
      total += count;
      if (count < BATCH) return total;
    }
  }

  /** Ends the waiting thread, and closes the port when it has ended. */
  close(): void {
    this.waiter.stop();
  }

  #pass(block: Block, sink: CompletionSink): number {
    const { u32 } = this.#memory;
    const count = u32[block.removedAt >> 2] as number;
    this.#draining = true;
    let at = block.entriesAt >> 2;
    for (let i = 0; i < count; i++, at += ENTRY_WORDS) {
      const overlapped = (u32[at + ENTRY_OVERLAPPED] as number) + (u32[at + ENTRY_OVERLAPPED + 1] as number) * TWO_32;
      // Without an OVERLAPPED it is the packet that only ends a wait.
      if (overlapped === 0) continue;
      sink(
        u32[at + ENTRY_KEY] as number,
        u32[at + ENTRY_KEY + 1] as number,
        overlapped,
        u32[at + ENTRY_BYTES] as number,
      );
    }
    this.#draining = false;
    return count;
  }
}
