import { EpollNotifier } from '../../bsd/linux/epoll-notifier.js';
import { LinuxStack } from '../../bsd/linux/stack.js';
import { READABLE } from '../../bsd/notifier.js';
import type { DriverReport } from '../../port/driver.js';
import { SystemError } from '../../port/errors.js';

const PROBE_GENERATION = 1;

/** Whether sockets and epoll are there: a datagram that a socket sends to itself must be reported, and only once. */
export function probeReadiness(): DriverReport {
  const findings: string[] = [];
  const stack = new LinuxStack();
  const refused = (reason: string): DriverReport => ({ name: 'readiness', usable: false, reason, findings });
  const descriptor = stack.socket('unix', 'datagram', true);
  if (descriptor < 0) return refused(`a socket cannot be opened: ${stack.errors.name(-descriptor)}`);
  let notifier: EpollNotifier | undefined;
  try {
    notifier = new EpollNotifier();
    findings.push('epoll_create1 works');
    const self = `\0overlapped-readiness-probe-${process.pid}-${descriptor}`;
    const address = { family: 'unix', address: self, port: 0 } as const;
    const failed = Math.min(stack.bind(descriptor, address), stack.connect(descriptor, address));
    if (failed < 0) return refused(`a UNIX-domain socket fails: ${stack.errors.name(-failed)}`);
    const refusal = notifier.add(descriptor, 0, PROBE_GENERATION);
    if (refusal !== 0) return refused(`epoll_ctl fails: ${stack.errors.name(refusal)}`);
    if (stack.send(descriptor, new Uint8Array(1), 1) !== 1) return refused('a UNIX-domain socket does not send');
    let reports = 0;
    const sink = (_index: number, generation: number, report: number) => {
      if (generation === PROBE_GENERATION && (report & READABLE) !== 0) reports++;
    };
    notifier.wait(sink);
    notifier.wait(sink);
    if (reports !== 1) return refused(`an edge was reported ${reports} times`);
    findings.push('an edge is reported once');
    return { name: 'readiness', usable: true, reason: '', findings };
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return refused(error.message);
  } finally {
    notifier?.close();
    stack.close(descriptor);
  }
}
