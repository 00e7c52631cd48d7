import { closeSync, openSync } from 'node:fs';
import { TcpListener } from '../../../src/index.js';

// Uses up its descriptors, and accepts a connection that waits: first without a descriptor for it, then with one.

function useUpDescriptors(): number[] {
  const descriptors: number[] = [];
  for (;;) {
    try {
      descriptors.push(openSync('/dev/null', 'r'));
    } catch {
      return descriptors;
    }
  }
}

async function main(): Promise<void> {
  const listener = await TcpListener.listen({ host: '127.0.0.1' });
  const descriptors = useUpDescriptors();
  console.log(`listening ${listener.port}`);
  for (let i = 0; i < 3; i++) {
    const outcome = await listener.accept().then(
      () => 'accepted',
      (error: NodeJS.ErrnoException) => error.code,
    );
    console.log(`accept${i} ${outcome}`);
  }
  for (const descriptor of descriptors.slice(0, 5)) closeSync(descriptor);
  const socket = await listener.accept({ timeoutMs: 10_000 });
  await socket.send(Buffer.from('at last'));
  console.log(`sent ${(await socket.close()).sent}`);
  await listener.close();
  for (const descriptor of descriptors.slice(5)) closeSync(descriptor);
}

main();
