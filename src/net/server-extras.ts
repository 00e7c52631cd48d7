import type net from 'node:net';
import { InvalidArgumentError } from '../port/errors.js';
import { checkTimeout } from '../sockets/arguments.js';
import type { ListenHandle } from './listen-handle.js';
import { type SlowPeerOptions, SlowPeers } from './slow-peers.js';
import type { StreamHandle } from './stream-handle.js';
import { type AddressFields, TcpHandle } from './tcp-handle.js';
import { NetTimeoutError } from './timeout-error.js';
import { type StreamTimeouts, streamTimeouts, type TimeoutOptions } from './timeout-options.js';

/** What a server of `overlapped/net` takes beside Node's own options. */
export interface ServerExtraOptions extends TimeoutOptions {
  /** 'operationTimeout' where nobody has connected for so long; the server goes on. */
  readonly acceptTimeoutMs?: number | undefined;
  /** Ends connections whose peer is too slow. Off unless given. */
  readonly slowPeers?: SlowPeerOptions | undefined;
  /** Connections from these addresses are closed at once. */
  readonly blockList?: net.BlockList | undefined;
}

/** Where a server keeps what is beside Node's own. */
export const extrasKey = Symbol('extras');

export class ServerExtras {
  readonly timeouts: StreamTimeouts | undefined;
  readonly slowPeers: SlowPeers | undefined;
  reusePort = false;
  readonly #acceptTimeoutMs: number;
  readonly #blockList: net.BlockList | undefined;

  constructor(options: ServerExtraOptions) {
    this.timeouts = streamTimeouts(options) ?? undefined;
    this.slowPeers = options.slowPeers === undefined ? undefined : new SlowPeers(options.slowPeers);
    this.#acceptTimeoutMs = checkTimeout(options.acceptTimeoutMs, Number.POSITIVE_INFINITY);
    this.#blockList = options.blockList;
    if (options.blockList !== undefined && typeof options.blockList?.check !== 'function') {
      throw new InvalidArgumentError('The "options.blockList" property must be an instance of net.BlockList');
    }
  }

  listening(server: net.Server, handle: ListenHandle): void {
    handle.acceptTimeoutMs = this.#acceptTimeoutMs;
    handle.timedOut = () => server.emit('operationTimeout', new NetTimeoutError('accept', this.#acceptTimeoutMs, 0));
  }

  blocks(handle: StreamHandle): boolean {
    if (this.#blockList === undefined || !(handle instanceof TcpHandle)) return false;
    const peer: AddressFields = {};
    if (handle.getpeername(peer) !== 0 || peer.address === undefined) return false;
    return this.#blockList.check(peer.address, peer.family === 'IPv6' ? 'ipv6' : 'ipv4');
  }
}
