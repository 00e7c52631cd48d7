import { POLLIN } from '../../../bsd/waiting/waiter.js';
import { nowMs, waitMs } from '../../clock.js';
import { settled } from '../../expectations.js';
import { Peer } from '../../peer.js';
import type { PeerEvent } from '../../peer-protocol.js';
import { addressOf } from '../../stack-peer/peer-place.js';
import type { StackTrial } from './limit.js';

const LOOPBACK = '127.0.0.1';

/** An ICMP message crosses the loopback in microseconds. */
const PATIENCE_MS = 200;
const LOOK_MS = 2;

/** SO_LINGER {1,0} makes no RST of a close where everything sent was acknowledged: what probing has found. */
export function lingersWithoutReset({ findings }: StackTrial): boolean {
  return findings.some(({ flag, value }) => flag === 'lingerZeroNoRst' && value === true);
}

/** The stack's recv reads a RST as an end. Not known to, where none can be sent. */
export async function readsResetAsEnd({ openPeer }: StackTrial): Promise<boolean> {
  const peer = new Peer(openPeer);
  try {
    const server = await peer.listen();
    const near = await peer.connect(server.port);
    const isFar = ({ kind, connection }: PeerEvent) => kind === 'connected' && connection !== near.number;
    await peer.until('the trial connects', (events) => events.some(isFar));
    const connection = peer.events.find(isFar)?.connection ?? -1;
    const reset = await settled(peer.request({ verb: 'reset', connection }));
    return !('error' in reset) && (await near.ending()) === 'FIN';
  } finally {
    await peer.terminate();
  }
}

/** A connected datagram socket that is waited for does not hear that nobody is where it sends to. */
export async function hearsNoRefusal({ open: { stack, waiter } }: StackTrial): Promise<boolean> {
  const dead = stack.socket('IPv4', 'datagram', true);
  const socket = stack.socket('IPv4', 'datagram', true);
  for (const descriptor of [dead, socket]) stack.bind(descriptor, addressOf(LOOPBACK, 0));
  const nobody = stack.localAddress(dead);
  stack.close(dead);
  const batch = stack.createBatch(1, 16);
  batch.add(Buffer.from('x'));
  const entries = {
    descriptors: Int32Array.of(socket),
    events: Uint16Array.of(POLLIN),
    revents: new Uint16Array(1),
    count: 1,
  };
  try {
    if (nobody === null || stack.connect(socket, nobody) < 0 || stack.sendBatch(socket, batch, 0) < 0) return false;
    for (const untilMs = nowMs() + PATIENCE_MS; nowMs() < untilMs; await waitMs(LOOK_MS)) {
      if (waiter.poll(entries, 0) === 0) continue;
      batch.clear();
      if (stack.recvBatch(socket, batch) !== -stack.again) return false;
    }
    return true;
  } finally {
    stack.close(socket);
  }
}
