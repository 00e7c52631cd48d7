import { createSocket, type Socket } from 'node:dgram';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * What the platform itself cannot do, found out with node:dgram, which has nothing to do with ours: a test that needs
 * it says why it is skipped. Each gives the reason, or false where the platform can; only Wine is known to have one.
 */

const PATIENCE_MS = 1000;

function bound(port = 0, host = '127.0.0.1'): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', reject);
    socket.bind(port, host, () => {
      socket.removeListener('error', reject);
      resolve(socket);
    });
  });
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.close(() => resolve()));
}

/** 192.0.2.0/24 is for documentation (RFC 5737): no machine has an address of it. */
export async function bindsAnyAddress(): Promise<string | false> {
  const socket = await bound(0, '192.0.2.250').catch(() => null);
  if (socket === null) return false;
  await closed(socket);
  return 'Wine 8 binds a datagram socket to 0.0.0.0 where no interface has the address (server/sock.c, bind_to_interface)';
}

/** Whether a connected socket that was told of an unreachable peer never receives again. */
export async function deafAfterRefusal(): Promise<string | false> {
  const dead = await bound();
  const { port } = dead.address();
  await closed(dead);
  const socket = await bound();
  await new Promise<void>((resolve) => socket.connect(port, '127.0.0.1', resolve));
  const refused = new Promise<void>((resolve) => socket.once('error', () => resolve()));
  socket.on('error', () => undefined);
  socket.send('x');
  await Promise.race([refused, delay(PATIENCE_MS)]);
  const heard = new Promise<boolean>((resolve) => socket.once('message', () => resolve(true)));
  const peer = await bound(port);
  peer.send('back', socket.address().port, '127.0.0.1');
  const hears = await Promise.race([heard, delay(PATIENCE_MS, false)]);
  await Promise.all([closed(peer), closed(socket)]);
  if (hears) return false;
  return 'Wine 8 polls a socket no more once it has had an error (server/sock.c: sock_poll_event sets `aborted`)';
}
