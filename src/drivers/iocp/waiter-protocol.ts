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
