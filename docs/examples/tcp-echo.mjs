// An echo server that gives every peer 30 seconds for its next message: node docs/examples/tcp-echo.mjs PORT
import { TcpListener } from 'overlapped';

const listener = await TcpListener.listen({ host: '127.0.0.1', port: Number(process.argv[2] ?? 0) });
console.log(`listening ${listener.port}`);

async function serve(socket) {
  try {
    for await (const chunk of socket.receive({ timeoutMs: 30_000 })) await socket.send(chunk);
  } catch (error) {
    if (error.code !== 'ETIMEDOUT' && error.code !== 'ECONNRESET') console.error(error.message);
  }
  await socket.close();
}

for await (const socket of listener) serve(socket);
