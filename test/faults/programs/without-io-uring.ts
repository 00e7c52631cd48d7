import { refuseSystemCall } from '../../support/seccomp.js';
import { reportDrivers, selfEcho } from './self-echo.js';

// Has a system call refused, says what the probes find, and echoes with the driver that is left.

async function main(): Promise<void> {
  const [call, errno] = process.argv.slice(2).map(Number);
  if (call) refuseSystemCall(call, errno ?? 1);
  reportDrivers();
  try {
    await selfEcho(10);
  } catch (error) {
    console.log(`failed ${(error as NodeJS.ErrnoException).code} ${(error as Error).message}`);
  }
}

main();
