import { TcpListener, type TcpSocket } from '../../../src/index.js';

// Echoes until its standard input ends. Says its port, and each connection it serves.

async function serve(socket: TcpSocket): Promise<void> {
  try {
    for await (const chunk of socket.receive({ timeoutMs: 30_000 })) await socket.send(chunk);
  } catch (error) {
    console.log(`failed ${(error as NodeJS.ErrnoException).code}`);
  }
  await socket.close();
}

async function main(): Promise<void> {
  const listener = await TcpListener.listen({ host: '127.0.0.1' });
  console.log(`driver ${listener.driver}`);
  console.log(`listening ${listener.port}`);
  process.stdin.on('end', () => listener.close()).resume();
  for await (const socket of listener) serve(socket);
  console.log('ended well');
}

main();
