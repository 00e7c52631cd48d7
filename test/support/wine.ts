import { fileURLToPath } from 'node:url';

/** Runs a program with Windows' node.exe under Wine, from Linux. */
export const WINE = ['bash', fileURLToPath(new URL('../../../scripts/wine.sh', import.meta.url))] as const;

/** Time for the first run on a machine, which installs Wine. */
export const PREPARING_MS = 600_000;

/** Whether Wine is left out of this run, as whoever started it has asked for. It is then said so. */
export function isWithoutWine(what: string): boolean {
  if (process.env['OVERLAPPED_WITHOUT_WINE'] !== '1') return false;
  console.log(`NOT RUN: ${what}, because OVERLAPPED_WITHOUT_WINE is set`);
  return true;
}
