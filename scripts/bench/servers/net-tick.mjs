// net-tick.mjs PORT CONNECTIONS HZ: one 64-byte message to each connection, HZ times a second.
import { createServer } from 'node:net';
import { announce, portArgument } from './announce.mjs';
import { everyTick } from './tick-clock.mjs';

const [connections = 0, hz = 0] = process.argv.slice(3).map(Number);
const message = Buffer.alloc(64, 't');
/** @type {import('node:net').Socket[]} */
const sockets = [];

const server = createServer((socket) => {
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  if (sockets.push(socket) === connections) {
    everyTick(hz, () => {
      for (const each of sockets) each.write(message);
    });
  }
});

server.listen({ port: portArgument(), host: '127.0.0.1', backlog: 4096 }, () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  announce(port);
});
