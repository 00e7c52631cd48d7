const TICK_MS = 1;

interface Ticking {
  tick(): void;
}

/** Everything that lwIP's peers have open is looked at once a millisecond: lwIP tells nobody's event loop anything. */
const open = new Set<Ticking>();
let timer: NodeJS.Timeout | undefined;

export function watch(item: Ticking): void {
  open.add(item);
  timer ??= setInterval(() => {
    for (const each of [...open]) each.tick();
  }, TICK_MS);
}

export function forget(item: Ticking): void {
  open.delete(item);
  if (open.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}

export function isWatched(item: Ticking): boolean {
  return open.has(item);
}
