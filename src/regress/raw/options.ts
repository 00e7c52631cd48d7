import { parseArgs } from 'node:util';
import { globMatches } from '../glob.js';
import { UsageError } from '../options.js';
import { BARE_NAMES, type BareName } from './bare-platform.js';
import { DEFAULT_REPEAT, MAX_REPEAT } from './limits.js';

/** What the command line of `regress --raw` asks for. */
export interface RawOptions {
  /** Empty: every interface of this system. */
  readonly interfaces: readonly BareName[];
  /** Empty: all cells. */
  readonly cells: readonly string[];
  readonly repeat: number;
  readonly jsonFile: string | undefined;
  readonly htmlFile: string | undefined;
  readonly dataFolder: string | undefined;
  readonly pcapFolder: string | undefined;
  readonly peerPort: number | null;
  readonly servePeer: boolean;
  readonly list: boolean;
  readonly help: boolean;
  readonly colour: boolean;
}

/** Reads the command line of `overlapped regress --raw`. Throws UsageError for what does not go together. */
export function parseRawOptions(args: readonly string[]): RawOptions {
  const values = parse(args);
  if (values.scenario !== undefined) {
    throw new UsageError('--scenario chooses scenarios of the contract, and --raw runs none: --cell chooses cells');
  }
  const servePeer = values['serve-peer'] ?? false;
  if (servePeer && args.length > 2) throw new UsageError('--serve-peer only serves: nothing but --raw goes with it');
  if (values.list && (values.json ?? values.html ?? values.data ?? values.pcap) !== undefined) {
    throw new UsageError('--list runs nothing, so there is nothing to write');
  }
  return {
    interfaces: [...new Set(values.driver ?? [])].map(bareName),
    cells: values.cell ?? [],
    repeat: repeatOf(values.repeat),
    jsonFile: fileName('--json', values.json),
    htmlFile: fileName('--html', values.html),
    dataFolder: fileName('--data', values.data),
    pcapFolder: fileName('--pcap', values.pcap),
    peerPort: portOf(values.peer),
    servePeer,
    list: values.list ?? false,
    help: values.help ?? false,
    colour: !(values['no-color'] ?? false),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: false,
      options: {
        raw: { type: 'boolean' },
        driver: { type: 'string', multiple: true, short: 'd' },
        cell: { type: 'string', multiple: true, short: 'c' },
        repeat: { type: 'string' },
        json: { type: 'string' },
        html: { type: 'string' },
        data: { type: 'string' },
        peer: { type: 'string' },
        'serve-peer': { type: 'boolean' },
        list: { type: 'boolean', short: 'l' },
        'no-color': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        scenario: { type: 'string', multiple: true, short: 's' },
        pcap: { type: 'string' },
      },
    }).values;
  } catch (error) {
    const [first = ''] = (error as Error).message.split('. ');
    throw new UsageError(first);
  }
}

function bareName(name: string): BareName {
  const found = BARE_NAMES.find((bare) => bare === name);
  if (found !== undefined) return found;
  const hint = name === 'readiness' ? '; readiness stands on epoll on Linux' : '';
  throw new UsageError(`--raw knows no '${name}'. There are: ${BARE_NAMES.join(', ')}${hint}`);
}

function repeatOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_REPEAT;
  const repeat = /^\d+$/.test(text) ? Number(text) : 0;
  if (repeat < 1 || repeat > MAX_REPEAT) throw new UsageError(`--repeat takes a number from 1 to ${MAX_REPEAT}`);
  return repeat;
}

function portOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const port = /^\d+$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new UsageError('--peer takes the port that a peer service has announced');
  return port;
}

function fileName(option: string, name: string | undefined): string | undefined {
  if (name === '') throw new UsageError(`${option} needs a name`);
  return name;
}

/** The ids that any of the globs selects, in their own order; all of them without a glob. */
export function selectCells(globs: readonly string[], ids: readonly string[]): readonly string[] {
  for (const glob of globs) {
    if (!ids.some((id) => globMatches(glob, id))) throw new UsageError(`No cell matches '${glob}'. --list names all`);
  }
  return globs.length === 0 ? ids : ids.filter((id) => globs.some((glob) => globMatches(glob, id)));
}
