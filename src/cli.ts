#!/usr/bin/env node
import { UsageError } from './regress/options.js';

const HELP = `overlapped: overlapped sockets with per-operation timeouts

  overlapped regress      runs the contract on every driver that can be used here (regress --help)
  overlapped doctor       says which drivers can be used here, which would be chosen, and why (doctor --help)
  overlapped probe-stack  says what a socket stack does otherwise than POSIX says (probe-stack --help)
  overlapped capture      captures packets for a run under Wine (capture --help)
  overlapped --version
`;

/** Loads only what the command needs: `regress` is a hundred modules, and most others are a few. */
async function main(args: readonly string[]): Promise<number> {
  const [command, ...rest] = args;
  switch (command) {
    case 'regress':
      return (await import('./regress/command.js')).regress(rest);
    case 'doctor':
      return (await import('./regress/doctor.js')).doctor(rest);
    case 'probe-stack':
      return (await import('./regress/stack/probe-command.js')).probeStackCommand(rest);
    case 'capture':
      return (await import('./regress/wire/service-command.js')).captureCommand(rest);
    case '--version': {
      const { packageVersion } = await import('./regress/machine.js');
      process.stdout.write(`${packageVersion()}\n`);
      return 0;
    }
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
