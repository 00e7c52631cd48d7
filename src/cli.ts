#!/usr/bin/env node
import { regress } from './regress/command.js';
import { doctor } from './regress/doctor.js';
import { packageVersion } from './regress/machine.js';
import { UsageError } from './regress/options.js';
import { probeStackCommand } from './regress/stack/probe-command.js';
import { captureCommand } from './regress/wire/service-command.js';

const HELP = `overlapped: overlapped sockets with per-operation timeouts

  overlapped regress    runs the contract on every driver that can be used here (regress --help)
  overlapped doctor     says which drivers can be used here, which would be chosen, and why (doctor --help)
  overlapped probe-stack  says what a socket stack does otherwise than POSIX says (probe-stack --help)
  overlapped capture    captures packets for a run under Wine (capture --help)
  overlapped --version
`;

async function main(args: readonly string[]): Promise<number> {
  const [command, ...rest] = args;
  switch (command) {
    case 'regress':
      return regress(rest);
    case 'doctor':
      return doctor(rest);
    case 'probe-stack':
      return probeStackCommand(rest);
    case 'capture':
      return captureCommand(rest);
    case '--version':
      process.stdout.write(`${packageVersion()}\n`);
      return 0;
    case undefined:
    case 'help':
    case '-h':
    case '--help':
      process.stdout.write(HELP);
      return command === undefined ? 2 : 0;
    default:
      throw new UsageError(`There is no command '${command}'`);
  }
}

function failed(error: unknown): number {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`overlapped: ${error.message}\n`);
  return 2;
}

/** A scenario that failed may have left something that keeps the process alive. */
const EXIT_WITHIN_MS = 3000;

function exit(status: number): void {
  process.exitCode = status;
  setTimeout(() => process.exit(), EXIT_WITHIN_MS).unref();
}

main(process.argv.slice(2)).catch(failed).then(exit);
