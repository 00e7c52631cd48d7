import { readFileSync } from 'node:fs';

/** ESTABLISHED in /proc/net/tcp (include/net/tcp_states.h). */
const ESTABLISHED = '01';

/**
 * The client's ports of IPv4 connections to `serverPort` on this machine whose client end Linux holds open; none where
 * there is no Linux. Under Wine that is the way to ask whether a client that is dead has closed its socket. The one
 * whose `send` is under way when its process is killed stays open in Wine's server for good (Wine 8.0, server/sock.c:
 * send_socket takes a reference that only the answer to the request gives back, and cancel_async passes over a request
 * that the client has been told to carry out). Nobody at its other end can hear of an end then; node:net under Wine
 * leaves the same behind.
 */
export function clientEndsLeftOpen(serverPort: number): Set<number> {
  const open = new Set<number>();
  for (const line of table().split('\n').slice(1)) {
    const [, local, remote, state] = line.trim().split(/\s+/);
    if (state === ESTABLISHED && portOf(remote) === serverPort) open.add(portOf(local));
  }
  return open;
}

function table(): string {
  try {
    return readFileSync('/proc/net/tcp', 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** Of `0100007F:A577`: an address in the machine's byte order, and the port. */
function portOf(end: string | undefined): number {
  return Number.parseInt(end?.split(':')[1] ?? '', 16);
}
