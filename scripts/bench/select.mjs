// What the shim costs: poll of 1,000 descriptors through a profile's waiter, and through pollSync() of overlapped/select,
// against the bare FFI call on memory that is filled in already. All in one process, in rounds that take turns; the
// ratio of the medians counts.
// Usage: node scripts/bench/select.mjs [descriptors] [rounds]
import { openKoffiLibrary } from '../../dist/src/bsd/library/koffi.js';
import { CALL_TYPES } from '../../dist/src/bsd/profile/calls.js';
import { PendingErrors } from '../../dist/src/bsd/waiting/pending-errors.js';
import { PollTable } from '../../dist/src/bsd/waiting/poll-table.js';
import { ProfileWaiter } from '../../dist/src/bsd/waiting/profile-waiter.js';
import { pollSync } from '../../dist/src/select.js';
import { LINUX, openStack } from '../../dist/src/stack.js';

const POLLIN = 1;
const POLLOUT = 4;
const CALLS_PER_ROUND = 200;

const descriptors = Number(process.argv[2] ?? 1000);
const rounds = Number(process.argv[3] ?? 60);

const library = openKoffiLibrary(null);
const bare = library.find('poll', CALL_TYPES.poll);
const waiter = new ProfileWaiter({ ...LINUX, waits: ['poll'] }, library, new PendingErrors());
const { stack } = openStack({ ...LINUX, waits: ['poll'] });

/** @param {number[]} values */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/** Microseconds a call, each way. @param {number[]} sockets @param {number} events */
function compare(sockets, events) {
  const table = new PollTable(sockets.length);
  const memory = new Uint8Array(8 * sockets.length);
  const words = new Int32Array(memory.buffer);
  sockets.forEach((descriptor, i) => {
    table.push(descriptor, events);
    words[2 * i] = descriptor;
    words[2 * i + 1] = events;
  });
  const entries = sockets.map((socket) => ({ socket, events, revents: 0 }));
  const contenders = [() => bare(memory, sockets.length, 0), () => waiter.poll(table, 0), () => pollSync(entries, 0)];
  /** @type {number[][]} */
  const times = contenders.map(() => []);
  const results = contenders.map((contender) => contender());
  if (new Set(results).size !== 1) throw new Error(`The answers differ: ${results}`);
  for (let round = 0; round < rounds + 5; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const which = (round + turn) % contenders.length;
      const contender = contenders[which];
      const start = performance.now();
      for (let call = 0; call < CALLS_PER_ROUND; call++) contender();
      const us = ((performance.now() - start) * 1000) / CALLS_PER_ROUND;
      if (round >= 5) times[which].push(us);
    }
  }
  return { ready: results[0], us: times.map(median) };
}

const sockets = Array.from({ length: descriptors }, () => {
  const descriptor = stack.socket('IPv4', 'datagram', true);
  if (descriptor < 0) throw new Error(`Cannot open ${descriptors} sockets: raise ulimit -n`);
  return descriptor;
});
for (const [title, events] of [
  ['none ready', POLLIN],
  ['all ready', POLLOUT],
]) {
  const { ready, us } = compare(sockets, events);
  const [bareUs, shimUs, publicUs] = us;
  const against = (value) => `${value.toFixed(1)} us (x ${(value / bareUs).toFixed(3)})`;
  console.log(
    `${title}, ${ready} of ${descriptors}: bare call ${bareUs.toFixed(1)} us, shim ${against(shimUs)}, pollSync ${against(publicUs)}`,
  );
}
for (const descriptor of sockets) stack.close(descriptor);
