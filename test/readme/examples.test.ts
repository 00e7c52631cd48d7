import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { after, describe, type TestContext, test } from 'node:test';
import { LineProcess } from '../support/line-process.js';
import { packageRoot } from '../support/package-root.js';
import { soon } from '../support/waiting.js';

const ROOT = packageRoot();

/** The README's JavaScript, each block with the words that tell it from the others. */
const blocks = [...readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/^```js\n(.*?)^```$/gms)].map(
  ([, text = '']) => text,
);

function block(words: string): string {
  const [found, ...more] = blocks.filter((text) => text.includes(words));
  assert.ok(found !== undefined && more.length === 0, `one block of the README has '${words}' in it`);
  return found;
}

/** A port that was free a moment ago: the README's own may be somebody else's here. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** The text with other numbers, each of which it must have. */
function withOther(text: string, numbers: Readonly<Record<string, number>>): string {
  return Object.entries(numbers).reduce((changed, [number, other]) => {
    assert.ok(changed.includes(number), `the block has a ${number}`);
    return changed.replaceAll(number, String(other));
  }, text);
}

describe('the examples of the README, pasted as they stand', () => {
  // Inside the package, so that 'overlapped' is found as it is in a program that has it installed.
  mkdirSync(join(ROOT, 'build'), { recursive: true });
  const folder = mkdtempSync(join(ROOT, 'build', 'readme-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  function start(t: TestContext, name: string, text: string): LineProcess {
    const file = join(folder, name);
    writeFileSync(file, text);
    const program = new LineProcess(process.execPath, [file]);
    t.after(() => program.kill());
    return program;
  }

  test('all of them are run here', () => {
    assert.equal(blocks.length, 7);
  });

  test('the server and its client', async (t) => {
    const port = await freePort();
    const server = start(t, 'server.mjs', withOther(block('// server.mjs'), { 4000: port }));
    assert.equal(await server.next(), `listening on port ${port}`);
    const client = start(t, 'client.mjs', withOther(block('// client.mjs'), { 4000: port }));
    assert.equal(await client.next(), 'hello');
    assert.equal(await client.next(), 'ETIMEDOUT');
    assert.equal(await client.next(), "{ sent: 'FIN', unreadBytes: 0 }");
    assert.equal(await server.next(), 'closed with a FIN');
  });

  test('the tick of a game server', async (t) => {
    const before = `
      import { TcpListener, TcpSocket } from 'overlapped';
      const listener = await TcpListener.listen({ host: '127.0.0.1' });
      const players = [], peers = [];
      for (let i = 0; i < 3; i++) {
        peers.push(await TcpSocket.connect({ host: '127.0.0.1', port: listener.port }));
        players.push(await listener.accept());
      }
      await players[1].abort();
      const snapshot = Buffer.from('state');
    `;
    const text = block('broadcast(players');
    const end = 'console.log(delivered, failures.length, failures[0].socket === players[1]); process.exit();';
    assert.equal(await start(t, 'tick.mjs', before + text + end).next(), '2 1 true');
  });

  test('shared handlers', async (t) => {
    const before = `
      import { TcpListener } from 'overlapped';
      const listener = await TcpListener.listen({ host: '127.0.0.1' });
      console.log(listener.port);
    `;
    const port = Number(await start(t, 'handlers.mjs', before + block('socket.onReceive(echo')).next());
    const peer = connect(port, '127.0.0.1');
    for (const word of ['one', 'two']) {
      peer.write(word);
      const [data] = await soon(once(peer, 'data'), 'the echo');
      assert.equal(String(data), word);
    }
    peer.end();
    await soon(once(peer.resume(), 'close'), 'the close that follows the end');
  });

  test('datagrams', async (t) => {
    const port = await freePort();
    const text = withOther(block('UdpSocket.bind'), { 4001: port });
    const said = text.replace(/^for await/m, "console.log('bound');\nfor await");
    await start(t, 'datagrams.mjs', said).next();
    const peer = createSocket('udp4');
    t.after(() => peer.close());
    peer.send('ping', port, '127.0.0.1');
    const [message] = await soon(once(peer, 'message'), 'the echo');
    assert.equal(String(message), 'ping');
  });

  test('overlapped/net', async (t) => {
    const port = await freePort();
    const text = withOther(block("from 'overlapped/net'"), { 4003: port, '30_000': 50 });
    const program = start(t, 'net.mjs', `${text}server.on('listening', () => console.log('listening'));`);
    await program.next();
    const peer = connect({ port, host: '127.0.0.1' });
    const [data] = await soon(once(peer, 'data'), 'the words to a peer that says nothing');
    assert.equal(String(data), 'too slow\n');
    assert.equal(await program.next(), 'recv 0');
    assert.equal(await program.next(), "{ sent: 'FIN', unreadBytes: 0 }");
  });

  test('select and poll', async (t) => {
    const before = "import { connect } from 'node:net';\n";
    const text = block("from 'overlapped/select'");
    // Somebody connects, and the listener becomes readable.
    const said = text.replace(/^const \{ read \}/m, "connect(listener.port, '127.0.0.1').unref();\nconst { read }");
    const end = 'console.log(read.length, read[0] === listener, ready, now, entries[0].revents); process.exit();';
    assert.equal(await start(t, 'select.mjs', before + said + end).next(), '1 true 1 1 1');
  });
});
