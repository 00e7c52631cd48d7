import { parseArgs } from 'node:util';
import { chooseDriver, probeDrivers } from '../drivers/choose.js';
import { platformDrivers } from '../platform.js';
import type { DriverName, DriverReport } from '../port/driver.js';
import { describeMachine, type Machine, readText } from './machine.js';
import { UsageError } from './options.js';
import { pad, standardTerminal, type Terminal } from './terminal.js';
import { wrap } from './text.js';

export const DOCTOR_HELP = `overlapped doctor: says which drivers can be used here, which one would be chosen, and why.

      --json        the same as JSON
      --no-color    no colours (NO_COLOR works too)
  -h, --help        this text

The exit status is 0 if a driver would be chosen, 1 if there is none, 2 for a wrong command line.
`;

/** A limit of the system's that sockets run into, as it is here. */
export interface Limit {
  readonly name: string;
  readonly value: string;
  readonly meaning: string;
}

/** What `doctor` finds; `--json` writes it. */
export interface Diagnosis {
  readonly machine: Machine;
  readonly drivers: readonly DriverReport[];
  /** The driver that 'auto' would be; null where there is none. */
  readonly chosen: DriverName | null;
  /** Why that one, or why none. */
  readonly why: string;
  readonly limits: readonly Limit[];
}

/** `overlapped doctor`; gives the exit status. */
export function doctor(args: readonly string[]): number {
  const values = parseDoctorOptions(args);
  const terminal = standardTerminal(!(values['no-color'] ?? false));
  if (values.help) {
    terminal.write(DOCTOR_HELP);
    return 0;
  }
  const diagnosis = diagnose(process.env['OVERLAPPED_DRIVER']);
  if (values.json) terminal.write(`${JSON.stringify(diagnosis, null, 2)}\n`);
  else writeDiagnosis(terminal, diagnosis);
  return diagnosis.chosen === null ? 1 : 0;
}

function parseDoctorOptions(args: readonly string[]) {
  try {
    const options = {
      json: { type: 'boolean' },
      'no-color': { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    } as const;
    return parseArgs({ args: [...args], allowPositionals: false, options }).values;
  } catch (error) {
    throw new UsageError((error as Error).message.split('. ')[0] ?? '');
  }
}

/** Probes everything; `wanted` is what OVERLAPPED_DRIVER says. */
export function diagnose(wanted: string | undefined): Diagnosis {
  const drivers = probeDrivers();
  return { machine: describeMachine(), drivers, ...choice(drivers, wanted), limits: readLimits() };
}

function choice(drivers: readonly DriverReport[], wanted: string | undefined): Pick<Diagnosis, 'chosen' | 'why'> {
  try {
    chooseDriver('auto');
  } catch (error) {
    return { chosen: null, why: (error as Error).message };
  }
  if (wanted !== undefined && wanted !== 'auto') {
    return { chosen: wanted as DriverName, why: 'OVERLAPPED_DRIVER asks for it' };
  }
  const order = platformDrivers();
  const chosen = order.find((name) => drivers.some((driver) => driver.name === name && driver.usable)) ?? null;
  const passedOver = order.slice(0, chosen === null ? 0 : order.indexOf(chosen));
  const why =
    passedOver.length === 0
      ? 'it is the best of this platform and can be used; OVERLAPPED_DRIVER is not set'
      : `${passedOver.join(' and ')} cannot be used; OVERLAPPED_DRIVER is not set`;
  return { chosen, why };
}

interface LimitFile {
  readonly name: string;
  readonly file: string;
  readonly meaning: string;
}

const LIMIT_FILES: readonly LimitFile[] = [
  {
    name: 'net.core.somaxconn',
    file: '/proc/sys/net/core/somaxconn',
    meaning: 'connections that may wait in a listener',
  },
  {
    name: 'kernel.io_uring_disabled',
    file: '/proc/sys/kernel/io_uring_disabled',
    meaning: '0: for all, 1: for a group, 2: for nobody',
  },
  {
    name: 'net.core.rmem_max',
    file: '/proc/sys/net/core/rmem_max',
    meaning: 'bytes that receiveBufferBytes may ask for',
  },
  { name: 'net.core.wmem_max', file: '/proc/sys/net/core/wmem_max', meaning: 'bytes that sendBufferBytes may ask for' },
  {
    name: 'net.ipv4.ip_local_port_range',
    file: '/proc/sys/net/ipv4/ip_local_port_range',
    meaning: 'ports of outgoing connections',
  },
];

/** The limits that this platform tells us about: none where there is no /proc. */
export function readLimits(): readonly Limit[] {
  const limits: Limit[] = [];
  const own = readText('/proc/self/limits');
  const [, soft, hard] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(own) ?? [];
  if (soft !== undefined) {
    const value = soft === hard ? soft : `${soft} (at most ${hard})`;
    limits.push({ name: 'descriptors', value, meaning: 'sockets and files that the process may have open' });
  }
  for (const { name, file, meaning } of LIMIT_FILES) {
    const value = readText(file).trim().replace(/\s+/g, ' to ');
    if (value !== '') limits.push({ name, value, meaning });
  }
  return limits;
}

const INDENT = '             ';

function writeDiagnosis(terminal: Terminal, diagnosis: Diagnosis): void {
  const { machine, drivers, chosen, why, limits } = diagnosis;
  const { paint } = terminal;
  const columns = Math.min(terminal.live ? terminal.columns() : 110, 110);
  const line = (name: string, value: string) => terminal.write(`  ${paint('dim', pad(name, 11))}${value}\n`);
  terminal.write(`${paint('bold', 'This machine')}\n`);
  line('platform', machine.platform);
  line('kernel', machine.kernel);
  line('Node', machine.node);
  line('koffi', machine.koffi);
  line('overlapped', machine.overlapped);
  terminal.write(`\n${paint('bold', 'Drivers')}\n`);
  for (const { name, usable, reason, findings } of drivers) {
    const verdict = usable
      ? paint('green', 'can be used')
      : paint(findings.length > 0 ? 'red' : 'dim', 'cannot be used');
    line(name, verdict);
    for (const finding of findings) writeWrapped(terminal, `+ ${finding}`, columns);
    if (!usable) writeWrapped(terminal, `- ${reason}`, columns);
  }
  terminal.write(`\n${paint('bold', 'Choice')}\n`);
  line(chosen ?? 'none', '');
  writeWrapped(terminal, why, columns);
  if (limits.length === 0) return;
  terminal.write(`\n${paint('bold', 'Limits')}\n`);
  const longest = (texts: readonly string[]) => Math.max(...texts.map((text) => text.length)) + 2;
  const names = longest(limits.map((limit) => limit.name));
  const values = longest(limits.map((limit) => limit.value));
  const fits = 2 + names + values + longest(limits.map((limit) => limit.meaning)) <= columns + 2;
  for (const { name, value, meaning } of limits) {
    const between = fits ? pad('', values - value.length) : `\n  ${pad('', names)}`;
    terminal.write(`  ${paint('dim', pad(name, names))}${value}${between}${paint('dim', meaning)}\n`);
  }
}

function writeWrapped(terminal: Terminal, text: string, columns: number): void {
  const lines = wrap(text, columns - INDENT.length - 2);
  lines.forEach((line, index) => {
    const hanging = index > 0 && /^[+-] /.test(text) ? '  ' : '';
    terminal.write(`${INDENT}${hanging}${line}\n`);
  });
}
