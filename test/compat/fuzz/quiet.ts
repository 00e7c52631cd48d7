import { access } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';

/** More turns than any step needs: one that goes on for longer never ends. */
const MAX_TURNS = 4000;

/** Calls back where a program's own callbacks of input and output are called: in the event loop's poll phase. */
export function inPollPhase(work: () => void): Promise<void> {
  return new Promise((resolve) => {
    access('/', () => {
      work();
      resolve();
    });
  });
}

/**
 * Turns the event loop until `still` turns in a row have changed nothing. Each turn takes what the kernel has ready, and
 * loopback delivers within the call that sends: what a step brings about at either end has then happened. Not by the
 * clock, so that a slow machine waits longer.
 */
export async function quiet(activity: () => number, still: number): Promise<boolean> {
  let seen = activity();
  let unchanged = 0;
  for (let i = 0; i < MAX_TURNS; i++) {
    await turn();
    const now = activity();
    unchanged = now === seen ? unchanged + 1 : 0;
    seen = now;
    if (unchanged >= still) return true;
  }
  return false;
}
