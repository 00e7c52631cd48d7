/** What the thread that waits and the thread that works share: one word. */
export const WAITER_STATE = 0;

/** The waiting thread sleeps: nobody wants to hear of completions, or they were taken and it may be sent again. */
export const WAITER_PARKED = 0;
/** The waiting thread is in the kernel, or on its way there. */
export const WAITER_WATCHING = 1;
/** Completions lie in its buffer for the other thread to take. */
export const WAITER_DELIVERED = 2;
/** The waiting thread is to leave the port alone. */
export const WAITER_LEAVING = 3;
/** It has left the port, and sleeps until it gets another one. */
export const WAITER_IDLE = 4;

/** The port to wait on, told in a message before the first wait. Addresses are in mapped memory, which outlives both threads. */
export interface WaiterPort {
  readonly port: number;
  /** An array of OVERLAPPED_ENTRY, its length, and the address of the ULONG that says how many were filled. */
  readonly entries: number;
  readonly capacity: number;
  readonly removed: number;
}

/** What the waiting thread is told when it starts. */
export interface WaiterData {
  readonly control: SharedArrayBuffer;
  readonly timeoutMs: number;
}

/** The thread's messages: it has begun to wait; it has delivered; it has left the port. */
export type WaiterMessage = 'up' | 'delivered' | 'left';

/**
 * The steps of the two threads, each of them one operation on the word. What is between two of them may be interleaved
 * with the other thread in any way: test/unit/waiter-model.test.ts goes through all of them. The buffer that completions
 * are delivered in is the waiting thread's while it watches, and the owner's from `deliver` to `take`.
 */
export interface WaiterSteps {
  /** The owner has a port for the thread, told in a message before this. */
  park(words: Int32Array): void;
  /** The owner wants to hear of completions. True: the thread does not watch yet, and has to be woken. */
  send(words: Int32Array): boolean;
  /** Wakes the thread, if it sleeps. */
  wake(words: Int32Array): void;
  hasDelivered(words: Int32Array): boolean;
  /** The owner has taken what was delivered. */
  take(words: Int32Array): void;
  /** The owner wants its port back. True: the thread may be in the kernel, and a packet has to get it out of there. */
  callOff(words: Int32Array): boolean;

  /** The thread looks what to do: the state decides. */
  look(words: Int32Array): number;
  /** The thread's buffer is full. False: it was called off in the meantime, and nobody will look into it. */
  deliver(words: Int32Array): boolean;
  /** The thread has left the port. */
  leave(words: Int32Array): void;
}

export const waiterSteps: WaiterSteps = {
  park(words) {
    Atomics.store(words, WAITER_STATE, WAITER_PARKED);
  },

  send(words) {
    return Atomics.compareExchange(words, WAITER_STATE, WAITER_PARKED, WAITER_WATCHING) === WAITER_PARKED;
  },

  wake(words) {
    Atomics.notify(words, WAITER_STATE);
  },

  hasDelivered(words) {
    return Atomics.load(words, WAITER_STATE) === WAITER_DELIVERED;
  },

  take(words) {
    Atomics.compareExchange(words, WAITER_STATE, WAITER_DELIVERED, WAITER_PARKED);
  },

  callOff(words) {
    return Atomics.exchange(words, WAITER_STATE, WAITER_LEAVING) === WAITER_WATCHING;
  },

  look(words) {
    return Atomics.load(words, WAITER_STATE);
  },

  deliver(words) {
    return Atomics.compareExchange(words, WAITER_STATE, WAITER_WATCHING, WAITER_DELIVERED) === WAITER_WATCHING;
  },

  leave(words) {
    Atomics.store(words, WAITER_STATE, WAITER_IDLE);
  },
};
