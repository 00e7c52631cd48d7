import type net from 'node:net';
import { until } from '../../support/waiting.js';
import { closed, event, listening, type Scenario } from '../scenario.js';

type WritingSocket = net.Socket & { _onTimeout(): void; _handle: { writeQueueSize: number } | null };

const BYTES = 32 << 20;

function unsent(socket: WritingSocket): number {
  return socket._handle?.writeQueueSize ?? 0;
}

/** How a long write goes on. Not for Windows, where libuv gives a write to the system whole and hears of its end only. */
export const progressScenarios: readonly Scenario[] = [
  {
    name: 'a write that makes progress puts off the idle timeout, and one that stands still does not',
    run: async (net, journal) => {
      const server = net.createServer();
      const client = net.connect(await listening(journal, server), '127.0.0.1').pause();
      const [[accepted]] = await Promise.all([event(server, 'connection'), event(client, 'connect')]);
      const socket = accepted as WritingSocket;
      let timeouts = 0;
      socket.on('timeout', () => timeouts++);
      const written = new Promise((resolve) => socket.write(Buffer.alloc(BYTES), resolve));
      // The timer is not waited for: this is what it does when it runs out.
      await until(() => unsent(socket) < BYTES, 'some of it to go');
      socket._onTimeout();
      journal.note('while it goes', timeouts);
      await until(() => {
        socket._onTimeout();
        return timeouts > 0;
      }, 'the write to stand still');
      const standing = unsent(socket);
      client.resume();
      await until(() => unsent(socket) < standing, 'the write to go on');
      socket._onTimeout();
      journal.note('when it goes on', timeouts);
      await written;
      socket._onTimeout();
      journal.note('when it is over', timeouts);
      socket._onTimeout();
      journal.note('idle', timeouts);
      socket.end();
      await event(client, 'close');
      await closed(server);
    },
  },
];
