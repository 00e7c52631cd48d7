/**
 * Milliseconds on the system's monotonic clock. It is the same clock in every thread of the process, whereas
 * `performance.timeOrigin` is read from the wall clock by each thread for itself.
 */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Waits at least so long: the host's timers may fire up to a millisecond early. */
export async function waitMs(durationMs: number): Promise<void> {
  const untilMs = nowMs() + durationMs;
  for (let leftMs = durationMs; leftMs > 0; leftMs = untilMs - nowMs()) {
    await new Promise((resolve) => setTimeout(resolve, Math.ceil(leftMs)));
  }
}
