import type { Actor } from './actor.js';
import { chunkOf } from './data.js';
import type { Data, SocketAction } from './program.js';

const MUCH = 2000;

type Loose = Record<string, (...args: unknown[]) => unknown>;

/** Calls that Node refuses, or takes in a way of its own. */
export const WRONG_CALLS: readonly (readonly [method: string, ...args: unknown[]])[] = [
  ['write', null],
  ['write', 1],
  ['write', undefined],
  ['write', { length: 1 }],
  ['write', ''],
  ['write', Buffer.alloc(0)],
  ['write', 'x', 'no such encoding'],
  ['write', 'x', 'utf8', 7],
  ['end', 1],
  ['end', null],
  ['end', 'x', 'no such encoding'],
  ['setEncoding', 'no such encoding'],
  ['setDefaultEncoding', 'no such encoding'],
  ['setTimeout', 'a'],
  ['setTimeout', -1],
  ['setTimeout', 1000, 'a'],
  ['setTimeout'],
  ['setKeepAlive'],
  ['setKeepAlive', 'yes', 'a'],
  ['setNoDelay', null],
  ['connect'],
  ['connect', {}],
  ['connect', { port: 70_000 }],
  ['connect', { port: -1 }],
  ['connect', { port: 'a' }],
  ['connect', { port: 1, localAddress: 'nowhere' }],
  ['connect', { path: 1 }],
  ['read', -1],
  ['read', 'a'],
  ['pipe', null],
  ['on', 'data', 1],
  ['unshift', null],
  ['destroy', 'not an error'],
  ['cork', 1],
  ['uncork', 1],
  ['resume', 1],
];

/** Does it, and gives what is to be noted; a socket that gives itself back is `itself`. */
export function actOnSocket(actor: Actor, action: SocketAction): unknown {
  const { socket } = actor;
  switch (action.act) {
    case 'write':
      return write(actor, action.data, action.callback);
    case 'burst': {
      if (action.corked) socket.cork();
      const gave = action.data.map((data) => write(actor, data, false));
      if (action.corked) socket.uncork();
      return gave.join();
    }
    case 'end':
      return end(actor, action.data, action.callback);
    case 'destroy':
      return socket.destroy(action.error ? new Error(`given by ${actor.name}`) : undefined);
    case 'read':
      return read(actor, action.size);
    case 'setEncoding':
      return socket.setEncoding(action.encoding);
    case 'pipe':
      return pipe(actor, action.to);
    case 'iterate':
      return void actor.iterate(action.once);
    case 'idle':
      socket.setTimeout(action.ms, ...(action.callback ? [() => actor.note('timeout callback')] : []));
      return actor.expectIdle(action.ms);
    case 'setTimeout':
      return socket.setTimeout(action.ms);
    case 'setNoDelay':
      return socket.setNoDelay(action.on);
    case 'setKeepAlive':
      return socket.setKeepAlive(action.on, action.ms);
    case 'unshift':
      return socket.unshift(Buffer.from(chunkOf(action.data).chunk as string));
    case 'wrong':
      return wrong(actor, action.which);
    case 'connect':
      return actor.world.connectAgain(actor, action.to);
    case 'throw':
      throw new Error('Not an action of the socket');
    default:
      return plain(actor, action.act);
  }
}

function plain(actor: Actor, act: Extract<SocketAction, { act: string }>['act']): unknown {
  const { socket } = actor;
  switch (act) {
    case 'destroySoon':
      return socket.destroySoon() ?? 'nothing';
    case 'reset':
      return socket.resetAndDestroy();
    case 'onData':
      // Twice the same listener would mix up what the two of them are told.
      return socket.listeners('data').includes(actor.onData) ? 'there is one' : socket.on('data', actor.onData);
    case 'offData':
      return socket.removeListener('data', actor.onData);
    case 'onReadable':
      return socket.on('readable', actor.onReadable);
    case 'offReadable':
      return socket.removeListener('readable', actor.onReadable);
    case 'onError':
      return actor.onError();
    case 'address':
      // io_uring connects at the end of the turn, and the address is not known before.
      if (socket.connecting && !actor.world.trace.strict) return undefined;
      return Object.entries(socket.address()).map(([key, value]) => (key === 'port' ? typeof value : value));
    case 'abort':
      return actor.controller.abort();
    case 'handOver':
      return actor.world.handOver(actor);
    default:
      return (socket as unknown as Loose)[act]?.() ?? 'nothing';
  }
}

/**
 * Where the peer may have left, nothing at all is not written: libuv makes a call for it, which fails on a path, and
 * there is no such operation. Nor is much, or twice where writes are taken together: how far they come before the
 * peer's reset is chance.
 */
function isForNobody(actor: Actor, chunk: unknown): boolean {
  const { ended } = (actor.socket as unknown as { _readableState: { ended: boolean } })._readableState;
  const hasLength = typeof chunk === 'string' || chunk instanceof Uint8Array;
  if (!ended || !hasLength) return false;
  const isAgain = actor.hasWrittenToNobody && !actor.world.trace.strict;
  actor.hasWrittenToNobody = true;
  return isAgain || chunk.length === 0 || chunk.length > MUCH;
}

function write(actor: Actor, data: Data, callback: boolean): boolean | 'either' {
  const { chunk, encoding } = chunkOf(data);
  if (isForNobody(actor, chunk)) return 'either';
  const told = callback ? [(error?: Error | null) => actor.noteCallback('callback of write', error)] : [];
  const result =
    encoding === undefined
      ? actor.socket.write(chunk, ...(told as []))
      : actor.socket.write(chunk as string, encoding, ...(told as []));
  return actor.gave(result);
}

function end(actor: Actor, data: Data | null, callback: boolean): unknown {
  const loose = actor.socket as unknown as Loose;
  const told = callback ? [(error?: Error | null) => actor.noteCallback('callback of end', error)] : [];
  if (data === null) return loose['end']?.(...told);
  const { chunk, encoding } = chunkOf(data);
  if (isForNobody(actor, chunk)) return undefined;
  return loose['end']?.(chunk, ...(encoding === undefined ? [] : [encoding]), ...told);
}

function read(actor: Actor, size: number | null): unknown {
  const { socket } = actor;
  // Where it has stopped reading ahead, how much there is to be had is chance.
  const full = socket.readableLength >= socket.readableHighWaterMark;
  const chunk = (size === null ? socket.read() : socket.read(size)) as Buffer | string | null;
  if (chunk === null) return null;
  if (full && size === null) return 'something';
  actor.world.trace.data(actor.name, chunk);
  return 'a chunk';
}

function pipe(actor: Actor, to: string): unknown {
  const { socket } = actor;
  if (to === 'self') return socket.pipe(socket) === socket;
  // Whether the destination has told of its close when the source ends is a matter of two sockets.
  if (to === 'sink' || !actor.world.trace.strict) return socket.pipe(actor.sink()) !== undefined;
  // To its own peer it would go round for ever; between two sockets of one end it is a relay.
  const other = to[0] === actor.name[0] ? actor.world.actor(to) : undefined;
  return other === undefined || other === actor ? 'nobody' : socket.pipe(other.socket) === other.socket;
}

function wrong(actor: Actor, which: number): unknown {
  const { socket } = actor;
  const [method, ...args] = WRONG_CALLS[which % WRONG_CALLS.length] ?? ['address'];
  // Arguments that are refused too late leave a live socket connecting for ever, in Node too.
  if (method === 'connect' && !socket.destroyed && args.length > 0) return undefined;
  if (method === 'write' && isForNobody(actor, args[0])) return undefined;
  const result = (socket as unknown as Loose)[method]?.(...args);
  if (result === socket) return `${method} itself`;
  if (method === 'write') return actor.gave(result as boolean);
  return `${method} ${String(result)}`;
}
