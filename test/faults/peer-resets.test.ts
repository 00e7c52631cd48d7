import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TcpSocket } from '../../src/index.js';
import { driversUnderTest } from '../support/drivers.js';
import { newSeed, Random } from '../support/random.js';
import { type Stage, useStage } from '../support/stage.js';
import { soon, turns, until } from '../support/waiting.js';

const GONE: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ENOTCONN']);
const CONNECTIONS = 200;

/** The code an operation failed with, or what it gave. */
function outcome(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((error: NodeJS.ErrnoException) => error.code);
}

function isExpected(result: unknown, ...others: unknown[]): void {
  const known = typeof result === 'string' ? GONE.has(result) || others.includes(result) : Number.isInteger(result);
  assert.ok(known, `${String(result)} is no outcome of a reset`);
}

async function receiveAndSend(socket: TcpSocket, random: Random): Promise<void> {
  const buffer = new Uint8Array(64);
  for (;;) {
    const send = random.chance(0.5);
    const result = await soon(
      outcome(send ? socket.send(new Uint8Array(1 + random.below(100_000))) : socket.recv(buffer, { timeoutMs: 2000 })),
      send ? 'a send' : 'a recv',
    );
    isExpected(result, 'ETIMEDOUT');
    if (typeof result === 'string' || (result === 0 && !send)) return;
  }
}

/** Peers that reset at any moment: each operation ends, with a code that says so. */
for (const driver of driversUnderTest()) {
  describe(`${driver.name}: peers that reset`, { timeout: 120_000 }, () => {
    const stage = useStage(driver);

    test('at random moments of a conversation', async () => {
      const seed = newSeed();
      console.log(`seed ${seed}`);
      const random = new Random(seed);
      const server = await stage().nodeServer();
      server.server.on('connection', (socket) => {
        socket.pipe(socket);
        setTimeout(() => socket.resetAndDestroy(), random.next() * 20);
      });
      const talks = Array.from({ length: CONNECTIONS }, async () => {
        const where = { host: '127.0.0.1', port: server.port, proactor: stage().proactor };
        const socket = stage().track(await TcpSocket.connect(where));
        await receiveAndSend(socket, random);
        await socket.close();
      });
      await soon(Promise.all(talks), 'all conversations to end', 60_000);
    });

    test('in the very moment they accept the connect', async () => {
      const server = await stage().nodeServer();
      server.server.on('connection', (socket) => socket.resetAndDestroy());
      const talks = Array.from({ length: CONNECTIONS }, async () => {
        const where = { host: '127.0.0.1', port: server.port, proactor: stage().proactor };
        const socket = await TcpSocket.connect(where).catch((error: NodeJS.ErrnoException) => {
          isExpected(error.code);
          return null;
        });
        if (socket === null) return;
        isExpected(await outcome(socket.recv(new Uint8Array(8))));
        await socket.close();
      });
      await soon(Promise.all(talks), 'all connects');
    });

    test('before they are accepted, and while they are', async () => {
      await resetWhileAccepting(stage());
    });
  });
}

async function resetWhileAccepting(stage: Stage): Promise<void> {
  const listener = await stage.listen();
  let ended = 0;
  const loop = (async () => {
    for await (const socket of listener) {
      stage.track(socket);
      (async () => {
        const result = await outcome(socket.recv(new Uint8Array(8)));
        isExpected(result);
        await socket.close();
        ended++;
      })();
    }
  })();
  for (let i = 0; i < CONNECTIONS; i++) {
    const peer = await stage.peerTo({ port: listener.port });
    if (i % 3 === 0) await turns(i % 7);
    peer.reset();
  }
  const last = await stage.peerTo({ port: listener.port });
  await last.send('last');
  assert.equal(await last.ending(), 'FIN');
  await until(() => stage.proactor.driver.statistics().openSockets === 1, 'the sockets to close');
  assert.ok(ended >= 1);
  await listener.close();
  await loop;
}
