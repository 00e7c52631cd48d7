import net from 'node:net';

/**
 * What Node keeps to itself and a stream handle needs. A handle written in JavaScript takes the place of libuv's: it
 * talks to `net.Socket` by the same protocol, which has been the same since Node 10 and which tools rely on. Read
 * here, in one place, at the first use.
 */
export interface NodeInternals {
  /** Where a handle says what a read brought: the number of bytes, or the negated error number. */
  readonly streamState: Int32Array;
  readonly readResultAt: number;
  readonly arrayBufferOffsetAt: number;
  /** The key under which a handle knows its `net.Socket` or `net.Server`. */
  readonly ownerKey: symbol;
  /** The method of `net.Socket` that gives a socket another handle. */
  readonly reinitializeKey: symbol;
  /** libuv's own handles, for those that come from elsewhere. */
  readonly nativeTcp: abstract new (
    ...args: never[]
  ) => object;
}

interface StreamBinding {
  readonly streamBaseState: Int32Array;
  readonly kReadBytesOrError: number;
  readonly kArrayBufferOffset: number;
}

type Binding = (name: string) => unknown;

let internals: NodeInternals | undefined;

export function nodeInternals(): NodeInternals {
  internals ??= read();
  return internals;
}

function read(): NodeInternals {
  const binding = (process as unknown as { binding: Binding }).binding.bind(process);
  const stream = binding('stream_wrap') as StreamBinding;
  const tcp = binding('tcp_wrap') as { TCP: NodeInternals['nativeTcp'] };
  return {
    streamState: stream.streamBaseState,
    readResultAt: stream.kReadBytesOrError,
    arrayBufferOffsetAt: stream.kArrayBufferOffset,
    ownerKey: ownerKey(),
    reinitializeKey: symbolOf(net.Socket.prototype, 'kReinitializeHandle'),
    nativeTcp: tcp.TCP,
  };
}

/** The symbol is nowhere to be had but on a handle that a socket owns. */
function ownerKey(): symbol {
  const handle = { readStart: () => 0, readStop: () => 0, close: () => undefined };
  const probe = new net.Socket({ handle, manualStart: true } as net.SocketConstructorOpts);
  const key = symbolOf(handle, 'owner_symbol');
  probe.destroy();
  return key;
}

function symbolOf(object: object, description: string): symbol {
  const found = Object.getOwnPropertySymbols(object).find((symbol) => symbol.description === description);
  if (found === undefined) throw new Error(`This version of Node has no ${description}: ${process.version}`);
  return found;
}
