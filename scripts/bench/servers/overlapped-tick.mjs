// overlapped-tick.mjs PORT CONNECTIONS HZ: one 64-byte message to each connection, HZ times a
// second.
import { broadcast, TcpListener } from 'overlapped';
import { announce, portArgument } from './announce.mjs';
import { everyTick } from './tick-clock.mjs';

const [connections = 0, hz = 0] = process.argv.slice(3).map(Number);
const message = new Uint8Array(64).fill(0x74);
/** @type {import('overlapped').TcpSocket[]} */
const sockets = [];

const listener = await TcpListener.listen({
  port: portArgument(),
  host: '127.0.0.1',
  backlog: 4096,
});
announce(listener.address.port);
for await (const socket of listener) {
  if (sockets.push(socket) === connections) everyTick(hz, () => broadcast(sockets, message));
}
