import type net from 'node:net';
import { closed, event, listening, type Scenario, SOCKET_EVENTS } from '../scenario.js';

/** Bytes and ends, as a program with a stream sees them. */
export const streamScenarios: readonly Scenario[] = [
  {
    name: 'an echo, ended by the client',
    run: async (net, journal) => {
      const server = net.createServer((socket) => {
        journal.follow('server', socket, SOCKET_EVENTS);
        socket.on('data', (chunk) => socket.write(chunk));
      });
      const port = await listening(journal, server);
      const client = net.connect(port, '127.0.0.1');
      client.on('connect', () => client.write('hello'));
      client.on('data', (chunk) => {
        journal.note('client data', String(chunk), client.bytesRead, client.bytesWritten);
        client.end();
      });
      client.on('end', () => journal.note('client end', client.readyState, client.writable));
      await event(client, 'close');
      journal.note(
        'client',
        client.destroyed,
        client.readyState,
        client.bytesRead,
        client.bytesWritten,
        client.remotePort,
      );
      await closed(server);
    },
  },
  {
    name: 'the server ends first; without allowHalfOpen the client follows',
    run: async (net, journal) => {
      const server = net.createServer((socket) => socket.end('bye'));
      const client = net.connect(await listening(journal, server), '127.0.0.1');
      journal.follow('client', client, ['connect', 'ready', 'data', 'end', 'finish', 'close']);
      await event(client, 'close');
      await closed(server);
    },
  },
  {
    name: 'allowHalfOpen: the client answers after the end',
    run: async (net, journal) => {
      const received: string[] = [];
      const server = net.createServer({ allowHalfOpen: true }, (socket) => {
        socket.end('question');
        socket.on('data', (chunk) => received.push(String(chunk)));
        socket.on('end', () => journal.note('server end', received.join('')));
      });
      const client = net.connect({
        port: await listening(journal, server),
        host: '127.0.0.1',
        allowHalfOpen: true,
      });
      client.on('data', (chunk) => journal.note('client data', String(chunk)));
      client.on('end', () => {
        journal.note('client end', client.readyState, client.readable, client.writable);
        client.end('answer');
      });
      await event(client, 'close');
      journal.note('client closed');
      await closed(server);
    },
  },
  {
    name: 'a write after end, and a write after destroy',
    run: async (net, journal) => {
      const server = net.createServer((socket) => socket.resume());
      const client = net.connect(await listening(journal, server), '127.0.0.1');
      client.on('error', (error) => journal.error('client', error));
      await event(client, 'connect');
      client.end('x');
      client.write('y', (error) => journal.note('write after end', error));
      await event(client, 'close');
      client.write('z', (error) => journal.note('write after destroy', error));
      await new Promise(setImmediate);
      await closed(server);
    },
  },
  {
    name: 'a write once the other party has ended',
    run: async (net, journal) => {
      const server = net.createServer((socket) => socket.end());
      const client = net.connect(await listening(journal, server), '127.0.0.1');
      client.resume();
      client.on('end', () => setImmediate(() => client.write('late', (error) => journal.note('write', error))));
      client.on('error', (error) => journal.error('client', error));
      await event(client, 'close');
      await closed(server);
    },
  },
  {
    name: 'cork, strings in several encodings, and a callback for each write',
    run: async (net, journal) => {
      const parts: Buffer[] = [];
      const server = net.createServer((socket) => {
        socket.on('data', (chunk) => parts.push(chunk as Buffer));
        socket.on('end', () => journal.note('server got', Buffer.concat(parts).toString('hex')));
      });
      const client = net.connect(await listening(journal, server), '127.0.0.1');
      client.cork();
      client.write('ä', 'utf8', () => journal.note('utf8 written'));
      client.write('ä', 'latin1', () => journal.note('latin1 written'));
      client.write('00ff', 'hex', () => journal.note('hex written'));
      client.write(new Uint8Array([1, 2]), () => journal.note('bytes written'));
      client.uncork();
      client.end('€', 'utf16le', () => journal.note('ended', client.bytesWritten));
      await event(client, 'close');
      await closed(server);
    },
  },
  {
    name: 'eight mebibytes arrive whole through pipe, with drains on the way',
    run: async (net, journal) => {
      const size = 8 << 20;
      let received = 0;
      let sum = 0;
      const server = net.createServer((socket) => socket.pipe(socket));
      const client = net.connect(await listening(journal, server), '127.0.0.1');
      let sent = 0;
      const more = () => {
        while (sent < size) {
          const chunk = Buffer.alloc(Math.min(100_000, size - sent), sent & 0xff);
          sent += chunk.length;
          if (!client.write(chunk)) return client.once('drain', more);
        }
        return client.end();
      };
      client.on('data', (chunk: Buffer) => {
        received += chunk.length;
        sum = (sum + (chunk[0] ?? 0) * 0) | 0;
      });
      client.on('connect', more);
      await event(client, 'close');
      journal.note(received, sum, client.bytesRead, client.bytesWritten);
      await closed(server);
    },
  },
  {
    name: 'pause holds data back, and resume brings it',
    run: async (net, journal) => {
      const server = net.createServer((socket) => socket.end('abc'));
      const client = net.connect(await listening(journal, server), '127.0.0.1');
      client.pause();
      client.setEncoding('utf8');
      client.on('data', (chunk) => journal.note('data', chunk));
      client.on('end', () => journal.note('end'));
      await event(client, 'connect');
      await new Promise((resolve) => setTimeout(resolve, 30));
      journal.note('paused', client.isPaused());
      client.resume();
      await event(client, 'close');
      await closed(server);
    },
  },
  {
    name: 'onread takes bytes into the caller’s buffer',
    run: async (net, journal) => {
      const server = net.createServer((socket) => socket.end('0123456789'));
      const taken: string[] = [];
      const client = net.connect({
        port: await listening(journal, server),
        host: '127.0.0.1',
        onread: {
          buffer: Buffer.alloc(4),
          callback: (length: number, buffer: Uint8Array) => {
            taken.push(Buffer.from(buffer.subarray(0, length)).toString());
            return true;
          },
        },
      });
      client.on('data', () => journal.note('data must not come'));
      client.on('end', () => journal.note('end', taken.join('|')));
      client.resume();
      await event(client, 'close');
      await closed(server);
    },
  },
  {
    name: 'async iteration',
    run: async (net, journal) => {
      const server = net.createServer((socket) => socket.end('one chunk'));
      const client = net.connect(await listening(journal, server), '127.0.0.1');
      let all = '';
      for await (const chunk of client) all += chunk;
      journal.note(all, client.destroyed);
      await closed(server);
    },
  },
];

/** Typed for the files beside this one. */
export type Socket = net.Socket;
