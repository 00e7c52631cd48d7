// net-tcp-echo.mjs PORT: the echo server one writes with node:net, idle timeout included.
import { createServer } from 'node:net';
import { announce, portArgument } from './announce.mjs';

const server = createServer((socket) => {
  socket.setNoDelay(true);
  socket.setTimeout(30_000, () => socket.destroy());
  socket.on('data', (chunk) => socket.write(chunk));
  // The load closes its connections abruptly at the end of a run.
  socket.on('error', () => socket.destroy());
});

server.listen({ port: portArgument(), host: '127.0.0.1', backlog: 4096 }, () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  announce(port);
});
