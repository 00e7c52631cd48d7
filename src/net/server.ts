import net from 'node:net';
import { callable } from './callable.js';
import { type NodeServer, normalizeArguments } from './node-socket.js';
import { extrasKey, type ServerExtraOptions, ServerExtras } from './server-extras.js';
import type { Socket } from './socket.js';

export type ServerOptions = net.ServerOpts & ServerExtraOptions;
export type ConnectionListener = (socket: Socket) => void;

/** Node's options of `listen`, and `reusePort` as later versions of Node have it. */
export type ListenOptions = net.ListenOptions & { readonly reusePort?: boolean | undefined };

class OverlappedNetServer extends net.Server {
  constructor(listener?: ConnectionListener);
  constructor(options?: ServerOptions, listener?: ConnectionListener);
  constructor(options?: ServerOptions | ConnectionListener, listener?: ConnectionListener) {
    super(options as net.ServerOpts, listener as ((socket: net.Socket) => void) | undefined);
    if (typeof options === 'object' && options !== null) {
      (this as unknown as NodeServer)[extrasKey] = new ServerExtras(options);
    }
  }

  /** Listens, in every form that Node's `listen` takes. */
  override listen(...args: unknown[]): this {
    const { reusePort } = normalizeArguments(args)[0];
    const self = this as unknown as NodeServer;
    if (reusePort !== undefined) {
      self[extrasKey] ??= new ServerExtras({});
      self[extrasKey].reusePort = Boolean(reusePort);
    }
    return super.listen(...(args as []));
  }
}

/** `net.Server` on a proactor: all that Node's has, with timeouts and a guard against slow peers. */
export const Server = callable('Server', OverlappedNetServer, net.Server as unknown as (this: object) => unknown);
export type Server = OverlappedNetServer;

/** A server. Throws what `net.createServer` throws, and TypeError and RangeError for the options of our own. */
export function createServer(listener?: ConnectionListener): Server;
export function createServer(options?: ServerOptions, listener?: ConnectionListener): Server;
export function createServer(options?: ServerOptions | ConnectionListener, listener?: ConnectionListener): Server {
  return new Server(options as ServerOptions, listener);
}
