import { closed, event, listening, type Scenario } from '../scenario.js';

/** Listening: its forms, its errors, its limits. */
export const serverScenarios: readonly Scenario[] = [
  {
    name: 'forms of listen, and what address() says',
    run: async (net, journal) => {
      const forms: [string, (server: import('node:net').Server) => unknown][] = [
        ['()', (server) => server.listen()],
        ['(0)', (server) => server.listen(0)],
        ['(0, host)', (server) => server.listen(0, '127.0.0.1')],
        ['(0, host, backlog)', (server) => server.listen(0, '127.0.0.1', 5)],
        ['({ port, host })', (server) => server.listen({ port: 0, host: '127.0.0.1' })],
        ['({ host: ::1 })', (server) => server.listen({ port: 0, host: '::1' })],
        ['({ ipv6Only })', (server) => server.listen({ port: 0, host: '::', ipv6Only: true })],
        ['({ exclusive })', (server) => server.listen({ port: 0, exclusive: true })],
      ];
      for (const [name, listen] of forms) {
        const server = net.createServer();
        const up = event(server, 'listening');
        journal.note(name, listen(server) === server, server.listening);
        await up;
        const { address, family } = server.address() as import('node:net').AddressInfo;
        journal.note(address, family, server.listening);
        await closed(server);
        journal.note(server.address(), server.listening);
      }
    },
  },
  {
    name: 'errors of listen and close',
    run: async (net, journal) => {
      const first = net.createServer();
      const port = await listening(journal, first);
      const second = net.createServer();
      const failed = event(second, 'error');
      second.listen(port, '127.0.0.1');
      journal.note((await failed)[0]);
      const elsewhere = net.createServer();
      const unavailable = event(elsewhere, 'error');
      elsewhere.listen(0, '192.0.2.1');
      journal.note((await unavailable)[0]);
      try {
        first.listen(0);
      } catch (error) {
        journal.note('again', error);
      }
      await closed(first);
      journal.note(await new Promise((resolve) => first.close((error) => resolve(error))));
    },
  },
  {
    name: 'wrong arguments of listen and Server',
    run: async (net, journal) => {
      const attempts: [string, unknown[]][] = [
        ['port -1', [-1]],
        ['port 65536', [65536]],
        ['port 1.5', [{ port: 1.5 }]],
        ['port NaN', [{ port: Number.NaN }]],
        ['port false', [{ port: false }]],
        ['{}', [{}]],
        ['host only', [{ host: '127.0.0.1' }]],
        ['signal', [{ port: 0, signal: 'x' }]],
        ['true', [true]],
      ];
      for (const [name, args] of attempts) {
        const server = net.createServer();
        try {
          server.listen(...(args as []));
          journal.note(name, 'was taken');
          server.close();
        } catch (error) {
          journal.note(name, error);
        }
      }
      for (const options of [1, 'x', { keepAliveInitialDelay: 'a' }, { highWaterMark: 'a' }]) {
        try {
          net.createServer(options as never);
          journal.note('was taken');
        } catch (error) {
          journal.note('Server', error);
        }
      }
    },
  },
  {
    name: 'maxConnections drops, and getConnections counts',
    run: async (net, journal) => {
      const server = net.createServer();
      server.maxConnections = 1;
      const port = await listening(journal, server);
      const first = net.connect(port, '127.0.0.1');
      await event(server, 'connection');
      const dropped = event(server, 'drop');
      const second = net.connect(port, '127.0.0.1');
      second.on('error', () => undefined).resume();
      const [data] = (await dropped) as [Record<string, unknown>];
      journal.note(Object.keys(data).sort().join(), data['localAddress'], data['remoteFamily'], data['localPort']);
      await event(second, 'close');
      journal.note(await new Promise((resolve) => server.getConnections((error, count) => resolve([error, count]))));
      first.destroy();
      await closed(server);
    },
  },
  {
    name: 'close waits for its connections',
    run: async (net, journal) => {
      const server = net.createServer((socket) => socket.resume());
      const client = net.connect(await listening(journal, server), '127.0.0.1');
      await Promise.all([event(server, 'connection'), event(client, 'connect')]);
      server.on('close', () => journal.note('server close'));
      client.on('close', () => journal.note('client close'));
      server.close(() => journal.note('callback'));
      await new Promise(setImmediate);
      journal.note('not yet', server.listening);
      // Which of the two closes first is the network's choice.
      const done = Promise.all([event(server, 'close'), event(client, 'close')]);
      client.end();
      await done;
    },
  },
  {
    name: 'a signal closes the server, and asyncDispose does',
    run: async (net, journal) => {
      const controller = new AbortController();
      const server = net.createServer();
      server.listen({ port: 0, host: '127.0.0.1', signal: controller.signal });
      await event(server, 'listening');
      const gone = event(server, 'close');
      controller.abort();
      await gone;
      const other = net.createServer();
      await listening(journal, other);
      await other[Symbol.asyncDispose]();
      journal.note(server.listening, other.listening);
    },
  },
  {
    name: 'pauseOnConnect, noDelay and keepAlive',
    run: async (net, journal) => {
      const server = net.createServer({
        pauseOnConnect: true,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: 2000,
      });
      const port = await listening(journal, server);
      const client = net.connect({ port, host: '127.0.0.1', noDelay: true, keepAlive: true });
      client.write('early');
      const [socket] = (await event(server, 'connection')) as [import('node:net').Socket];
      journal.note(socket.isPaused(), socket.setNoDelay() === socket, socket.setKeepAlive(true, 1000) === socket);
      const data = event(socket, 'data');
      socket.resume();
      journal.note(String((await data)[0]));
      client.destroy();
      await event(socket, 'close');
      await closed(server);
    },
  },
  {
    name: 'ref and unref give the object back',
    run: async (net, journal) => {
      const server = net.createServer((socket) => socket.resume());
      const client = net.connect(await listening(journal, server), '127.0.0.1');
      await event(client, 'connect');
      journal.note(
        server.unref() === server,
        server.ref() === server,
        client.unref() === client,
        client.ref() === client,
      );
      client.destroy();
      await closed(server);
    },
  },
];
