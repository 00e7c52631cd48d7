import { WRITABLE } from '../../bsd/notifier.js';
import type { SocketAddress } from '../../port/address.js';
import { type PeerPlace, uninterrupted } from './peer-place.js';
import { stackError } from './stack-error.js';

/**
 * Connects a socket of the peer's. Gives its descriptor, or fails as the stack says it has; then it is closed. While it
 * is under way, what gives it up is in `underWay`.
 */
export function connectPeer(place: PeerPlace, to: SocketAddress, underWay: Set<() => void>): Promise<number> {
  const { stack, loop } = place;
  const descriptor = stack.socket(to.family, 'stream', true);
  if (descriptor < 0) throw stackError(stack, 'socket', descriptor);
  const begun = uninterrupted(stack, () => stack.connect(descriptor, to));
  return new Promise((resolve, reject) => {
    let key = 0;
    const giveUp = () => {
      loop.remove(descriptor, key);
      stack.close(descriptor);
    };
    const finish = (failed: number) => {
      underWay.delete(giveUp);
      if (key !== 0) loop.remove(descriptor, key);
      if (failed === 0) return resolve(descriptor);
      stack.close(descriptor);
      reject(stackError(stack, 'connect', failed));
    };
    if (begun >= 0) return finish(0);
    if (begun !== -stack.inProgress) return finish(begun);
    underWay.add(giveUp);
    key = loop.add(descriptor, (report) => {
      const error = stack.takeError(descriptor);
      if (error !== 0) return finish(-Math.abs(error));
      if ((report & WRITABLE) !== 0 && stack.remoteAddress(descriptor) !== null) return finish(0);
      loop.want(descriptor, false, true);
    });
  });
}
