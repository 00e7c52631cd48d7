import { TcpSocket } from '../../../src/index.js';

// Connects until there is no descriptor left, says with what it ended, closes them all, and connects once more.

async function main(): Promise<void> {
  const port = Number(process.argv[2]);
  const sockets: TcpSocket[] = [];
  try {
    for (;;) sockets.push(await TcpSocket.connect({ host: '127.0.0.1', port }));
  } catch (error) {
    console.log(`refused ${(error as NodeJS.ErrnoException).code}`);
  }
  console.log(`connections ${sockets.length}`);
  for (const socket of sockets) await socket.close();
  const socket = await TcpSocket.connect({ host: '127.0.0.1', port });
  await socket.send(Buffer.from('ping'));
  const buffer = new Uint8Array(8);
  console.log(`echo ${await socket.recv(buffer, { timeoutMs: 10_000 })}`);
  await socket.close();
}

main();
