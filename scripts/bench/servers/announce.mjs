// The words between a server and the harness: PORT comes in, `listening PORT` goes out.

/** @returns {number} the first argument; 0 lets the system choose */
export function portArgument() {
  return Number(process.argv[2] ?? 0);
}

/** @param {number} port the port that is really bound */
export function announce(port) {
  console.log(`listening ${port}`);
}

/**
 * On SIGUSR2 collects all garbage and says `collected`, so that the harness can tell
 * what idle connections hold from what their opening left behind. Needs --expose-gc.
 */
export function collectOnSignal() {
  process.on('SIGUSR2', () => {
    globalThis.gc?.();
    globalThis.gc?.();
    console.log('collected');
  });
}
