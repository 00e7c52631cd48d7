/**
 * Calls back `hz` times a second without drift: each tick is planned from the start, as
 * a rounded setInterval(16) would tick 62.5 times a second instead of 60.
 * @param {number} hz
 * @param {() => void} callback
 */
export function everyTick(hz, callback) {
  const start = performance.now();
  let ticks = 0;
  const tick = () => {
    callback();
    ticks += 1;
    setTimeout(tick, Math.max(0, start + (ticks * 1000) / hz - performance.now()));
  };
  tick();
}
