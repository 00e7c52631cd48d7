import type { OpenStack } from '../../bsd/open-stack.js';
import { nowMs } from '../clock.js';
import type { PeerEvent } from '../peer-protocol.js';
import type { OpenPeer } from '../peer-transport.js';
import type { ReportPeerEvent } from './peer-place.js';
import { PeerCannot } from './stack-error.js';
import { StackPeer } from './stack-peer.js';

/**
 * Peers on an open stack, in this thread. `abort` ends a connection with a RST, where SO_LINGER {1,0} does not; null
 * where nothing does. The stack stays the caller's, and is closed after the peers.
 */
export function openStackPeer(open: OpenStack, abort: ((descriptor: number) => void) | null = null): OpenPeer {
  const makeReset = resetter(open, abort);
  return (hearer) => {
    const report: ReportPeerEvent = (kind, connection, more) => {
      const atMs = nowMs();
      const event: PeerEvent = { kind, atMs, connection, bytes: 0, code: '', sinceMs: atMs, remotePort: 0, ...more };
      hearer.message({ event });
    };
    const peer = new StackPeer(open, report, makeReset);
    return {
      post: ({ id, command }) => {
        const answer = async () => peer.run(command);
        answer().then(
          (value) => hearer.message({ id, value }),
          (error: NodeJS.ErrnoException) => {
            const { message } = error;
            if (error instanceof PeerCannot) hearer.message({ id, cannot: message });
            else hearer.message({ id, error: message, code: error.code ?? error.name });
          },
        );
      },
      goOn: () => peer.goOn(),
      terminate: async () => peer.close(),
    };
  };
}

function resetter({ stack, profile }: OpenStack, abort: ((descriptor: number) => void) | null) {
  return (descriptor: number): void => {
    if (abort !== null) return abort(descriptor);
    if (profile.quirks.lingerZeroNoRst) throw new PeerCannot('SO_LINGER {1,0} sends no RST here (lingerZeroNoRst)');
    const failed = stack.lingerZero(descriptor);
    if (failed < 0) throw new PeerCannot(`the peer cannot send a RST: SO_LINGER says ${stack.errors.name(-failed)}`);
  };
}
