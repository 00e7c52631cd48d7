import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { soon } from '../support/waiting.js';
import { isWithoutWine, PREPARING_MS, WINE } from '../support/wine.js';

const HOLDER = fileURLToPath(new URL('programs/holder.js', import.meta.url));

test('what runs under Wine ends with scripts/wine.sh, even where that is killed', async (t) => {
  if (isWithoutWine('scripts/wine.sh')) return;
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const [command, script] = WINE;
  const process = spawn(command, [script, HOLDER, String((server.address() as AddressInfo).port)], { stdio: 'ignore' });
  const [held] = (await soon(once(server, 'connection'), 'the program under Wine', PREPARING_MS)) as [Socket];
  held.on('error', () => undefined).resume();
  t.after(() => held.destroy());
  process.kill('SIGKILL');
  await soon(once(held, 'close'), 'the end of the program under Wine');
});
