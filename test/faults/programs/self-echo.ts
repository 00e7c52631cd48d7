import { probeDrivers, TcpListener, TcpSocket } from '../../../src/index.js';

// Echoes over a number of connections within this process, with whatever driver it is given.

async function serve(socket: TcpSocket): Promise<void> {
  for await (const chunk of socket.receive({ timeoutMs: 10_000 })) await socket.send(chunk);
  await socket.close();
}

export async function selfEcho(connections: number): Promise<void> {
  const listener = await TcpListener.listen({ host: '127.0.0.1' });
  console.log(`driver ${listener.driver}`);
  const accepting = (async () => {
    for await (const socket of listener) serve(socket);
  })();
  const clients = Array.from({ length: connections }, async (_, i) => {
    const socket = await TcpSocket.connect({ host: '127.0.0.1', port: listener.port, timeoutMs: 10_000 });
    const message = Buffer.from(`message ${i}`);
    const buffer = new Uint8Array(64);
    for (let round = 0; round < 10; round++) {
      await socket.send(message);
      let length = 0;
      while (length < message.length) length += await socket.recv(buffer.subarray(length), { timeoutMs: 10_000 });
      if (!message.equals(buffer.subarray(0, length))) throw new Error('The echo differs');
    }
    await socket.close();
  });
  await Promise.all(clients);
  await listener.close();
  await accepting;
  console.log(`echoed ${connections}`);
}

export function reportDrivers(): void {
  for (const { name, usable, reason } of probeDrivers()) console.log(`probe ${name} ${usable} ${reason}`);
}

if (process.argv[1]?.endsWith('self-echo.js')) selfEcho(Number(process.argv[2]));
