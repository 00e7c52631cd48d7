import { UsageError } from '../options.js';
import { CaptureService } from './service.js';

export const CAPTURE_HELP = `overlapped capture: captures this machine's loopback packets for a run under Wine.

Says on a line of its own how it is reached, as 127.0.0.1:PORT/TOKEN, and serves until its standard input ends.
The run is told by OVERLAPPED_CAPTURE, or by regress --capture. scripts/wine.sh --capture does all of it.
It takes root or CAP_NET_RAW on Linux; without, it tells each run why it has no packets.
`;

/** `overlapped capture`; gives the exit status. */
export async function captureCommand(args: readonly string[]): Promise<number> {
  const [first] = args;
  if (first === '--help' || first === '-h') {
    process.stdout.write(CAPTURE_HELP);
    return 0;
  }
  if (first !== undefined) throw new UsageError(`overlapped capture takes no '${first}'`);
  const service = await CaptureService.start();
  process.stdout.write(`${service.address}\n`);
  // Whoever started it has gone when this ends, however it went.
  await new Promise((resolve) => {
    process.stdin.once('end', resolve);
    process.stdin.once('error', resolve);
    process.stdin.resume();
  });
  await service.close();
  return 0;
}
