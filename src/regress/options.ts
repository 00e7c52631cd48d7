import { parseArgs } from 'node:util';
import type { DriverName } from '../port/driver.js';
import { globMatches } from './glob.js';
import type { Scenario } from './scenario.js';
import { parseServiceAddress } from './wire/protocol.js';

/** What the command line asks for. */
export interface RegressOptions {
  /** Empty: every driver that can be used. */
  readonly drivers: readonly DriverName[];
  readonly scenarios: readonly Scenario[];
  readonly list: boolean;
  readonly help: boolean;
  readonly jsonFile: string | undefined;
  readonly htmlFile: string | undefined;
  /** Where each scenario's packets go, a file a scenario and driver. */
  readonly pcapDirectory: string | undefined;
  /** A stack's name or profile, on which the readiness driver runs. */
  readonly stack: string | undefined;
  /** The stack whose simulation stands in for that one's library. */
  readonly simulation: string | undefined;
  /** `127.0.0.1:PORT/TOKEN` of a capture service on this machine. */
  readonly captureService: string | undefined;
  /** Whether packets are captured where they can be. */
  readonly capture: boolean;
  readonly colour: boolean;
}

/** A command line that cannot be followed. The program says why and exits with 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

const DRIVER_NAMES: readonly DriverName[] = ['io_uring', 'readiness', 'iocp'];

/** Reads the command line of `overlapped regress`. Throws UsageError for what it does not know. */
export function parseRegressOptions(args: readonly string[], all: readonly Scenario[]): RegressOptions {
  const values = parse(args);
  const capture = !(values['no-capture'] ?? false);
  const captureService = values.capture ?? (process.env['OVERLAPPED_CAPTURE'] || undefined);
  if (!capture && values.pcap !== undefined) throw new UsageError('--pcap and --no-capture exclude each other');
  if (!capture && values.capture !== undefined) throw new UsageError('--capture and --no-capture exclude each other');
  const drivers = [...new Set(values.driver ?? [])].map(driverName);
  if (values.stack === undefined && values.simulation !== undefined) throw new UsageError('--simulation needs --stack');
  if (values.stack !== undefined && drivers.some((name) => name !== 'readiness')) {
    throw new UsageError('A stack is driven by readiness, and by no other driver');
  }
  return {
    drivers,
    scenarios: selectScenarios(values.scenario ?? [], all),
    list: values.list ?? false,
    help: values.help ?? false,
    jsonFile: fileName('--json', values.json),
    htmlFile: fileName('--html', values.html),
    pcapDirectory: fileName('--pcap', values.pcap, 'directory'),
    stack: fileName('--stack', values.stack),
    simulation: fileName('--simulation', values.simulation),
    captureService: captureService === undefined ? undefined : serviceAddress(captureService),
    capture,
    colour: !(values['no-color'] ?? false),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: false,
      options: {
        driver: { type: 'string', multiple: true, short: 'd' },
        scenario: { type: 'string', multiple: true, short: 's' },
        list: { type: 'boolean', short: 'l' },
        json: { type: 'string' },
        html: { type: 'string' },
        pcap: { type: 'string' },
        stack: { type: 'string' },
        simulation: { type: 'string' },
        capture: { type: 'string' },
        'no-capture': { type: 'boolean' },
        'no-color': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    // Node's messages go on with advice about `--` that does not help here.
    const [first = ''] = (error as Error).message.split('. ');
    throw new UsageError(first);
  }
}

function driverName(name: string): DriverName {
  const found = DRIVER_NAMES.find((driver) => driver === name);
  if (found === undefined) throw new UsageError(`There is no driver '${name}'. There are: ${DRIVER_NAMES.join(', ')}`);
  return found;
}

function fileName(option: string, name: string | undefined, what = 'file'): string | undefined {
  if (name === '') throw new UsageError(`${option} needs the name of a ${what}`);
  return name;
}

/** A capture service is on this machine: the loopback packets of another would be somebody else's. */
function serviceAddress(text: string): string {
  if (parseServiceAddress(text) !== null) return text;
  throw new UsageError("A capture service has an address as 'overlapped capture' prints it: 127.0.0.1:PORT/TOKEN");
}

/** The scenarios that any of the globs selects, in their own order; all of them without a glob. */
export function selectScenarios(globs: readonly string[], all: readonly Scenario[]): readonly Scenario[] {
  if (globs.length === 0) return all;
  for (const glob of globs) {
    if (!all.some((scenario) => globMatches(glob, scenario.id))) {
      throw new UsageError(`No scenario matches '${glob}'. --list names all of them`);
    }
  }
  return all.filter((scenario) => globs.some((glob) => globMatches(glob, scenario.id)));
}
