const never = new Int32Array(new SharedArrayBuffer(4));

/** Holds this thread for so long: for the few conditions of the kernel's that no event announces. */
export function pause(durationMs: number): void {
  Atomics.wait(never, 0, 0, durationMs);
}

/** Tries until `holds` is true or the time is over, a millisecond apart; gives whether it came true. */
export function becomesTrue(withinMs: number, holds: () => boolean): boolean {
  const untilMs = performance.now() + withinMs;
  for (;;) {
    if (holds()) return true;
    if (performance.now() >= untilMs) return false;
    pause(1);
  }
}
