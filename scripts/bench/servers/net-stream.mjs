// net-stream.mjs PORT: gives every stream back through `pipe`.
import { createServer } from 'node:net';
import { announce, portArgument } from './announce.mjs';

const server = createServer((socket) => {
  socket.pipe(socket);
  socket.on('error', () => socket.destroy());
});

server.listen({ port: portArgument(), host: '127.0.0.1', backlog: 4096 }, () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  announce(port);
});
