import { checkTimeout } from '../sockets/arguments.js';

/** What `overlapped/net` takes beside Node's own options: milliseconds; absent or Infinity waits for ever. */
export interface TimeoutOptions {
  /** Without a byte for so long, while the stream wants some. */
  readonly recvTimeoutMs?: number | undefined;
  /** For each write: until the system has taken all of it. */
  readonly sendTimeoutMs?: number | undefined;
  /** For each address that is tried. */
  readonly connectTimeoutMs?: number | undefined;
}

/** Milliseconds that each operation of a stream may take. Infinity: as long as it takes. */
export interface StreamTimeouts {
  readonly recvTimeoutMs: number;
  readonly sendTimeoutMs: number;
  readonly connectTimeoutMs: number;
}

const FOREVER = Number.POSITIVE_INFINITY;

export const NO_TIMEOUTS: StreamTimeouts = {
  recvTimeoutMs: FOREVER,
  sendTimeoutMs: FOREVER,
  connectTimeoutMs: FOREVER,
};

/** The checked timeouts; null where there are none. Throws TypeError and RangeError. */
export function streamTimeouts(options: TimeoutOptions | null | undefined): StreamTimeouts | null {
  if (typeof options !== 'object' || options === null) return null;
  const { recvTimeoutMs, sendTimeoutMs, connectTimeoutMs } = options;
  if (recvTimeoutMs === undefined && sendTimeoutMs === undefined && connectTimeoutMs === undefined) return null;
  return {
    recvTimeoutMs: checkTimeout(recvTimeoutMs, FOREVER),
    sendTimeoutMs: checkTimeout(sendTimeoutMs, FOREVER),
    connectTimeoutMs: checkTimeout(connectTimeoutMs, FOREVER),
  };
}

/** Where a socket keeps its timeouts. */
export const timeoutsKey = Symbol('timeouts');
