import { POLLERR, POLLHUP, POLLIN, POLLOUT } from '../waiting/waiter.js';
import { PATIENCE_MS, type ProbeBench } from './bench.js';
import { type Finding, found, type QuirkName, unknown } from './finding.js';

/** Errors of poll or select itself; any other one is a socket's. */
const OWN_ERRORS = new Set(['EBADF', 'ENOTSOCK', 'EINVAL', 'EFAULT', 'ENOMEM', 'EINTR', 'EIO', 'ENOSYS']);

const LONG_ENOUGH = 40;
const SURELY_WAITED_MS = 20;

const LONGEST_TIMEOUT = 2 ** 31 - 1;
const US_PER_MS = 1000;

/** What poll and select make of an error that is pending on a socket. */
export function probeWaitErrors(bench: ProbeBench): Finding[] {
  const { waits } = bench;
  if (!waits.hasPoll && !waits.hasSelect) return unknownAll('the stack has neither poll nor select', WAIT_ERROR_FLAGS);
  const pair = bench.pair();
  bench.reset(pair);
  const ask = () => {
    failWithBadDescriptor(bench);
    return waits.hasPoll ? waits.poll([[pair.near, POLLIN]], 0) : waits.select(pair.near, { read: true });
  };
  let seen = ask();
  const asked = () => {
    if (seen.returned === 0) seen = ask();
    return seen.returned;
  };
  bench.until(asked, (returned) => returned !== 0);
  const call = waits.hasPoll ? 'poll' : 'select';
  if (seen.returned === 0) return unknownAll(`${call} does not show a connection that was reset`, WAIT_ERROR_FLAGS);
  const code = bench.code(seen.failure);
  const reports = seen.returned < 0 && !OWN_ERRORS.has(code);
  const answered = 'answers' in seen && seen.answers[0] !== 0;
  const findings = [
    found('waitReportsSocketError', reports, reports ? `${call} failed with ${code}` : `${call} gave ${seen.returned}`),
    waits.hasPoll
      ? found('pollErrorCountIsMinusOne', answered && seen.returned === -1, `poll gave ${seen.returned}`)
      : unknown('pollErrorCountIsMinusOne', 'the stack has no poll'),
  ];
  if (!reports) return [...findings, found('waitErrorConsumes', false, 'no wait reports an error')];
  const received = bench.receive(pair.near);
  const what = received < 0 ? bench.code(received) : `${received} bytes`;
  return [...findings, found('waitErrorConsumes', received !== seen.failure, `recv gave ${what} afterwards`)];
}

const WAIT_ERROR_FLAGS: readonly QuirkName[] = [
  'waitReportsSocketError',
  'waitErrorConsumes',
  'pollErrorCountIsMinusOne',
];

function unknownAll(why: string, flags: readonly QuirkName[]): Finding[] {
  return flags.map((flag) => unknown(flag, why));
}

/** Leaves EBADF where the stack keeps its last error: what stands there after the next call is not an older error. */
function failWithBadDescriptor(bench: ProbeBench): void {
  bench.stack.recv(-1, new Uint8Array(1), 1);
}

/** poll of a descriptor that is not open, between two that are ready. */
export function probeInvalidEntry(bench: ProbeBench): Finding[] {
  if (!bench.waits.hasPoll) return [unknown('pollInvalidFdAborts', 'the stack has no poll')];
  const { near, far } = bench.pair();
  bench.send(near, 'x');
  bench.send(far, 'x');
  bench.waitReadable(near);
  bench.waitReadable(far);
  const gone = bench.open();
  bench.close(gone);
  const entries = [near, gone, far].map((descriptor) => [descriptor, POLLIN] as const);
  const { returned, answers } = bench.waits.poll(entries, 0);
  const aborts = returned < 0 && answers[2] === 0;
  return [found('pollInvalidFdAborts', aborts, `poll gave ${returned} and the answers ${answers.join(' ')}`)];
}

/** Waits for nobody. */
export function probeNobody(bench: ProbeBench): Finding[] {
  const { waits } = bench;
  const findings: Finding[] = [];
  if (waits.hasSelect) {
    const returned = waits.selectNobody();
    findings.push(found('emptySetFails', returned < 0, `select of no descriptor gave ${returned}`));
  } else findings.push(unknown('emptySetFails', 'the stack has no select'));
  if (!waits.hasPoll) return [...findings, ...unknownAll('the stack has no poll', POLL_ZERO_FLAGS)];
  const { returned } = waits.poll([], 0);
  findings.push(found('pollZeroFails', returned < 0, `poll of no entry gave ${returned}`));
  if (returned < 0) return [...findings, found('pollZeroReturnsAtOnce', false, 'poll of no entry fails')];
  const timeout = LONG_ENOUGH * (bench.calls.profile.quirks.timeoutUnit === 'microseconds' ? US_PER_MS : 1);
  const { tookMs } = waits.poll([], timeout);
  const how = `poll of no entry for ${LONG_ENOUGH} ms took ${tookMs.toFixed(1)} ms`;
  return [...findings, found('pollZeroReturnsAtOnce', tookMs < SURELY_WAITED_MS, how)];
}

const POLL_ZERO_FLAGS: readonly QuirkName[] = ['pollZeroFails', 'pollZeroReturnsAtOnce'];

/** What poll takes its timeout for. */
export function probeTimeoutUnit(bench: ProbeBench): Finding[] {
  if (!bench.waits.hasPoll) return [unknown('timeoutUnit', 'the stack has no poll')];
  const { near } = bench.pair();
  const { returned, tookMs } = bench.waits.poll([[near, POLLIN]], LONG_ENOUGH);
  if (returned !== 0) return [unknown('timeoutUnit', `poll of a quiet socket gave ${returned}`)];
  const unit = tookMs < SURELY_WAITED_MS ? 'microseconds' : 'milliseconds';
  return [found('timeoutUnit', unit, `poll with ${LONG_ENOUGH} took ${tookMs.toFixed(1)} ms`)];
}

/** The longest timeout that poll takes. Those that return early cannot be told without waiting for as long. */
export function probeTimeouts(bench: ProbeBench): Finding[] {
  const crash = unknown('nullTimeoutCrashes', 'trying it may end the process');
  if (!bench.waits.hasPoll) return [crash, unknown('longestTimeoutMs', 'the stack has no poll')];
  const { near } = bench.pair();
  const takes = (timeout: number) => bench.waits.poll([[near, POLLOUT]], timeout).returned >= 0;
  bench.until(
    () => bench.waits.poll([[near, POLLOUT]], 0).returned,
    (returned) => returned !== 0,
  );
  if (takes(LONGEST_TIMEOUT)) {
    return [crash, unknown('longestTimeoutMs', `poll takes ${LONGEST_TIMEOUT}; whether it waits as long is not known`)];
  }
  let [good, bad] = [0, LONGEST_TIMEOUT];
  while (bad - good > 1) {
    const middle = good + Math.floor((bad - good) / 2);
    if (takes(middle)) good = middle;
    else bad = middle;
  }
  const perMs = bench.calls.profile.quirks.timeoutUnit === 'microseconds' ? US_PER_MS : 1;
  return [crash, found('longestTimeoutMs', Math.floor(good / perMs), `poll refuses a timeout of ${bad}`)];
}

/** What poll says of a connection that is over in both directions, and how select counts. */
export function probeAnswers(bench: ProbeBench): Finding[] {
  const { waits } = bench;
  const { near, far } = bench.pair();
  const findings: Finding[] = [];
  if (waits.hasSelect) {
    bench.send(far, 'x');
    bench.waitReadable(near);
    const { returned } = waits.select(near, { read: true, write: true });
    const how = `select gave ${returned} for one descriptor in two sets`;
    findings.push(found('selectCountsDescriptors', returned === 1, how));
  } else findings.push(unknown('selectCountsDescriptors', 'the stack has no select'));
  if (!waits.hasPoll) return [...findings, unknown('hupFoldedIntoIn', 'the stack has no poll')];
  bench.receive(near);
  bench.stack.shutdown(near, 'send');
  bench.receive(far);
  bench.close(far);
  let answer = 0;
  bench.until(
    () => {
      answer = waits.poll([[near, POLLIN]], 0).answers[0] ?? 0;
      return answer;
    },
    (bits) => (bits & (POLLHUP | POLLERR)) !== 0,
    PATIENCE_MS / 2,
  );
  const how = `poll said ${answer} where both directions were over (POLLIN ${POLLIN}, POLLHUP ${POLLHUP})`;
  return [...findings, found('hupFoldedIntoIn', (answer & POLLHUP) === 0 && (answer & POLLIN) !== 0, how)];
}
