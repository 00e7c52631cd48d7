import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TcpSocket } from '../../src/index.js';
import { Child } from '../support/child.js';
import { driversUnderTest } from '../support/drivers.js';
import { clientEndsLeftOpen } from '../support/left-open.js';
import { connectPeer, type Peer } from '../support/peer.js';
import { useStage } from '../support/stage.js';
import { soon, turns, until } from '../support/waiting.js';

/** kill -9 of either end: the other one is told, and goes on. */
for (const driver of driversUnderTest()) {
  const env = { OVERLAPPED_DRIVER: driver.name };

  describe(`${driver.name}: kill -9`, { timeout: 120_000 }, () => {
    const stage = useStage(driver);

    test('a server of ours that is killed: its node:net clients see the end, and its port is free', async () => {
      const child = new Child(import.meta.url, 'programs/echo-server.js', [], { env });
      const port = Number(await child.says('listening'));
      const peers = [];
      for (let i = 0; i < 20; i++) {
        const peer = stage().peer(await connectPeer({ port }));
        await peer.send('hello');
        await peer.read(5);
        peers.push(peer);
      }
      child.kill();
      await child.exited;
      for (const peer of peers) assert.ok(['FIN', 'RST'].includes(await peer.ending()));
      const listener = await stage().listen({ port });
      assert.equal(listener.port, port);
    });

    test('a server of ours that is killed: the clients of ours in another process see the end', async () => {
      const child = new Child(import.meta.url, 'programs/echo-server.js', [], { env });
      const port = Number(await child.says('listening'));
      const sockets = await Promise.all(Array.from({ length: 20 }, () => stage().connect({ port })));
      for (const socket of sockets) {
        await socket.send(Buffer.from('hello'));
        assert.ok((await soon(socket.recv(new Uint8Array(8)), 'an echo')) > 0);
      }
      const pending = sockets.map((socket) =>
        socket.recv(new Uint8Array(8)).catch((error: NodeJS.ErrnoException) => error.code),
      );
      await turns();
      child.kill();
      // How long a process takes to die is the system's affair: under Wine, on a busy machine, many seconds.
      await child.exited;
      const ends = await soon(Promise.all(pending), 'twenty ends');
      for (const end of ends) assert.ok(end === 0 || end === 'ECONNRESET', String(end));
    });

    test('clients that are killed: the server goes on with the others', async () => {
      const listener = await stage().listen();
      const ends: (string | undefined)[] = [];
      const loop = (async () => {
        for await (const socket of listener) echo(stage().track(socket)).then((end) => ends.push(end));
      })();
      const child = new Child(import.meta.url, 'programs/clients.js', [String(listener.port), '20'], { env });
      await child.says('connected');
      const survivor = await stage().peerTo({ port: listener.port });
      child.kill();
      await child.exited;
      // The process has one thread that sends, so there is at most one connection that Wine never ends.
      const unheard = () => driver.name === 'iocp' && ends.length === 19 && oneLeftOpen(listener.port, survivor);
      await until(() => ends.length === 20 || unheard(), 'twenty ends', 30_000);
      const heard = ends.length;
      assert.ok(
        ends.every((end) => end === 'end' || end === 'ECONNRESET' || end === 'EPIPE'),
        ends.join(),
      );
      await survivor.send('still there?');
      assert.equal((await survivor.read(12)).toString(), 'still there?');
      await survivor.close();
      await until(() => ends.length === heard + 1, 'the survivor’s own end');
      await listener.close();
      await loop;
    });
  });
}

/** Sends back what comes, and says how the connection ended. */
async function echo(socket: TcpSocket): Promise<string | undefined> {
  const buffer = new Uint8Array(64);
  try {
    for (;;) {
      const length = await socket.recv(buffer);
      if (length === 0) return 'end';
      await socket.send(buffer.subarray(0, length));
    }
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  } finally {
    await socket.close();
  }
}

/** Whether Linux holds a client's end open although its process is dead. */
function oneLeftOpen(port: number, survivor: Peer): boolean {
  const open = clientEndsLeftOpen(port);
  open.delete(survivor.socket.localPort ?? 0);
  return open.size === 1;
}
