import { PollTable } from '../../src/bsd/waiting/poll-table.js';
import type { StackWaiter } from '../../src/bsd/waiting/waiter.js';

export type Entries = readonly (readonly [descriptor: number, events: number])[];

/** Polls these entries, whose answers of before would be taken for new ones if they were left. */
export function askPoll(
  waiter: StackWaiter,
  entries: Entries,
  timeoutMs: number,
): { ready: number; revents: number[] } {
  const table = new PollTable();
  for (const [descriptor, events] of entries) {
    const at = table.push(descriptor, events);
    table.revents[at] = 0x3f;
  }
  const ready = waiter.poll(table, timeoutMs);
  return { ready, revents: [...table.revents.subarray(0, table.count)] };
}
