import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { probeStack, proposeProfile } from '../../src/bsd/probe/probe.js';
import { openProactor, TcpListener, TcpSocket } from '../../src/index.js';
import { loadProfile, openStack, SimulatedStack, type StackProfile } from '../../src/stack.js';
import { failureCode } from '../support/failures.js';
import { packageRoot } from '../support/package-root.js';
import { connectPeer } from '../support/peer.js';
import { soon } from '../support/waiting.js';

const EXAMPLES = join(packageRoot(), 'docs', 'examples');

/** What somebody has written from docs/porting.md, and the stack as it is, which the author does not know. */
const WRITTEN = loadProfile(join(EXAMPLES, 'nimbus.json'));
const QUIRKS = {
  needsInit: true,
  descriptorTagBits: 0x4000_0000,
  timeoutUnit: 'microseconds',
  pollZeroFails: true,
  refusedIsReset: true,
  pollInvalidFdAborts: true,
} as const;
const REAL: StackProfile = { ...WRITTEN, quirks: QUIRKS };

describe('a made-up stack: negated errors, poll alone, microseconds, tagged descriptors', () => {
  let folder = '';
  let server: ChildProcess | undefined;
  let port = 0;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'overlapped-nimbus-'));
    const proposed = proposeProfile(WRITTEN, probeStack(WRITTEN, new SimulatedStack(REAL)));
    assert.deepEqual(proposed.quirks, QUIRKS);
    writeFileSync(join(folder, 'found.json'), JSON.stringify(proposed));
    writeFileSync(join(folder, 'real.json'), JSON.stringify(REAL));
    ({ server, port } = await startServer('found.json'));
  });

  after(() => {
    server?.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  async function startServer(profile: string): Promise<{ server: ChildProcess; port: number }> {
    const args = [join(EXAMPLES, 'stack-echo.mjs'), join(folder, profile), join(folder, 'real.json')];
    const child = spawn(process.execPath, args, { cwd: packageRoot(), stdio: ['ignore', 'pipe', 'inherit'] });
    const said = new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout }).once('line', resolve);
      child.once('exit', (status) => reject(new Error(`the server has ended with ${status}`)));
    });
    const line = await soon(said, 'the server to listen');
    return { server: child, port: Number(line.split(' ')[1]) };
  }

  test('the echo server echoes a megabyte to each of ten clients at once', async () => {
    const sent = Buffer.alloc(1 << 20, 'overlapped ');
    const echoed = async () => {
      const peer = await connectPeer({ port });
      const [bytes] = await Promise.all([peer.read(sent.length), peer.send(sent)]);
      peer.end();
      assert.equal(await peer.ending(), 'FIN');
      await peer.close();
      return bytes;
    };
    for (const bytes of await Promise.all(Array.from({ length: 10 }, echoed))) assert.ok(bytes.equals(sent));
  });

  test('a client that resets harms nobody else', async () => {
    const steady = await connectPeer({ port });
    for (let i = 0; i < 50; i++) {
      const rude = await connectPeer({ port });
      await rude.send('half a mess');
      rude.reset();
      await steady.send(`still here ${i % 10}`);
      assert.equal((await steady.read(12)).toString(), `still here ${i % 10}`);
    }
    await steady.close();
  });

  test('the flags that were found are what makes the difference', async () => {
    const codeOn = async (profile: StackProfile) => {
      const stack = openStack(profile, new SimulatedStack(REAL));
      const proactor = openProactor({ stack });
      const listener = await TcpListener.listen({ host: '127.0.0.1', proactor });
      const { port: dead } = listener;
      await listener.close();
      const code = await failureCode(TcpSocket.connect({ host: '127.0.0.1', port: dead, proactor }));
      proactor.destroy();
      stack.close();
      return code;
    };
    assert.equal(await codeOn({ ...WRITTEN, quirks: { ...QUIRKS, refusedIsReset: false } }), 'ECONNRESET');
    assert.equal(await codeOn(loadProfile(join(folder, 'found.json'))), 'ECONNREFUSED');
  });
});
