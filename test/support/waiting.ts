import { setImmediate as immediate } from 'node:timers/promises';

/** Long enough for a loaded machine; a promise that takes longer is one that never settles. */
export const PATIENCE_MS = 8000;

/** The promise's outcome, or a failure that says what was waited for. */
export async function soon<T>(promise: Promise<T>, what: string, patienceMs = PATIENCE_MS): Promise<T> {
  let watchdog: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    watchdog = setTimeout(() => reject(new Error(`Waited ${patienceMs} ms in vain for ${what}`)), patienceMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(watchdog);
  }
}

/** One turn of the host's event loop. */
export function turn(): Promise<void> {
  return immediate();
}

/** Some turns of the event loop: what was going to happen of itself has happened. */
export async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

/** Turns the event loop until the condition holds. */
export async function until(condition: () => boolean, what: string, patienceMs = PATIENCE_MS): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`Waited ${patienceMs} ms in vain for ${what}`);
    await turn();
  }
}

/** Whether the promise has settled by now, without waiting for it. */
export async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending');
  await turns(5);
  const first = await Promise.race([promise.catch(() => undefined), Promise.resolve(pending)]);
  return first === pending;
}
