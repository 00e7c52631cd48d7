import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { closed, event, listening, type NetModule, type Scenario, SOCKET_EVENTS } from '../scenario.js';

/** A port where nobody listens. */
async function freePort(net: NetModule): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as import('node:net').AddressInfo;
  await closed(server);
  return port;
}

type Lookup = import('node:net').LookupFunction;

/** Connecting: addresses, names, refusals and wrong arguments. */
export const connectScenarios: readonly Scenario[] = [
  {
    name: 'a refused connection',
    run: async (net, journal) => {
      const port = journal.port(await freePort(net));
      const client = net.connect(port, '127.0.0.1');
      journal.follow('client', client, [...SOCKET_EVENTS, 'connectionAttempt', 'connectionAttemptFailed']);
      await event(client, 'close');
      journal.note(client.connecting, client.pending, client.destroyed);
    },
  },
  {
    name: 'several addresses: the first is refused, the second answers',
    run: async (net, journal) => {
      const server = net.createServer((socket) => socket.end());
      const port = await listening(journal, server);
      const lookup = ((_host: string, _options: unknown, done: (error: null, list: unknown) => void) =>
        done(null, [
          { address: '127.0.0.9', family: 4 },
          { address: '127.0.0.1', family: 4 },
        ])) as unknown as Lookup;
      const client = net.connect({ port, host: 'example.invalid', lookup, autoSelectFamily: true });
      const events = ['lookup', 'connectionAttempt', 'connectionAttemptFailed', 'connect'];
      journal.follow('client', client, events);
      client.resume();
      await event(client, 'close');
      journal.note(client.autoSelectFamilyAttemptedAddresses?.join());
      await closed(server);
    },
  },
  {
    name: 'several addresses that are all refused',
    run: async (net, journal) => {
      const port = journal.port(await freePort(net));
      const lookup = ((_host: string, _options: unknown, done: (error: null, list: unknown) => void) =>
        done(null, [
          { address: '127.0.0.1', family: 4 },
          { address: '127.0.0.2', family: 4 },
        ])) as unknown as Lookup;
      const client = net.connect({ port, host: 'example.invalid', lookup, autoSelectFamily: true });
      client.on('error', (error) => journal.error('client', error));
      await event(client, 'close');
    },
  },
  {
    name: 'a name that is looked up',
    run: async (net, journal) => {
      const server = net.createServer((socket) => socket.end());
      const port = await listening(journal, server);
      const lookup = ((_host: string, _options: unknown, done: (error: null, ip: string, family: number) => void) =>
        process.nextTick(done, null, '127.0.0.1', 4)) as unknown as Lookup;
      const client = net.connect({ port, host: 'some.name', lookup, autoSelectFamily: false });
      journal.follow('client', client, ['lookup', 'connect', 'ready']);
      client.resume();
      await event(client, 'close');
      await closed(server);
    },
  },
  {
    name: 'a lookup that fails',
    run: async (net, journal) => {
      const lookup = ((_host: string, _options: unknown, done: (error: Error) => void) =>
        done(new Error('no such name'))) as unknown as Lookup;
      const client = net.connect({ port: 1, host: 'some.name', lookup });
      journal.follow('client', client, ['lookup', 'error', 'close']);
      await event(client, 'close');
    },
  },
  {
    name: 'localAddress and localPort',
    run: async (net, journal) => {
      const server = net.createServer((socket) => {
        journal.note('server sees', socket.remoteAddress, socket.remoteFamily);
        socket.end();
      });
      const port = await listening(journal, server);
      const client = net.connect({ port, host: '127.0.0.1', localAddress: '127.0.0.3' });
      client.on('connect', () => journal.note(client.localAddress, client.localFamily, client.remotePort));
      client.resume();
      await event(client, 'close');
      const taken = net.connect({ port, host: '127.0.0.1', localAddress: '127.0.0.1', localPort: port });
      taken.on('error', (error) => journal.error('taken', error));
      await event(taken, 'close');
      await closed(server);
    },
  },
  {
    name: 'what a socket says of itself on its way',
    run: async (net, journal) => {
      const server = net.createServer((socket) => socket.end());
      const port = await listening(journal, server);
      const client = new net.Socket();
      const say = (when: string) =>
        journal.note(
          when,
          client.connecting,
          client.pending,
          client.readyState,
          client.bufferSize,
          client.bytesWritten,
        );
      say('new');
      client.connect(port, '127.0.0.1');
      say('connecting');
      client.on('connect', () => say('connected'));
      client.resume();
      await event(client, 'close');
      say('closed');
      journal.note(client.address(), client.remoteAddress);
      await closed(server);
    },
  },
  {
    name: 'the same socket connects again',
    run: async (net, journal) => {
      const server = net.createServer((socket) => socket.end('x'));
      const port = await listening(journal, server);
      const client = net.connect(port, '127.0.0.1');
      client.resume();
      await event(client, 'close');
      client.connect(port, '127.0.0.1');
      client.on('data', (chunk) => journal.note('data', String(chunk)));
      await event(client, 'close');
      journal.note(client.destroyed);
      await closed(server);
    },
  },
  {
    name: 'a signal that is aborted before the connect, and after it',
    run: async (net, journal) => {
      const server = net.createServer((socket) => socket.on('error', () => undefined).resume());
      const port = await listening(journal, server);
      const aborted = new net.Socket({ signal: AbortSignal.abort() });
      aborted.on('error', (error) => journal.error('before', error));
      await event(aborted, 'close');
      const controller = new AbortController();
      const client = new net.Socket({ signal: controller.signal }).connect(port, '127.0.0.1');
      await event(client, 'connect');
      client.on('error', (error) => journal.error('after', error));
      controller.abort();
      await event(client, 'close');
      await closed(server);
    },
  },
  {
    name: 'diagnostics channels',
    run: async (net, journal) => {
      const seen: string[] = [];
      const client = () => seen.push('client');
      const accepted = () => seen.push('server');
      subscribe('net.client.socket', client);
      subscribe('net.server.socket', accepted);
      const server = net.createServer((socket) => socket.end());
      const socket = net.connect(await listening(journal, server), '127.0.0.1');
      socket.resume();
      await event(socket, 'close');
      unsubscribe('net.client.socket', client);
      unsubscribe('net.server.socket', accepted);
      journal.note(seen.join());
      await closed(server);
    },
  },
  {
    name: 'wrong arguments of connect and of Socket',
    run: async (net, journal) => {
      const anything = net as unknown as Record<string, (...args: unknown[]) => unknown>;
      const Socket = net.Socket as unknown as new (options?: unknown) => unknown;
      const attempts: Record<string, () => unknown> = {
        'connect()': () => anything['connect']?.(),
        'connect({})': () => anything['connect']?.({}),
        'port 65536': () => anything['connect']?.({ port: 65536 }),
        'port -1': () => anything['connect']?.({ port: -1 }),
        'port true': () => anything['connect']?.({ port: true }),
        'port NaN': () => anything['connect']?.({ port: Number.NaN }),
        'host 7': () => anything['connect']?.({ port: 1, host: 7 }),
        'localAddress x': () => anything['connect']?.({ port: 1, localAddress: 'x' }),
        'localPort x': () => anything['connect']?.({ port: 1, localPort: 'x' }),
        'lookup 1': () => anything['connect']?.({ port: 1, host: 'a.b', lookup: 1 }),
        'path 1': () => anything['connect']?.({ path: 1 }),
        'autoSelectFamily 1': () => anything['connect']?.({ port: 1, autoSelectFamily: 1 }),
        'attempt timeout 0': () => anything['connect']?.({ port: 1, autoSelectFamilyAttemptTimeout: 0 }),
        objectMode: () => new Socket({ objectMode: true }),
        'fd -1': () => new Socket({ fd: -1 }),
        'keepAliveInitialDelay a': () => new Socket({ keepAliveInitialDelay: 'a' }),
        'signal 1': () => new Socket({ signal: 1 }),
        'setTimeout a': () => new net.Socket().setTimeout('a' as never),
        'setTimeout -1': () => new net.Socket().setTimeout(-1),
        'timeout callback': () => new net.Socket().setTimeout(1, 1 as never),
        'write null': () => new net.Socket().write(null as never),
        'write 1': () => new net.Socket().write(1 as never),
        setDefaultAutoSelectFamily: () => net.setDefaultAutoSelectFamily(1 as never),
      };
      for (const [name, attempt] of Object.entries(attempts)) {
        try {
          const made = attempt() as { on?: (name: string, f: () => void) => { destroy(): void } };
          made?.on?.('error', () => undefined).destroy();
          journal.note(name, 'was taken');
        } catch (error) {
          journal.note(name, error);
        }
      }
      await new Promise(setImmediate);
    },
  },
];
