import { lastErrno } from '../../../native-bindings/ffi.js';
import { CLOCK_REALTIME, packet, timespec } from '../../../native-bindings/linux/packet.js';
import { nowMs } from '../clock.js';

/** Each try brackets one clock between two looks at the other; the narrowest tells best. */
const TRIES = 5;

/** How far CLOCK_REALTIME, by which the kernel stamps frames, is ahead of `nowMs()`: milliseconds, to a microsecond or so. */
export function realtimeAheadMs(): number {
  const time = new Uint8Array(timespec.size);
  const view = new DataView(time.buffer);
  const { clock_gettime } = packet();
  let best = { widthMs: Number.POSITIVE_INFINITY, aheadMs: 0 };
  for (let i = 0; i < TRIES; i++) {
    const beforeMs = nowMs();
    if (clock_gettime(CLOCK_REALTIME, time) !== 0) throw new Error(`clock_gettime failed with errno ${lastErrno()}`);
    const widthMs = nowMs() - beforeMs;
    const realtimeMs =
      Number(view.getBigInt64(timespec.offset.tv_sec, true)) * 1000 +
      Number(view.getBigInt64(timespec.offset.tv_nsec, true)) / 1e6;
    if (widthMs < best.widthMs) best = { widthMs, aheadMs: realtimeMs - (beforeMs + widthMs / 2) };
  }
  return best.aheadMs;
}
