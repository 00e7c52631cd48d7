import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Child, runChild } from '../support/child.js';
import { driversUnderTest } from '../support/drivers.js';
import { connectPeer, type Peer, PeerServer } from '../support/peer.js';

/** Too few descriptors: what fails says so, and what lives goes on. */
for (const { name } of driversUnderTest()) {
  const env = { OVERLAPPED_DRIVER: name };

  describe(`${name}: a process out of descriptors`, { timeout: 60_000 }, () => {
    test('accept() fails with EMFILE, and gets the same connection once there is a descriptor', async () => {
      const child = new Child(import.meta.url, 'programs/accept-at-the-limit.js', [], { descriptors: 64, env });
      const peer = await connectPeer({ port: Number(await child.says('listening')) });
      assert.equal((await peer.read(7)).toString(), 'at last');
      const { status, output, errors } = await child.end();
      await peer.close();
      assert.match(output, /accept0 EMFILE\naccept1 EMFILE\naccept2 EMFILE\n/);
      assert.match(output, /sent FIN/);
      assert.equal(status, 0, errors);
    });

    test('a for await loop survives EMFILE: every client is served in the end', async () => {
      const child = new Child(import.meta.url, 'programs/echo-server.js', [], { descriptors: 64, env });
      const port = Number(await child.says('listening'));
      const peers: Peer[] = [];
      for (let i = 0; i < 120; i++) peers.push(await connectPeer({ port }));
      await Promise.all(
        peers.map(async (peer, i) => {
          const message = `client ${i}`;
          await peer.send(message);
          assert.equal((await peer.read(message.length)).toString(), message);
          await peer.close();
        }),
      );
      child.process.stdin?.end();
      const { status, output, errors } = await child.end();
      assert.equal(status, 0, errors);
      assert.match(output, /ended well/);
    });

    test('connect() fails with EMFILE, and works again once there is a descriptor', async () => {
      const server = await PeerServer.listen({});
      server.server.on('connection', (socket) => socket.pipe(socket));
      const child = new Child(import.meta.url, 'programs/connect-at-the-limit.js', [String(server.port)], {
        descriptors: 64,
        env,
      });
      const { status, output, errors } = await child.end();
      await server.close();
      assert.match(output, /refused EMFILE/);
      assert.ok(Number(/connections (\d+)/.exec(output)?.[1]) > 10, output);
      assert.match(output, /echo 4/);
      assert.equal(status, 0, errors);
    });

    test('with 64 descriptors in all, an echo works as ever', async () => {
      const { status, output, errors } = await runChild(import.meta.url, 'programs/self-echo.js', ['10'], {
        descriptors: 64,
        env,
      });
      assert.equal(status, 0, errors);
      assert.match(output, new RegExp(`driver ${name}\nechoed 10`));
    });
  });
}
