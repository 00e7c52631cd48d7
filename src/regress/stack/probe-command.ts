import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Finding } from '../../bsd/probe/finding.js';
import { isOrdinary, probeStack, proposeProfile } from '../../bsd/probe/probe.js';
import { findStack, type StackSource } from '../../bsd/stack-source.js';
import { UsageError } from '../options.js';
import { standardTerminal, type Terminal } from '../terminal.js';

export const PROBE_HELP = `overlapped probe-stack FILE: finds out what a socket stack does otherwise than POSIX says.

FILE is a profile with the stack's names, numbers and layouts (docs/porting.md), or the name of an included one. The
stack is tried on its own loopback with nothing made up for. The profile with the flags that were found goes to the
standard output, and how each was seen to the standard error. What could not be tried stays as it is in FILE.

      --out FILE         writes the profile there, and the findings to the standard output
      --simulation STACK takes the functions from a simulation of that stack (a file or a name) on this machine
  -h, --help             this text

The exit status is 0 where the profile has every flag that was found, 1 where it has not, 2 for a wrong command line.
`;

/** `overlapped probe-stack`; gives the exit status. Throws UsageError for a wrong command line. */
export function probeStackCommand(args: readonly string[], terminal: Terminal = standardTerminal(false)): number {
  const { values, positionals } = parse(args);
  if (values.help) {
    terminal.write(PROBE_HELP);
    return 0;
  }
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0) throw new UsageError('probe-stack needs one profile: a file or a name');
  const source = namedStack(name, values.simulation);
  const findings = probeStack(source.profile, source.makeLibrary());
  const proposed = proposeProfile(source.profile, findings);
  const text = `${JSON.stringify(proposed, null, 2)}\n`;
  const lines = describeFindings(source, findings);
  if (values.out === undefined) {
    process.stderr.write(lines);
    terminal.write(text);
  } else {
    terminal.write(lines);
    writeFileSync(values.out, text);
    terminal.write(`Wrote ${values.out}\n`);
  }
  const isMissing = ({ flag, value }: Finding) =>
    value !== null && !isOrdinary(flag, value) && source.profile.quirks[flag] !== value;
  return findings.some(isMissing) ? 1 : 0;
}

/** The stack that a command line names. Throws UsageError where there is none. */
export function namedStack(name: string, simulation: string | undefined): StackSource {
  try {
    return findStack(name, simulation);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        out: { type: 'string' },
        simulation: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    const [first = ''] = (error as Error).message.split('. ');
    throw new UsageError(first);
  }
}

/** A line for each flag: what the stack needs, and how that was seen. */
function describeFindings({ title, profile }: StackSource, findings: readonly Finding[]): string {
  const lines = findings.map(({ flag, value, how }) => {
    const has = profile.quirks[flag];
    if (value === null) return `  ?  ${flag}${has === undefined ? '' : ` (${has} in the profile)`}: ${how}`;
    if (isOrdinary(flag, value)) return `  -  ${flag}: ${how}`;
    const mark = has === value ? '+' : '!';
    return `  ${mark}  ${flag}: ${value}: ${how}`;
  });
  const legend = '+ needed, ! needed and not in the profile, - not needed, ? not known';
  return [`The stack ${title} (${legend}):`, ...lines, ''].join('\n');
}
