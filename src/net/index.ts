import net from 'node:net';
import { connect } from './connect.js';
import { installOn } from './install.js';
import { createServer, Server } from './server.js';
import { Socket } from './socket.js';

installOn(Socket, Server);

export type { AddressInfo, SocketReadyState } from 'node:net';
export type { CloseResult, CloseSignal } from '../sockets/overlapped-socket.js';
export type { ConnectOptions } from './connect.js';
export type { ConnectionListener, ListenOptions, ServerOptions } from './server.js';
export type { SlowPeerOptions } from './slow-peers.js';
export type { SocketOptions } from './socket.js';
export { NetTimeoutError, type TimeoutDirection } from './timeout-error.js';
export type { TimeoutOptions } from './timeout-options.js';
export { connect, connect as createConnection, createServer, Server, Socket, Socket as Stream };

// Nothing of these touches a socket: they are Node's own.
export const {
  BlockList,
  SocketAddress,
  getDefaultAutoSelectFamily,
  getDefaultAutoSelectFamilyAttemptTimeout,
  isIP,
  isIPv4,
  isIPv6,
  setDefaultAutoSelectFamily,
  setDefaultAutoSelectFamilyAttemptTimeout,
} = net;

/** What `import net from 'overlapped/net'` gives. */
type NetModule = Omit<typeof net, 'Socket' | 'Stream' | 'Server' | 'connect' | 'createConnection' | 'createServer'> & {
  readonly Socket: typeof Socket;
  readonly Stream: typeof Socket;
  readonly Server: typeof Server;
  readonly connect: typeof connect;
  readonly createConnection: typeof connect;
  readonly createServer: typeof createServer;
};

const { _normalizeArgs, _setSimultaneousAccepts, _createServerHandle } = net as unknown as Record<string, unknown>;

const overlappedNet = {
  _createServerHandle,
  _normalizeArgs,
  _setSimultaneousAccepts,
  BlockList,
  SocketAddress,
  connect,
  createConnection: connect,
  createServer,
  isIP,
  isIPv4,
  isIPv6,
  Server,
  Socket,
  Stream: Socket,
  getDefaultAutoSelectFamily,
  setDefaultAutoSelectFamily,
  getDefaultAutoSelectFamilyAttemptTimeout,
  setDefaultAutoSelectFamilyAttemptTimeout,
} as unknown as NetModule;

/** As node:net has one. */
export default overlappedNet;
