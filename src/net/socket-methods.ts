import { carrier } from './carrier.js';
import { nodeInternals } from './node-internals.js';
import { type NodeSocket, nodeSocketMethods as node, normalizeArguments } from './node-socket.js';
import { PipeHandle } from './pipe-handle.js';
import { StreamHandle } from './stream-handle.js';
import { TcpHandle } from './tcp-handle.js';
import { streamTimeouts, timeoutsKey } from './timeout-options.js';
import { errnoException, uvNumber } from './uv-errors.js';

type Callback = (error?: Error | null) => void;
type Chunk = string | Uint8Array | { readonly chunk: string | Uint8Array; readonly encoding: BufferEncoding };

/** Bytes of the write in progress that had not gone when they were last looked at. */
const unsentKey = Symbol('unsent bytes');
type WritingSocket = NodeSocket & { [unsentKey]?: number };

/** Buffers that one send may gather; more are joined first. */
const MAX_GATHER = 1024;

/**
 * The methods of `net.Socket` that differ where the handle is a proactor's. Each leaves every other handle (a pipe of
 * a child process, a TLS connection) to Node's own.
 */
export const socketMethods = {
  connect(this: NodeSocket, ...args: unknown[]): NodeSocket {
    const given = args[0];
    const normalized = Array.isArray(given) ? given : normalizeArguments(args);
    const { port, path } = normalized[0] as { port?: unknown; path?: unknown };
    const nowhere = port === undefined && (path === undefined || path === null);
    if (!nowhere && !this._parent?.connecting && (this._handle === null || this.destroyed)) {
      const handle = path ? new PipeHandle(carrier(), null) : new TcpHandle(carrier(), null);
      const timeouts = streamTimeouts(normalized[0]);
      if (timeouts !== null) this[timeoutsKey] = timeouts;
      this._handle = null;
      this._peername = null;
      reinitialize(this, handle);
    }
    return (node.connect as unknown as (...all: unknown[]) => NodeSocket).call(this, normalized);
  },

  /** A write that makes progress puts off the idle timeout, as libuv's does. */
  _onTimeout(this: WritingSocket): void {
    const handle = this._handle;
    const unsent = handle instanceof StreamHandle ? handle.writeQueueSize : 0;
    if (unsent === 0 || unsent === this[unsentKey]) return node._onTimeout.call(this);
    this[unsentKey] = unsent;
    this._unrefTimer();
  },

  _writeGeneric(this: WritingSocket, writev: boolean, data: unknown, encoding: BufferEncoding, callback: Callback) {
    const handle = this._handle;
    if (this.connecting || !(handle instanceof StreamHandle)) {
      return node._writeGeneric.call(this, writev, data, encoding, callback);
    }
    this._pendingData = null;
    this._pendingEncoding = '';
    this._unrefTimer();
    let bytes: number;
    if (writev) {
      const buffers = (data as Chunk[]).map((each) => bytesOf(each));
      bytes = buffers.reduce((sum, each) => sum + each.length, 0);
      handle.write(buffers.length > MAX_GATHER ? Buffer.concat(buffers, bytes) : buffers, bytes, callback);
    } else {
      const buffer = typeof data === 'string' ? Buffer.from(data, encoding) : (data as Uint8Array);
      bytes = buffer.length;
      handle.write(buffer, bytes, callback);
    }
    if (handle.writeQueueSize > 0) this[unsentKey] = bytes;
    return undefined;
  },

  _final(this: NodeSocket, callback: Callback): unknown {
    const handle = this._handle;
    if (this.pending || !(handle instanceof StreamHandle)) return node._final.call(this, callback);
    const failed = handle.shutdownSend(callback);
    if (failed === 0) return undefined;
    return callback(failed === uvNumber('ENOTCONN') ? null : errnoException(failed, 'shutdown'));
  },

  resetAndDestroy(this: NodeSocket): NodeSocket {
    if (!(this._handle instanceof TcpHandle)) return node.resetAndDestroy.call(this) as NodeSocket;
    if (this.connecting) this.once('connect', () => this._reset());
    else this._reset();
    return this;
  },
};

/** Node makes a handle of its own for the second and further addresses that a connect tries; it gets one of ours. */
export function reinitializeHandle(this: NodeSocket, handle: object): void {
  const ours = this._handle instanceof StreamHandle && handle instanceof nodeInternals().nativeTcp;
  if (ours) (handle as unknown as { close(): void }).close();
  reinitialize(this, ours ? new TcpHandle(carrier(), null) : handle);
}

function reinitialize(socket: NodeSocket, handle: object): void {
  const timeouts = socket[timeoutsKey];
  if (timeouts !== undefined && handle instanceof StreamHandle) handle.timeouts = timeouts;
  const methods = node as unknown as Record<symbol, (this: NodeSocket, handle: object) => void>;
  methods[nodeInternals().reinitializeKey]?.call(socket, handle);
}

function bytesOf(chunk: Chunk): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk === 'string') return Buffer.from(chunk);
  return typeof chunk.chunk === 'string' ? Buffer.from(chunk.chunk, chunk.encoding) : chunk.chunk;
}
