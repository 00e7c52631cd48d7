// overlapped-idle.mjs PORT: an echo server, able to collect its garbage on request.
import { TcpListener } from 'overlapped';
import { announce, collectOnSignal, portArgument } from './announce.mjs';

/** @type {import('overlapped').ReceiveHandlers} */
const echo = {
  received: (socket, chunk) => socket.send(chunk),
  ended: (socket) => socket.close(),
};

collectOnSignal();
const listener = await TcpListener.listen({
  port: portArgument(),
  host: '127.0.0.1',
  backlog: 4096,
});
announce(listener.address.port);
for await (const socket of listener) socket.onReceive(echo, { timeoutMs: 600_000 });
