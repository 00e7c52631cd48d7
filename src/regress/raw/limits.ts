/** Every bound of the raw characterisation, with its reason. */

/** How long the peer's end and our completions are waited for: loopback takes microseconds, and a machine is shared. */
export const OBSERVE_MS = 400;

/** How long `reap` waits for the completions of what was cancelled. */
export const REAP_MS = 2000;

/** How long a request must stay pending before it counts as pending. */
export const SETTLE_MS = 20;

/** How long bytes may take from the peer to our end. */
export const ARRIVE_MS = 2000;

/** What an N-byte receive asks for, and what the peer leaves unread: fewer, so that the low-water mark holds them. */
export const RECEIVE_BYTES = 1024;
export const UNREAD_BYTES = 64;

/** Sends are posted until one stays pending: so many at most, of so many bytes, into buffers of about this size. */
export const SEND_BYTES = 262_144;
export const MAX_SENDS = 64;
export const SOCKET_BUFFER_BYTES = 65_536;

/** A state that does not come about is tried again: so many attempts a run at most. */
export const ATTEMPTS_PER_RUN = 3;

/** How often a cell is run unless `--repeat` says otherwise, and at most. */
export const DEFAULT_REPEAT = 5;
export const MAX_REPEAT = 1000;
