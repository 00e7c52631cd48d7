import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closed, event, type Scenario } from '../scenario.js';

/** UNIX-domain paths. Not on Windows, where Node has named pipes instead. */
export const pathScenarios: readonly Scenario[] = [
  {
    name: 'a path: an echo, its address, and its removal',
    run: async (net, journal) => {
      const folder = mkdtempSync(join(tmpdir(), 'overlapped-compat-'));
      const path = join(folder, 's');
      const server = net.createServer((socket) => {
        journal.note('server', socket.address(), socket.remoteAddress);
        socket.pipe(socket);
      });
      server.listen({ path, readableAll: true, writableAll: true });
      await event(server, 'listening');
      journal.note(server.address() === path, readdirSync(folder).join());
      const client = net.connect(path);
      client.on('connect', () => journal.note('client', client.address(), client.remoteAddress));
      client.end('over a path');
      journal.note(String((await event(client, 'data'))[0]));
      await event(client, 'close');
      await closed(server);
      journal.note(readdirSync(folder).length);
      rmSync(folder, { recursive: true });
    },
  },
  {
    name: 'paths that cannot be had',
    run: async (net, journal) => {
      const client = net.connect('/nowhere/at/all');
      client.on('error', (error) => journal.error('client', error));
      await event(client, 'close');
      const server = net.createServer();
      const failed = event(server, 'error');
      server.listen('/nowhere/at/all');
      journal.note((await failed)[0]);
      const socket = new net.Socket();
      socket.on('error', (error) => journal.error('reset', error));
      const folder = mkdtempSync(join(tmpdir(), 'overlapped-compat-'));
      const path = join(folder, 's');
      const listener = net.createServer((peer) => peer.resume()).listen(path);
      await event(listener, 'listening');
      socket.connect(path);
      await event(socket, 'connect');
      try {
        socket.resetAndDestroy();
      } catch (error) {
        journal.note('resetAndDestroy', error);
      }
      socket.destroy();
      await closed(listener);
      rmSync(folder, { recursive: true });
    },
  },
];
