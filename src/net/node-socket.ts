import net from 'node:net';
import type { ListenHandle, listenHandleKey } from './listen-handle.js';
import type { extrasKey, ServerExtras } from './server-extras.js';
import type { StreamHandle } from './stream-handle.js';
import type { StreamTimeouts, timeoutsKey } from './timeout-options.js';

/** `net.Socket` with the fields and methods of it that Node does not document and all its handles rely on. */
export interface NodeSocket extends net.Socket {
  connecting: boolean;
  _handle: StreamHandle | null;
  [timeoutsKey]?: StreamTimeouts;
  _sockname: unknown;
  _peername: unknown;
  _parent: NodeSocket | null;
  _pendingData: unknown;
  _pendingEncoding: string;
  server: net.Server | null;
  _server: NodeServer | null;
  _unrefTimer(): void;
  _onTimeout(): void;
  _reset(): unknown;
  _read(size: number): void;
  _final(callback: (error?: Error | null) => void): void;
  _writeGeneric(
    writev: boolean,
    data: unknown,
    encoding: BufferEncoding,
    callback: (error?: Error | null) => void,
  ): unknown;
}

/** `net.Server`, likewise. */
export interface NodeServer extends net.Server {
  _handle: ListenHandle | object | null;
  _connections: number;
  [extrasKey]?: ServerExtras;
  [listenHandleKey]?: ListenHandle;
  _emitCloseIfDrained(): void;
  _pipeName: string | undefined;
  _listen2(...args: ListenArguments): void;
  allowHalfOpen: boolean;
  pauseOnConnect: boolean;
  noDelay: boolean;
  keepAlive: boolean;
  keepAliveInitialDelay: number;
  highWaterMark: number;
}

export type ListenArguments = [
  address: string | null,
  port: number | null,
  addressType: number | null,
  backlog: number | undefined,
  fd: number | undefined,
  flags: number | undefined,
];

/** Arguments of `connect` and `listen` in the one form that Node gives all of them. */
export function normalizeArguments(args: readonly unknown[]): [options: Record<string, unknown>, callback: unknown] {
  return (
    net as unknown as { _normalizeArgs(args: readonly unknown[]): [Record<string, unknown>, unknown] }
  )._normalizeArgs(args);
}

type Methods = Record<string | symbol, (this: never, ...args: never[]) => unknown>;

/** Node's own methods, kept from before any of them is replaced: what is no handle of ours goes to them. */
export const nodeSocketMethods = { ...methodsOf(net.Socket.prototype) } as unknown as NodeSocket;
export const nodeServerMethods = { ...methodsOf(net.Server.prototype) } as unknown as NodeServer;

function methodsOf(prototype: object): Methods {
  const methods: Methods = {};
  for (const key of Reflect.ownKeys(prototype)) {
    const { value } = Object.getOwnPropertyDescriptor(prototype, key) ?? {};
    if (typeof value === 'function') methods[key] = value;
  }
  return methods;
}
