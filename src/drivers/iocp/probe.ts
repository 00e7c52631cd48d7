import { extensionFunction } from '../../../native-bindings/windows/mswsock.js';
import type { DriverReport } from '../../port/driver.js';
import { winsockErrors } from './errors.js';
import { Winsock } from './winsock.js';

/** Whether Winsock and completion ports can carry sockets here. What the driver needs is really tried. */
export function probeIocp(): DriverReport {
  const findings: string[] = [];
  try {
    const winsock = new Winsock();
    findings.push('Winsock 2.2 is there');
    const handle = winsock.socket('IPv4', 'stream');
    if (handle < 0) return refused(findings, `a socket cannot be opened: ${explain(-handle)}`);
    try {
      for (const name of ['AcceptEx', 'ConnectEx'] as const) {
        const found = extensionFunction(handle, name);
        if (typeof found === 'number') return refused(findings, `there is no ${name}: ${explain(found)}`);
      }
      findings.push('the provider has AcceptEx and ConnectEx');
      const skips = winsock.skipsSuccess(handle, 'IPv4', 'stream');
      findings.push(
        `requests that end at once ${skips ? 'skip the completion port' : 'come through the completion port'}`,
      );
    } finally {
      winsock.close(handle);
    }
    return { name: 'iocp', usable: true, reason: '', findings };
  } catch (error) {
    return refused(findings, error instanceof Error ? error.message : String(error));
  }
}

function refused(findings: readonly string[], reason: string): DriverReport {
  return { name: 'iocp', usable: false, reason, findings };
}

function explain(error: number): string {
  const code = winsockErrors.name(error);
  return `${code}: ${winsockErrors.describe(code)}`;
}
