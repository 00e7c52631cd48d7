import { channel } from 'node:diagnostics_channel';
import type net from 'node:net';
import { normalizeArguments } from './node-socket.js';
import { Socket, type SocketOptions } from './socket.js';
import type { TimeoutOptions } from './timeout-options.js';

const sockets = channel('net.client.socket');

export type ConnectOptions = net.NetConnectOpts & TimeoutOptions;

/** Connects, in every form that `net.connect` takes. Throws what it throws. */
export function connect(options: ConnectOptions, listener?: () => void): Socket;
export function connect(port: number, host?: string, listener?: () => void): Socket;
export function connect(port: number, listener?: () => void): Socket;
export function connect(path: string, listener?: () => void): Socket;
export function connect(...args: unknown[]): Socket {
  const normalized = normalizeArguments(args);
  const options = normalized[0] as SocketOptions & { timeout?: number };
  const socket = new Socket(options);
  if (sockets.hasSubscribers) sockets.publish({ socket });
  if (options.timeout) socket.setTimeout(options.timeout);
  return socket.connect(normalized as never);
}
