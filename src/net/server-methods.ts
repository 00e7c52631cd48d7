import { channel } from 'node:diagnostics_channel';
import type net from 'node:net';
import type { SocketAddress } from '../port/address.js';
import { numericAddress } from '../sockets/resolve-address.js';
import { carrier } from './carrier.js';
import { ListenHandle, type ListenHandleOptions, listenHandleKey } from './listen-handle.js';
import { type ListenArguments, type NodeServer, type NodeSocket, nodeServerMethods as node } from './node-socket.js';
import { extrasKey } from './server-extras.js';
import type { StreamHandle } from './stream-handle.js';
import { type AddressFields, TcpHandle } from './tcp-handle.js';
import { errnoException } from './uv-errors.js';

const IPV6_ONLY_FLAG = 1;

/** Makes the `Socket` of an accepted connection. */
export type SocketConstructor = new (options: net.SocketConstructorOpts) => net.Socket;

const connections = channel('net.server.socket');

/** The methods of `net.Server` that differ; `Socket` is what its connections are. */
export function serverMethods(Socket: SocketConstructor) {
  return {
    /** Node calls this once it knows where to listen; a handle from elsewhere (cluster, a descriptor) stays what it is. */
    _listen2(this: NodeServer, ...args: ListenArguments): void {
      const [address, port, addressType, backlog, fd, flags] = args;
      if (this._handle || typeof fd === 'number') return node._listen2.apply(this, args);
      const extras = this[extrasKey];
      const ipv6Only = ((flags ?? 0) & IPV6_ONLY_FLAG) !== 0;
      const options = { ipv6Only, reusePort: extras?.reusePort ?? false };
      const { handle, name, type } = openListener(address, port ?? 0, addressType, options);
      if (extras !== undefined) extras.listening(this, handle);
      handle.accepted = (status, connection) => accepted(this, Socket, status, connection);
      handle.released = () => released(this, handle);
      this[listenHandleKey] = handle;
      this._handle = handle;
      node._listen2.call(this, name, port, type, backlog, fd, flags);
    },

    /** 'close' means that nobody can connect any more, and a proactor lets go of an address a little later. */
    _emitCloseIfDrained(this: NodeServer): void {
      const handle = this[listenHandleKey];
      if (handle?.isClosing) handle.closesAwaited++;
      else node._emitCloseIfDrained.call(this);
    },
  };
}

function released(server: NodeServer, handle: ListenHandle): void {
  for (; handle.closesAwaited > 0; handle.closesAwaited--) {
    // A server that listens again by now has closed all the same.
    if (server._handle === null) server._emitCloseIfDrained();
    else if (server._connections === 0) process.nextTick(() => server.emit('close'));
  }
}

interface OpenListener {
  readonly handle: ListenHandle;
  readonly name: string | null;
  readonly type: number | null;
}

/** Without an address: every one, IPv6 and IPv4 alike, or IPv4 alone where there is no IPv6. */
function openListener(
  address: string | null,
  port: number,
  addressType: number | null,
  options: ListenHandleOptions,
): OpenListener {
  const proactor = carrier();
  const open = (end: SocketAddress) => new ListenHandle(proactor, end, options);
  if (port === -1 && addressType === -1) {
    return { handle: open({ family: 'unix', address: address ?? '', port: 0 }), name: address, type: addressType };
  }
  if (address) {
    const end = numericAddress(address, port) ?? { family: 'IPv4', address, port };
    return { handle: open(end), name: address, type: addressType };
  }
  const handle = open({ family: 'IPv6', address: '::', port });
  if (handle.bindStatus === 0) return { handle, name: '::', type: 6 };
  handle.close();
  return { handle: open({ family: 'IPv4', address: '0.0.0.0', port }), name: '0.0.0.0', type: 4 };
}

function accepted(server: NodeServer, Socket: SocketConstructor, status: number, handle?: StreamHandle): void {
  if (handle === undefined) {
    server.emit('error', errnoException(status, 'accept'));
    return;
  }
  const extras = server[extrasKey];
  if (extras?.blocks(handle)) return handle.close();
  if (server.maxConnections && server._connections >= server.maxConnections) return drop(server, handle);
  if (extras?.timeouts !== undefined) handle.timeouts = extras.timeouts;
  const socket = new Socket({
    handle,
    allowHalfOpen: server.allowHalfOpen,
    pauseOnCreate: server.pauseOnConnect,
    readable: true,
    writable: true,
    readableHighWaterMark: server.highWaterMark,
    writableHighWaterMark: server.highWaterMark,
    ...extras?.timeouts,
  } as net.SocketConstructorOpts) as NodeSocket;
  if (handle instanceof TcpHandle) {
    if (server.noDelay) socket.setNoDelay(true);
    if (server.keepAlive) socket.setKeepAlive(true, server.keepAliveInitialDelay * 1000);
  }
  server._connections++;
  socket.server = server;
  socket._server = server;
  extras?.slowPeers?.watch(socket);
  server.emit('connection', socket);
  if (connections.hasSubscribers) connections.publish({ socket });
}

/** More connections than `maxConnections`: the server says so and closes. */
function drop(server: NodeServer, handle: StreamHandle): void {
  if (handle instanceof TcpHandle) {
    const local: AddressFields = {};
    const remote: AddressFields = {};
    handle.getsockname(local);
    handle.getpeername(remote);
    server.emit('drop', {
      localAddress: local.address,
      localPort: local.port,
      localFamily: local.family,
      remoteAddress: remote.address,
      remotePort: remote.port,
      remoteFamily: remote.family,
    });
  } else server.emit('drop');
  handle.close();
}
