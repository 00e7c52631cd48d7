import type { ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { ListenHandle } from './listen-handle.js';
import { StreamHandle } from './stream-handle.js';

/** What has a channel to another process: a child, or this process where it is one. */
interface Channel {
  _send?: (this: unknown, message: unknown, handle: unknown, ...rest: unknown[]) => unknown;
}

const MESSAGE =
  'This handle type cannot be sent: a socket of overlapped/net stays in its process. ' +
  'Let each worker listen for itself with reusePort (docs/examples/cluster-reuse-port.mjs)';

let installed = false;

/**
 * Node would hand the object to native code that takes every handle for one of libuv's, and the process would end with
 * a segmentation fault. Instead `send` throws what it throws for other things that cannot be sent.
 */
export function refuseHandlePassing(): void {
  if (installed) return;
  installed = true;
  const child = createRequire(import.meta.url)('node:child_process') as { ChildProcess: { prototype: ChildProcess } };
  const prototype = child.ChildProcess.prototype as unknown as Record<'spawn', (...args: unknown[]) => unknown>;
  const { spawn } = prototype;
  prototype.spawn = function (this: Channel, ...args) {
    const result = spawn.apply(this, args);
    guard(this);
    return result;
  };
  guard(process as unknown as Channel);
}

function guard(channel: Channel): void {
  const send = channel._send;
  if (send === undefined) return;
  channel._send = function (message, handle, ...rest) {
    const carried = (handle as { readonly _handle?: unknown } | null | undefined)?._handle;
    if (carried instanceof StreamHandle || carried instanceof ListenHandle) {
      throw Object.assign(new TypeError(MESSAGE), { code: 'ERR_INVALID_HANDLE_TYPE' });
    }
    return send.call(this, message, handle, ...rest);
  };
}
