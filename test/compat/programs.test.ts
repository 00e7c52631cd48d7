import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Child, type ChildExit } from '../support/child.js';
import { driversUnderTest } from '../support/drivers.js';
import { soon } from '../support/waiting.js';

const PATIENCE_MS = 40_000;
const REGISTER = new URL('../../src/register.js', import.meta.url).href;
const PROGRAMS = ['websockets', 'http', 'tls', 'redis', 'minecraft'] as const;

let redis: ChildProcess | undefined;
let redisPort = 0;
let folder = '';

/** A redis server of our own, which keeps nothing. */
async function startRedis(): Promise<void> {
  const free = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => free.once('listening', resolve));
  redisPort = (free.address() as net.AddressInfo).port;
  await new Promise((resolve) => free.close(resolve));
  folder = mkdtempSync(join(tmpdir(), 'overlapped-redis-'));
  const args = [
    '--port',
    String(redisPort),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    folder,
  ];
  const started = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  redis = started;
  const ready = new Promise<void>((resolve, reject) => {
    started.once('error', (error) => reject(new Error(`scripts/test.sh installs redis-server: ${error.message}`)));
    started.stdout.on('data', (text) => String(text).includes('Ready to accept connections') && resolve());
  });
  await soon(ready, 'redis-server');
}

function run(program: string, options: { nodeOptions?: string[]; env?: Record<string, string> }): Promise<ChildExit> {
  const child = new Child(import.meta.url, `./programs/${program}.js`, [String(redisPort)], options);
  return soon(child.exited, `the program ${program}`, PATIENCE_MS).finally(() => child.process.kill('SIGKILL'));
}

/** Which of two sockets closes first is chance. */
function linesOf({ output }: ChildExit): string[] {
  return output.split('\n').sort();
}

/** Programs of others, unmodified: what they print over node:net is what they must print over ours. */
describe('real programs', { timeout: 300_000 }, () => {
  before(startRedis);
  after(() => {
    redis?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  for (const program of PROGRAMS) {
    for (const { name } of driversUnderTest()) {
      test(`${program} over ${name}, with --import overlapped/register`, async () => {
        const expected = await run(program, {});
        assert.equal(expected.status, 0, expected.errors);
        assert.match(expected.errors, /carried by TCP$/m);
        assert.ok(expected.output.length > 0);
        const nodeOptions = ['--import', REGISTER];
        const seen = await run(program, { nodeOptions, env: { OVERLAPPED_DRIVER: name } });
        assert.deepEqual(linesOf(seen), linesOf(expected), seen.errors);
        assert.equal(seen.status, 0, seen.errors);
        assert.match(seen.errors, /carried by (?:ListenHandle|TcpHandle)$/m);
        assert.doesNotMatch(seen.errors, /carried by TCP$/m);
      });
    }
  }
});
