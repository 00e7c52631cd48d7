import { connect } from 'node:net';
import type { OpenStack } from '../../bsd/open-stack.js';
import { openProactor } from '../../sockets/default-proactor.js';
import { TcpListener } from '../../sockets/tcp-listener.js';

const PATIENCE_MS = 1000;

/** Whether node:net can reach the stack's 127.0.0.1. Where it cannot, the stack has a loopback of its own. */
export async function isReachable(stack: OpenStack): Promise<boolean> {
  const proactor = openProactor({ stack });
  try {
    const listener = await TcpListener.listen({ host: '127.0.0.1', proactor });
    const accepting = listener.accept({ timeoutMs: PATIENCE_MS });
    const socket = connect({ host: '127.0.0.1', port: listener.port });
    socket.on('error', () => undefined);
    const accepted = await accepting.catch(() => null);
    socket.destroy();
    await accepted?.abort();
    await listener.close();
    return accepted !== null;
  } finally {
    proactor.destroy();
  }
}
