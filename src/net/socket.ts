import net from 'node:net';
import type { OperationOptions } from '../sockets/arguments.js';
import type { CloseResult } from '../sockets/overlapped-socket.js';
import { callable } from './callable.js';
import type { NodeSocket } from './node-socket.js';
import { recvOnce, sendOnce } from './per-call.js';
import { StreamHandle } from './stream-handle.js';
import { streamTimeouts, type TimeoutOptions, timeoutsKey } from './timeout-options.js';

export type SocketOptions = net.SocketConstructorOpts & TimeoutOptions;

const closedHandle = Symbol('closedHandle');

/** What a socket carries for us. Plain properties: an object may become a socket by `Socket.call`. */
interface Carried {
  [closedHandle]?: StreamHandle;
}

class OverlappedNetSocket extends net.Socket {
  constructor(options?: SocketOptions) {
    super(options);
    const timeouts = streamTimeouts(options);
    if (timeouts !== null) this.setTimeouts(timeouts);
  }

  /** Timeouts of the operations from the next one on. Throws TypeError and RangeError. */
  setTimeouts(timeouts: TimeoutOptions): this {
    const socket = this as unknown as NodeSocket;
    const checked = streamTimeouts({ ...socket[timeoutsKey], ...timeouts });
    if (checked === null) return this;
    socket[timeoutsKey] = checked;
    if (socket._handle instanceof StreamHandle) socket._handle.timeouts = checked;
    return this;
  }

  /** What the close sent, from 'close' on; null before. */
  get closeResult(): CloseResult | null {
    return (this as Carried)[closedHandle]?.closeResult ?? null;
  }

  /**
   * Takes what has arrived, or waits for it: one chunk, or null at the end of the stream. Beside the stream's own
   * interface, for a socket that is neither piped nor has a 'data' listener. Rejects with ETIMEDOUT, with the abort's
   * error, or with what destroyed the socket; what arrives later is for the next call.
   */
  recv(options: OperationOptions = {}): Promise<Buffer | null> {
    return recvOnce(this, options);
  }

  /**
   * Sends after all that was written before; resolves with the number of bytes once the system has taken them. A
   * timeout's error says in `bytesTransferred` how many went, and the stream goes on after those.
   */
  send(data: Uint8Array | string, options: OperationOptions = {}): Promise<number> {
    return sendOnce(this, data, options);
  }

  /** Resets the connection: the peer sees a RST. Resolves once it is closed, with what the close sent. */
  abort(): Promise<CloseResult | null> {
    return new Promise((resolve) => {
      if (this.closed) return resolve(this.closeResult);
      this.once('close', () => resolve(this.closeResult));
      const handle = (this as unknown as NodeSocket)._handle;
      if (this.destroyed) return;
      if (this.connecting || handle === null || handle.closesWithoutReset) this.destroy();
      else this.resetAndDestroy();
    });
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const handle = (this as unknown as NodeSocket)._handle;
    if (handle instanceof StreamHandle) (this as Carried)[closedHandle] = handle;
    super._destroy(error, callback);
  }
}

/**
 * `net.Socket` on a proactor: a `stream.Duplex` with all that Node's has, and with timeouts of its operations. An
 * operation that runs out of time is told as `'operationTimeout'`, with a `NetTimeoutError`; where nobody listens the
 * socket is destroyed with it. A receive or a write goes on after the event, and no byte is lost.
 */
export const Socket = callable('Socket', OverlappedNetSocket, net.Socket as unknown as (this: object) => unknown);
export type Socket = OverlappedNetSocket;
