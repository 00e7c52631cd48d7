/**
 * Every limit of the library, with its reason. Nothing grows without one.
 */

/** setTimeout's own range; a longer timeout is clamped to it (24.8 days). */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Operations that may wait in one direction of one socket; the next one fails with ENOBUFS. */
export const MAX_QUEUED_OPERATIONS = 1024;

/** Bytes that one send may take: what a 32-bit length carries on every platform. */
export const MAX_SEND_BYTES = 2 ** 31 - 1;

/** Buffers that one send may gather. IOV_MAX is 1024 on Linux, macOS and the BSDs. */
export const MAX_GATHER = 1024;

/** Operations outstanding on one proactor: what a slot number in a completion tag can name. */
export const MAX_OPERATIONS = 2 ** 24 - 1;

/** Connections that wait in the kernel for accept; the kernel lowers it to net.core.somaxconn. */
export const DEFAULT_BACKLOG = 511;

/** How long `close()` lets pending sends drain unless told otherwise: a stalled peer must not hold a socket for ever. */
export const DEFAULT_CLOSE_TIMEOUT_MS = 30_000;

/** A listener's loop waits this long after EMFILE and its like before it accepts again, doubling up to the second. */
export const ACCEPT_RETRY_FIRST_MS = 5;
export const ACCEPT_RETRY_MAX_MS = 1000;
