import type { ProbeBench } from './bench.js';
import { type Finding, found, unknown } from './finding.js';

const SENDS_TRIED = 4;
/** Datagrams cross the loopback within this. */
const REFUSAL_MS = 100;

/** SO_LINGER {1,0}. */
export function probeLinger(bench: ProbeBench): Finding[] {
  const { near, far } = bench.pair();
  // Nothing is unread at this end then, and nothing of it unacknowledged: either would be a reset by itself.
  bench.send(near, 'x');
  bench.receive(far);
  const set = bench.stack.lingerZero(far);
  if (set < 0) return [unknown('lingerZeroNoRst', `SO_LINGER cannot be set: ${bench.code(set)}`)];
  bench.close(far);
  const received = bench.receive(near);
  const what = received < 0 ? bench.code(received) : received === 0 ? 'the end' : `${received} bytes`;
  if (received === 0 && readsResetAsEnd(bench)) {
    return [unknown('lingerZeroNoRst', 'the other side received the end, as it does for a RST that unread bytes make')];
  }
  return [found('lingerZeroNoRst', received === 0, `the other side received ${what}`)];
}

/** Whether a receive reads a RST that nobody doubts as an end: then it cannot tell that there was none. */
function readsResetAsEnd(bench: ProbeBench): boolean {
  const pair = bench.pair();
  bench.reset(pair);
  return bench.receive(pair.near) === 0;
}

/** Sends to a connection that was reset. That none says EPROTOTYPE proves nothing: it comes by chance. */
export function probeSends(bench: ProbeBench): Finding[] {
  const pair = bench.pair();
  bench.reset(pair);
  const codes: string[] = [];
  const bytes = Buffer.from('x');
  for (let i = 0; i < SENDS_TRIED; i++) {
    const sent = bench.until(
      () => bench.stack.send(pair.near, bytes, 1),
      (result) => result < 0,
    );
    codes.push(bench.code(sent));
  }
  const how = `sends to a connection that was reset: ${codes.map((code) => code || 'taken').join(' ')}`;
  if (codes.includes('EPROTOTYPE')) return [found('sendEprototype', true, how)];
  return [unknown('sendEprototype', `${how}; it comes by chance`)];
}

/** A datagram that finds nobody. */
export function probeRefusedDatagram(bench: ProbeBench): Finding[] {
  if (!bench.calls.has('recvfrom') || !bench.calls.has('sendto')) {
    return [unknown('udpReset', 'the stack has no recvfrom or sendto')];
  }
  const dead = bench.bound('datagram');
  bench.close(dead.descriptor);
  const { descriptor } = bench.bound('datagram');
  const batch = bench.stack.createBatch(1, 16);
  batch.add(Buffer.from('x'), dead.address);
  const sent = bench.stack.sendBatch(descriptor, batch, 0);
  if (sent < 0) return [unknown('udpReset', `a datagram cannot be sent: ${bench.code(sent)}`)];
  batch.clear();
  const received = bench.until(
    () => bench.stack.recvBatch(descriptor, batch),
    (result) => result !== -bench.stack.again,
    REFUSAL_MS,
  );
  const code = bench.code(received);
  return [found('udpReset', code === 'ECONNRESET' || code === 'ENETRESET', `a receive said ${code || 'nothing'}`)];
}
