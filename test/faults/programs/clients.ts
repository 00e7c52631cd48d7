import { TcpSocket } from '../../../src/index.js';

// Clients that echo with a server for ever: PORT COUNT.

async function chat(socket: TcpSocket): Promise<void> {
  const buffer = new Uint8Array(64);
  for (;;) {
    await socket.send(Buffer.from('tick'));
    await socket.recv(buffer, { timeoutMs: 10_000 });
  }
}

async function main(): Promise<void> {
  const [port, count] = process.argv.slice(2).map(Number);
  const connecting = Array.from({ length: count ?? 1 }, () =>
    TcpSocket.connect({ host: '127.0.0.1', port: port ?? 0 }),
  );
  for (const socket of await Promise.all(connecting)) chat(socket);
  console.log('connected all');
}

main();
