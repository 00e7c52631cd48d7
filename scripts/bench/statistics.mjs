// Medians over rounds.

/** @typedef {Record<string, number>} Metrics */

/** @param {number[]} values at least one */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/**
 * @param {Metrics[]} rounds at least one, all with the same names
 * @returns {Metrics} each metric's own median
 */
export function medianMetrics(rounds) {
  const names = Object.keys(rounds[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, median(rounds.map((round) => round[name] ?? NaN))]));
}

/**
 * How far the rounds are apart, as a share of their median: what is smaller is noise.
 * @param {Metrics[]} rounds
 * @param {string} name
 */
export function spread(rounds, name) {
  const values = rounds.map((round) => round[name] ?? NaN);
  return (Math.max(...values) - Math.min(...values)) / median(values);
}
