import { POLLOUT } from '../waiting/waiter.js';
import { CONNECT_PATIENCE_MS, PATIENCE_MS, type ProbeBench } from './bench.js';
import { type Finding, found, type QuirkName, unknown } from './finding.js';

/** The value that an option named MSG_OOB has on every stack that is known. */
const MSG_OOB = 1;

/** What a connect says when it has begun. */
export function probeConnectBegun(bench: ProbeBench): Finding[] {
  const { address } = bench.listener();
  const result = bench.connect(bench.open(), address);
  if (result === 0) return [unknown('connectInProgressIsWouldBlock', 'a connect was done at once')];
  const code = bench.code(result);
  return [found('connectInProgressIsWouldBlock', code === 'EAGAIN', `a connect that had begun said ${code}`)];
}

/** SO_ERROR: of a new socket, of a connection, and of a connect that has failed. */
export function probeSoError(bench: ProbeBench): Finding[] {
  const { SOL_SOCKET, SO_ERROR } = bench.calls.profile.constants;
  if (SO_ERROR === null) return missing('the profile has no SO_ERROR');
  if (!bench.calls.has('getsockopt')) return missing('the stack has no getsockopt');
  const ask = (descriptor: number) => bench.option(descriptor, SOL_SOCKET, SO_ERROR);
  const fresh = ask(bench.open());
  if (fresh.result < 0) return missing(`getsockopt(SO_ERROR) fails with ${bench.code(fresh.result)}`);
  const { near } = bench.pair();
  bench.send(near, 'x');
  const connected = ask(near);
  const failed = bench.open();
  const atOnce = bench.stack.connect(failed, bench.deadAddress());
  if (!isBegun(bench, atOnce)) {
    const stale = fresh.value !== 0 || connected.value !== 0;
    return [
      found('soErrorMissing', false, 'it can be read'),
      found('soErrorStale', stale, 'of sockets without errors'),
    ];
  }
  let first = 0;
  bench.until(
    () => {
      first = ask(failed).value;
      return first;
    },
    (value) => value !== 0,
    CONNECT_PATIENCE_MS / 2,
  );
  const known = ['ECONNREFUSED', 'ECONNRESET'].includes(bench.stack.errors.name(Math.abs(first)));
  const stale = fresh.value !== 0 || connected.value !== 0 || !known;
  const how = `new ${fresh.value}, connected ${connected.value}, after a failed connect ${first}`;
  return [found('soErrorMissing', false, 'it can be read'), found('soErrorStale', stale, how)];
}

function missing(how: string): Finding[] {
  return [found('soErrorMissing', true, how), unknown('soErrorStale', how)];
}

function isBegun(bench: ProbeBench, result: number): boolean {
  return ['EINPROGRESS', 'EAGAIN'].includes(bench.code(result));
}

/** A connect to a port where nobody listens: when it fails, with what, and who is told. */
export function probeConnectFails(bench: ProbeBench): Finding[] {
  const address = bench.deadAddress();
  const first = bench.open();
  const atOnce = bench.stack.connect(first, address);
  const begun = isBegun(bench, atOnce);
  const how = `a connect to a port where nobody listens said ${bench.code(atOnce) || 'nothing'} at once`;
  const findings = [found('connectRefusedAtOnce', !begun && atOnce < 0, how)];
  const start = performance.now();
  const error = begun ? endOfConnect(bench, first, () => bench.stack.connect(first, address)) : bench.code(atOnce);
  const tookMs = performance.now() - start;
  findings.push(
    ['ECONNREFUSED', 'ECONNRESET'].includes(error)
      ? found('refusedIsReset', error === 'ECONNRESET', `it failed with ${error}`)
      : unknown('refusedIsReset', `how it failed is not to be had: ${error || 'no error'}`),
  );
  if (!begun) return [...findings, ...unknownAll('a connect fails at once', SHOWN_FLAGS)];
  return [...findings, ...probeShown(bench, tookMs + PATIENCE_MS)];
}

const SHOWN_FLAGS: readonly QuirkName[] = ['connectFailOnlyInExcept', 'connectFailInvisible', 'exceptNeverSet'];

function unknownAll(why: string, flags: readonly QuirkName[]): Finding[] {
  return flags.map((flag) => unknown(flag, why));
}

/** The code with which a connect has failed: from SO_ERROR where that tells, or else from a second connect. */
function endOfConnect(bench: ProbeBench, descriptor: number, again: () => number): string {
  const { SOL_SOCKET, SO_ERROR } = bench.calls.profile.constants;
  const { soErrorMissing, soErrorStale } = bench.calls.profile.quirks;
  if (SO_ERROR !== null && !soErrorMissing && !soErrorStale) {
    const ask = () => bench.option(descriptor, SOL_SOCKET, SO_ERROR).value;
    const value = bench.until(ask, (error) => error !== 0, CONNECT_PATIENCE_MS);
    return value === 0 ? '' : bench.code(bench.calls.errors.failure(value));
  }
  const unfinished = ['EALREADY', 'EINPROGRESS', 'EAGAIN', 'EINTR'];
  const result = bench.until(again, (error) => !unfinished.includes(bench.code(error)), CONNECT_PATIENCE_MS);
  return bench.code(result);
}

/** Whether poll and select show a failed connect, given the time it takes. */
function probeShown(bench: ProbeBench, patienceMs: number): Finding[] {
  const { waits } = bench;
  const findings: Finding[] = [];
  let failureInExcept = false;
  if (waits.hasSelect) {
    const failing = bench.open();
    bench.stack.connect(failing, bench.deadAddress());
    let seen = waits.select(failing, { read: true, write: true, except: true });
    bench.until(
      () => {
        if (!(seen.read || seen.write || seen.except))
          seen = waits.select(failing, { read: true, write: true, except: true });
        return seen.returned;
      },
      () => seen.read || seen.write || seen.except,
      patienceMs,
    );
    failureInExcept = seen.except;
    const sets = [seen.read && 'read', seen.write && 'write', seen.except && 'except'].filter(Boolean).join(' ');
    const only = seen.except && !seen.read && !seen.write;
    findings.push(found('connectFailOnlyInExcept', only, `a failed connect was shown in: ${sets || 'no set'}`));
  } else findings.push(unknown('connectFailOnlyInExcept', 'the stack has no select'));
  findings.push(probeUrgent(bench, failureInExcept));
  if (!waits.hasPoll) return [...findings, unknown('connectFailInvisible', 'the stack has no poll')];
  const failing = bench.open();
  bench.stack.connect(failing, bench.deadAddress());
  const ask = () => waits.poll([[failing, POLLOUT]], 0).returned;
  const returned = bench.until(ask, (result) => result !== 0, patienceMs);
  const how = `poll gave ${returned} for a failed connect, after ${Math.round(patienceMs)} ms at most`;
  return [...findings, found('connectFailInvisible', returned === 0, how)];
}

/** Whether select ever sets the third set: for urgent data, if for nothing else. */
function probeUrgent(bench: ProbeBench, failureInExcept: boolean): Finding {
  if (!bench.waits.hasSelect) return unknown('exceptNeverSet', 'the stack has no select');
  if (failureInExcept) return found('exceptNeverSet', false, 'a failed connect was in the third set');
  const { near, far } = bench.pair();
  bench.send(far, 'x');
  const sent = bench.calls.get('send')(
    far,
    Buffer.from('!'),
    1,
    MSG_OOB | (bench.calls.profile.constants.MSG_DONTWAIT ?? 0),
  );
  if (sent < 0) {
    const code = bench.code(bench.calls.failure(sent));
    return unknown('exceptNeverSet', `urgent data cannot be sent: ${code}`);
  }
  let seen = false;
  bench.until(
    () => {
      seen = bench.waits.select(near, { except: true }).except;
      return 0;
    },
    () => seen,
  );
  return found('exceptNeverSet', !seen, `urgent data ${seen ? 'was' : 'was not'} shown in the third set`);
}
