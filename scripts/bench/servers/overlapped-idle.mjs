// overlapped-idle.mjs PORT: an echo server, able to collect its garbage on request.
import { TcpListener } from 'overlapped';
import { announce, collectOnSignal, portArgument } from './announce.mjs';

/** @param {import('overlapped').TcpSocket} socket */
async function echo(socket) {
  try {
    for await (const chunk of socket.receive({ timeoutMs: 30_000 })) await socket.send(chunk);
  } catch {
    // The load closes its connections abruptly at the end of a run.
  }
}

collectOnSignal();
const listener = await TcpListener.listen({
  port: portArgument(),
  host: '127.0.0.1',
  backlog: 4096,
});
announce(listener.address.port);
for await (const socket of listener) echo(socket);
