import { createRequire } from 'node:module';
import { Duplex } from 'node:stream';
import type tls from 'node:tls';
import { StreamHandle } from './stream-handle.js';

type Wrap = { readonly _handle: object };
type WrapConstructor = new (stream: Duplex) => Wrap;

interface TlsInternals {
  _handle: { readonly _parentWrap: Wrap & { readonly constructor: WrapConstructor } };
  _wrapHandle(wrap: unknown, handle: unknown, busy: boolean): unknown;
}

let installed = false;
let StreamWrap: WrapConstructor | undefined;

/**
 * TLS reads a `net.Socket` past JavaScript, by libuv's handle. Ours has none: TLS takes it through the wrapper that
 * Node has for every other stream. Nothing changes for other sockets.
 */
export function installTlsInterop(): void {
  if (installed || process.versions.openssl === undefined) return;
  installed = true;
  const { TLSSocket } = createRequire(import.meta.url)('node:tls') as typeof tls;
  const prototype = TLSSocket.prototype as unknown as TlsInternals;
  const wrapHandle = prototype._wrapHandle;
  prototype._wrapHandle = function (this: TlsInternals, wrap, handle, busy) {
    if (!(handle instanceof StreamHandle)) return wrapHandle.call(this, wrap, handle, busy);
    StreamWrap ??= streamWrapper(TLSSocket);
    const socket = wrap as Duplex;
    const wrapped = new StreamWrap(socket);
    // The peer's FIN ends what TLS reads, and not what it has still to write. Set once TLS has asked for the old value.
    queueMicrotask(() => {
      socket.allowHalfOpen = true;
    });
    return wrapHandle.call(this, wrapped, wrapped._handle, busy);
  };
}

/** The class is nowhere to be had but on a TLS socket over a stream that is no socket. */
function streamWrapper(TLSSocket: typeof tls.TLSSocket): WrapConstructor {
  const stream = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  const probe = new TLSSocket(stream as unknown as tls.TLSSocket);
  const { constructor: found } = (probe as unknown as TlsInternals)._handle._parentWrap;
  probe.destroy();
  return found;
}
