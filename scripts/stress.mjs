// The long race: receives whose timeouts, aborts and closes fall around the arrival of the data, byte for byte.
// Needs `npm run build`. Exit status 0 only if both streams were exact and nothing was left behind.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readArguments, readNumber } from './arguments.mjs';

if (globalThis.gc === undefined) {
  const again = ['--expose-gc', fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  process.exit(spawnSync(process.execPath, again, { stdio: 'inherit' }).status ?? 1);
}

const USAGE = `node scripts/stress.mjs [options]
  --receives N     (default 1000000)
  --seed N         the same race again (default: another each time)
  --driver NAME    one of this platform's drivers (default: all)
  --sockets N      1 to 10000 (default 200)
  --close-rate R   share of the receives after which the socket is closed, 0 to 1 (default 0.002)`;

const { values } = readArguments(USAGE, {
  options: {
    receives: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    driver: { type: 'string' },
    sockets: { type: 'string', default: '200' },
    'close-rate': { type: 'string', default: '0.002' },
  },
});

const compiled = new URL('../dist/test/stress/race.js', import.meta.url);
if (!existsSync(compiled)) {
  console.error('There is no dist/test: run `npm run build` first');
  process.exit(2);
}
const { runRace } = await import(compiled.href);
const { assertFlat } = await import(new URL('footprint.js', compiled).href);
const { expectedDrivers } = await import(new URL('../support/drivers.js', compiled).href);

/** @param {Record<string, number>} footprint */
const spell = (footprint) =>
  Object.entries(footprint)
    .map(([name, value]) => `${name} ${Number.isInteger(value) ? value : value.toFixed(1)}`)
    .join(', ');

for (const driver of values.driver ? [values.driver] : expectedDrivers()) {
  const options = {
    driver,
    seed: readNumber(USAGE, 'seed', values.seed, 0, 2 ** 32 - 1),
    receives: readNumber(USAGE, 'receives', values.receives, 1, 1e9),
    sockets: readNumber(USAGE, 'sockets', values.sockets, 1, 10_000),
    closeRate: readNumber(USAGE, 'close-rate', values['close-rate'], 0, 1),
  };
  console.log(`${driver}: ${options.receives} receives, seed ${options.seed}`);
  let seconds = 0;
  const onProgress = (tally) => {
    if (++seconds % 10 === 0) console.log(`  ${seconds} s: ${tally.receives} receives, ${tally.timedOut} timed out`);
  };
  try {
    const { before, after, ...tally } = await runRace({ ...options, onProgress });
    console.log(`  ${spell(tally)}`);
    console.log(`  before: ${spell(before)}`);
    console.log(`  after:  ${spell(after)}`);
    assertFlat(before, after);
    console.log('  exact, and flat');
  } catch (error) {
    console.error(error);
    console.error(
      `Again: node scripts/stress.mjs --driver ${driver} --seed ${options.seed} --receives ${options.receives}`,
    );
    process.exit(1);
  }
}
process.exit(0);
