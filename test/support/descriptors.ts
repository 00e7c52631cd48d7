import { existsSync, readdirSync } from 'node:fs';
import { countHandles } from '../../native-bindings/windows/handle-count.js';
import { turn } from './waiting.js';

const DESCRIPTORS = '/proc/self/fd';
/** What is closed takes effect a little later where another thread has a part in it. */
const SETTLING_MS = 250;

/** Descriptors that this process has open, handles on Windows; -1 where nothing tells. */
export function openDescriptors(): number {
  if (process.platform === 'win32') return countHandles();
  return existsSync(DESCRIPTORS) ? readdirSync(DESCRIPTORS).length : -1;
}

/** The fewest that it comes to once things have calmed down. */
export async function settledDescriptors(): Promise<number> {
  let fewest = openDescriptors();
  let since = performance.now();
  while (performance.now() - since < SETTLING_MS) {
    await turn();
    const now = openDescriptors();
    if (now >= fewest) continue;
    fewest = now;
    since = performance.now();
  }
  return fewest;
}
