import { regress } from '../../../src/regress/command.js';
import { refuseSystemCall } from '../../support/seccomp.js';

// Measures the bare platform where a system call is refused; says the exit status.

async function main(): Promise<void> {
  const [call, errno, ...args] = process.argv.slice(2);
  refuseSystemCall(Number(call), Number(errno));
  console.log(`status ${await regress(['--raw', '--no-color', ...args])}`);
}

main();
