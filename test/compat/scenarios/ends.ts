import { closed, event, listening, type Scenario } from '../scenario.js';

/** Timeouts, resets and destroys. */
export const endScenarios: readonly Scenario[] = [
  {
    name: 'resetAndDestroy: the peer reads ECONNRESET',
    run: async (net, journal) => {
      const server = net.createServer((socket) => {
        socket.on('error', (error) => journal.error('server', error));
        socket.on('close', (hadError) => journal.note('server close', hadError));
        socket.resume();
      });
      const client = net.connect(await listening(journal, server), '127.0.0.1');
      const [accepted] = await Promise.all([event(server, 'connection'), event(client, 'connect')]);
      client.on('close', (hadError) => journal.note('client close', hadError));
      const gone = event(accepted[0] as NodeJS.EventEmitter, 'close');
      const left = event(client, 'close');
      client.resetAndDestroy();
      await Promise.all([gone, left]);
      await closed(server);
    },
  },
  {
    name: 'resetAndDestroy of a socket that is not connected',
    run: async (net, journal) => {
      const socket = new net.Socket();
      const failed = event(socket, 'error');
      socket.resetAndDestroy();
      journal.note((await failed)[0]);
    },
  },
  {
    name: 'destroy with an error: error, then close',
    run: async (net, journal) => {
      const server = net.createServer((socket) => socket.resume());
      const client = net.connect(await listening(journal, server), '127.0.0.1');
      await event(client, 'connect');
      client.on('error', (error) => journal.error('client', error));
      const gone = event(client, 'close');
      client.destroy(new Error('enough'));
      journal.note(client.destroyed, client.readyState, client.address());
      journal.note('close', ...(await gone));
      await closed(server);
    },
  },
  {
    name: 'destroy before the connect',
    run: async (net, journal) => {
      const server = net.createServer(() => journal.note('must not connect'));
      const port = await listening(journal, server);
      const client = net.connect(port, '127.0.0.1', () => journal.note('must not connect'));
      client.write('x', (error) => journal.note('write', error));
      const gone = event(client, 'close');
      client.destroy();
      journal.note(...(await gone), client.connecting, client.pending);
      await closed(server);
    },
  },
  {
    name: 'destroySoon writes what was written',
    run: async (net, journal) => {
      let got = '';
      const server = net.createServer((socket) => {
        socket.on('data', (chunk) => {
          got += chunk;
        });
      });
      const client = net.connect(await listening(journal, server), '127.0.0.1');
      const [accepted] = await Promise.all([event(server, 'connection'), event(client, 'connect')]);
      const ended = event(accepted[0] as NodeJS.EventEmitter, 'end');
      client.write('last words');
      client.destroySoon();
      await ended;
      journal.note(got);
      await closed(server);
    },
  },
  {
    name: 'setTimeout: an idle socket, and one whose timeout is taken back',
    run: async (net, journal) => {
      const server = net.createServer((socket) => socket.resume());
      const client = net.connect(await listening(journal, server), '127.0.0.1');
      await event(client, 'connect');
      const never = () => journal.note('must not time out');
      client.setTimeout(20, never);
      client.setTimeout(0, never);
      client.setTimeout(40);
      const began = performance.now();
      await event(client, 'timeout');
      journal.note('timeout', performance.now() - began >= 39, client.timeout, client.destroyed);
      client.end();
      await event(client, 'close');
      await closed(server);
    },
  },
  {
    name: 'setTimeout is wound up by what arrives and by what is written',
    run: async (net, journal) => {
      const server = net.createServer((socket) => socket.pipe(socket));
      const client = net.connect(await listening(journal, server), '127.0.0.1');
      await event(client, 'connect');
      let last = performance.now();
      client.setTimeout(200);
      for (let i = 0; i < 4; i++) {
        await new Promise((resolve) => setTimeout(resolve, 80));
        client.write('x');
        await event(client, 'data');
        last = performance.now();
      }
      await event(client, 'timeout');
      journal.note('timeout', performance.now() - last >= 195);
      client.end();
      await event(client, 'close');
      await closed(server);
    },
  },
  {
    name: 'a peer that resets while the server writes',
    run: async (net, journal) => {
      const server = net.createServer((socket) => {
        socket.on('error', (error: NodeJS.ErrnoException) => journal.note('server', error.code, error.syscall));
        socket.on('close', (hadError) => journal.note('server close', hadError));
      });
      const client = net.connect(await listening(journal, server), '127.0.0.1');
      const [accepted] = await Promise.all([event(server, 'connection'), event(client, 'connect')]);
      const socket = accepted[0] as import('node:net').Socket;
      const gone = event(socket, 'close');
      client.resetAndDestroy();
      await event(client, 'close');
      await gone;
      socket.write('into the void', (error) => journal.note('write', error));
      await new Promise(setImmediate);
      await closed(server);
    },
  },
  {
    name: 'an exception of a listener reaches the process, and other sockets go on',
    run: async (net, journal) => {
      const server = net.createServer((socket) => socket.on('data', (chunk) => socket.end(chunk)));
      const port = await listening(journal, server);
      const before = process.listeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      const uncaught = event(process, 'uncaughtException');
      const bad = net.connect(port, '127.0.0.1', () => bad.write('a'));
      bad.on('data', () => {
        throw new Error('of the listener');
      });
      const good = net.connect(port, '127.0.0.1', () => good.write('b'));
      const data = event(good, 'data');
      journal.note(((await uncaught)[0] as Error).message);
      journal.note(String((await data)[0]));
      for (const listener of before) process.on('uncaughtException', listener);
      bad.destroy();
      good.destroy();
      await closed(server);
    },
  },
];
