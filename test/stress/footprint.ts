import assert from 'node:assert/strict';
import type { Proactor } from '../../src/port/proactor.js';
import { settledDescriptors } from '../support/descriptors.js';
import { turns } from '../support/waiting.js';

/** What a proactor at rest holds. */
export interface Footprint {
  /** Operations that were ever made: the table never shrinks, and must not grow for ever. */
  readonly slots: number;
  /** -1 where the system does not tell. */
  readonly descriptors: number;
  readonly heapMegabytes: number;
  readonly residentMegabytes: number;
}

const MEGABYTE = 1 << 20;

export async function footprint(proactor: Proactor): Promise<Footprint> {
  // What the last round left is only garbage once its promises and timers are over.
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.();
    await turns(10);
  }
  const { heapUsed, rss } = process.memoryUsage();
  return {
    slots: countSlots(proactor),
    descriptors: await settledDescriptors(),
    heapMegabytes: heapUsed / MEGABYTE,
    residentMegabytes: rss / MEGABYTE,
  };
}

/** Takes every free slot there is, up to the first that had to be made. */
function countSlots(proactor: Proactor): number {
  const taken = [];
  const seen = new Set<number>();
  let highest = -1;
  for (;;) {
    const operation = proactor.acquire();
    taken.push(operation);
    seen.add(operation.slot);
    highest = Math.max(highest, operation.slot);
    // Each slot below the highest has been taken: whatever comes next is new.
    if (seen.size === highest + 1 && operation.generation === 0) break;
  }
  for (const operation of taken) proactor.release(operation);
  return highest;
}

// The collector and the allocator keep some memory in hand; a leak of 100 bytes a receive is far beyond this.
const HEAP_SLACK_MEGABYTES = 3;
const RESIDENT_SLACK_MEGABYTES = 40;

/** Nothing has grown between two moments of rest. */
export function assertFlat(before: Footprint, after: Footprint): void {
  const told = `${JSON.stringify(before)} before, ${JSON.stringify(after)} after`;
  assert.ok(after.descriptors <= before.descriptors, `descriptors: ${told}`);
  assert.ok(after.slots <= before.slots * 2, `slots: ${told}`);
  if (globalThis.gc === undefined) return;
  assert.ok(after.heapMegabytes <= before.heapMegabytes + HEAP_SLACK_MEGABYTES, `heap: ${told}`);
  assert.ok(after.residentMegabytes <= before.residentMegabytes + RESIDENT_SLACK_MEGABYTES, `resident memory: ${told}`);
}
