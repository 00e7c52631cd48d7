/** What is written: `size` characters or bytes of a pattern, in the form in which a program gives it. */
export interface Data {
  readonly form: 'text' | 'wide' | 'buffer' | 'bytes' | 'hex' | 'base64' | 'latin1' | 'utf16le';
  readonly size: number;
  readonly start: number;
}

/** What a program does with a socket; `wrong` is one of a list of calls that Node refuses. */
export type SocketAction =
  | { readonly act: 'write'; readonly data: Data; readonly callback: boolean }
  | { readonly act: 'burst'; readonly data: readonly Data[]; readonly corked: boolean }
  | { readonly act: 'end'; readonly data: Data | null; readonly callback: boolean }
  | { readonly act: 'destroy'; readonly error: boolean }
  | { readonly act: 'read'; readonly size: number | null }
  | { readonly act: 'setEncoding'; readonly encoding: BufferEncoding }
  | { readonly act: 'pipe'; readonly to: 'sink' | 'self' | string }
  | { readonly act: 'iterate'; readonly once: boolean }
  | { readonly act: 'idle'; readonly ms: number; readonly callback: boolean }
  | { readonly act: 'setTimeout'; readonly ms: number }
  | { readonly act: 'setNoDelay'; readonly on: boolean | undefined }
  | { readonly act: 'setKeepAlive'; readonly on: boolean | undefined; readonly ms: number | undefined }
  | { readonly act: 'unshift'; readonly data: Data }
  | { readonly act: 'wrong'; readonly which: number }
  | { readonly act: 'connect'; readonly to: ConnectTarget }
  | { readonly act: 'throw' }
  | { readonly act: PlainAction };

export const PLAIN_ACTIONS = [
  'destroySoon',
  'reset',
  'pause',
  'resume',
  'cork',
  'uncork',
  'onData',
  'offData',
  'onReadable',
  'offReadable',
  'onError',
  'unpipe',
  'ref',
  'unref',
  'address',
  'abort',
  'handOver',
] as const;
export type PlainAction = (typeof PLAIN_ACTIONS)[number];

export type ServerAction =
  | { readonly act: 'close'; readonly callback: boolean }
  | { readonly act: 'maxConnections'; readonly count: number }
  | { readonly act: 'wrongListen'; readonly which: number }
  | { readonly act: PlainServerAction };

export const PLAIN_SERVER_ACTIONS = [
  'getConnections',
  'address',
  'ref',
  'unref',
  'listenAgain',
  'conflict',
  'dispose',
  'abort',
  'destroyAll',
] as const;
export type PlainServerAction = (typeof PLAIN_SERVER_ACTIONS)[number];

/** Whether the action is done at once, or by a microtask or process.nextTick from there. */
export type When = 'now' | 'microtask' | 'tick';

/** Actions for one socket or the server, done in one go; what they bring about is awaited. */
export type Step =
  | { readonly who: string; readonly when: When; readonly does: readonly SocketAction[] }
  | { readonly who: 'server'; readonly when: When; readonly serves: readonly ServerAction[] }
  | { readonly who: string; readonly connects: Client };

/** Done at the first such event of the socket. */
export interface Reaction {
  readonly event: string;
  readonly when: When;
  readonly does: readonly SocketAction[];
}

export const SOCKET_EVENTS = [
  'lookup',
  'connectionAttempt',
  'connectionAttemptFailed',
  'connectionAttemptTimeout',
  'connect',
  'ready',
  'end',
  'drain',
  'finish',
  'timeout',
  'close',
] as const;

/** How what arrives is taken from the start. */
export type Taking = 'none' | 'data' | 'resume' | 'readable' | 'sink' | 'echo' | 'iterate';

export interface Behaviour {
  readonly taking: Taking;
  readonly errorListener: boolean;
  readonly reactions: readonly Reaction[];
}

export type ConnectTarget =
  | 'server'
  | 'refused'
  | 'missing path'
  | 'server, by a lookup'
  | 'server, by a late lookup'
  | 'a lookup that fails'
  | 'a lookup of no address'
  | 'the second of two addresses'
  | 'two refusing addresses'
  | 'from an address';

export interface Client extends Behaviour {
  readonly to: ConnectTarget;
  /** `net.connect`, or `new Socket` and its own `connect`. */
  readonly form: 'function' | 'options' | 'method' | 'positional method';
  /** When the listeners are put on: a program may do so after an `await`. */
  readonly listens: When;
  readonly allowHalfOpen: boolean;
  readonly highWaterMark: number | null;
  readonly signal: 'none' | 'live' | 'aborted';
  readonly noDelay: boolean;
  readonly keepAlive: boolean;
  /**
   * The caller's own buffer; the callback stops the reading after the first call where it is told to, and then the
   * buffer has room for one byte, since how many arrive together is chance.
   */
  readonly onread: { readonly bytes: number; readonly made: boolean; readonly stops: boolean } | null;
}

export type ListenForm = '(port, host)' | 'options' | '(port)' | 'exclusive' | 'ipv6' | 'backlog';

export interface Program {
  readonly seed: number;
  readonly transport: 'tcp' | 'path';
  /** Which ends are of the module under test; the other is always node:net's. */
  readonly ours: 'both' | 'client' | 'server';
  readonly listen: ListenForm;
  readonly server: {
    readonly allowHalfOpen: boolean;
    readonly pauseOnConnect: boolean;
    readonly noDelay: boolean;
    readonly keepAlive: boolean;
    readonly highWaterMark: number | null;
    readonly maxConnections: number | null;
    readonly signal: boolean;
  };
  readonly accepted: Behaviour;
  readonly steps: readonly Step[];
}
