import type net from 'node:net';
import type { World } from './player.js';
import type { ServerAction } from './program.js';

type Loose = Record<string, (...args: unknown[]) => unknown>;

const WRONG_LISTENS: readonly (readonly unknown[])[] = [
  [-1],
  [65_536],
  [{ port: 1.5 }],
  [{ port: Number.NaN }],
  [{ port: false }],
  [{}],
  [{ host: '127.0.0.1' }],
  [{ port: 0, signal: 'x' }],
  [true],
  [{ path: '' }],
  [{ fd: 'a' }],
  [{ port: 0, host: '192.0.2.1' }],
  [{ path: '/no/such/folder/at/all' }],
  [{ port: 'a' }],
];

/** Does it, and gives what is to be noted. */
export function actOnServer(world: World, action: ServerAction): unknown {
  const { server } = world;
  const note = (...words: unknown[]) => world.trace.note('server', ...words);
  const itself = (value: unknown) => (value === server ? 'itself' : value);
  switch (action.act) {
    case 'close':
      return itself(action.callback ? server.close((error) => note('callback of close', error)) : server.close());
    case 'maxConnections':
      server.maxConnections = action.count;
      return undefined;
    case 'wrongListen':
      return itself(
        (server as unknown as Loose)['listen']?.(...(WRONG_LISTENS[action.which % WRONG_LISTENS.length] ?? [])),
      );
    case 'getConnections':
      return itself(server.getConnections((error, count) => note('connections', error, count)));
    case 'address':
      return addressOf(server);
    case 'ref':
    case 'unref':
      return itself(server[action.act]());
    case 'listenAgain':
      return itself(world.listen());
    case 'conflict':
      return conflict(world);
    case 'dispose':
      void server[Symbol.asyncDispose]().then(
        () => note('disposed'),
        (error) => note('disposal fails', error),
      );
      return undefined;
    case 'abort':
      return world.serverController.abort();
    case 'destroyAll':
      for (const actor of world.acceptedActors) actor.socket.destroy();
      return undefined;
  }
}

export function addressOf(server: net.Server): unknown {
  return server.address();
}

/** Another server where there is one already. */
function conflict(world: World): void {
  const note = (...words: unknown[]) => world.trace.note('other server', ...words);
  const other = world.serverModule.createServer();
  other.on('error', (error) => note('error', error));
  other.on('close', () => note('close'));
  other.on('listening', () => {
    note('listening');
    other.close();
  });
  if (world.isPath) other.listen(world.path);
  else other.listen(world.port, '127.0.0.1');
  note('listens', other.listening);
}
