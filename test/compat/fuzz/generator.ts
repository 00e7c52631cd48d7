import { Random } from '../../../src/port/random.js';
import {
  type Behaviour,
  type Client,
  type ConnectTarget,
  type Data,
  type ListenForm,
  type Program,
  type Reaction,
  type ServerAction,
  SOCKET_EVENTS,
  type SocketAction,
  type Step,
  type Taking,
  type When,
} from './program.js';
import { WRONG_CALLS } from './socket-actions.js';

type Weighted<T> = readonly (readonly [weight: number, item: T])[];

const MAX_STEPS = 9;
/**
 * TCP takes as much at once, and no driver takes so much in one chunk; a path holds less. More would be waiting where
 * a peer does not read, and which direction then hears first of a reset is chance.
 */
const LARGE_BYTES = 300_000;
const LARGE_PATH_BYTES = 100_000;

const ENCODINGS = ['utf8', 'latin1', 'hex', 'base64', 'utf16le'] as const;
const FORMS: Weighted<Data['form']> = [
  [5, 'text'],
  [4, 'buffer'],
  [1, 'wide'],
  [1, 'bytes'],
  [1, 'hex'],
  [1, 'base64'],
  [1, 'latin1'],
  [1, 'utf16le'],
];
const SIZES: Weighted<number> = [
  [2, 0],
  [3, 1],
  [8, 10],
  [6, 100],
  [3, 1000],
  [1, 5000],
  [1, LARGE_BYTES],
];
const TAKINGS: Weighted<Taking> = [
  [4, 'none'],
  [6, 'data'],
  [3, 'resume'],
  [2, 'readable'],
  [2, 'sink'],
  [2, 'echo'],
  [2, 'iterate'],
];
const TARGETS: Weighted<ConnectTarget> = [
  [30, 'server'],
  [2, 'refused'],
  [1, 'missing path'],
  [2, 'server, by a lookup'],
  [2, 'server, by a late lookup'],
  [1, 'a lookup that fails'],
  [1, 'a lookup of no address'],
  [2, 'the second of two addresses'],
  [1, 'two refusing addresses'],
  [1, 'from an address'],
];
const LISTENS: readonly ListenForm[] = ['(port, host)', 'options', '(port)', 'exclusive', 'ipv6', 'backlog'];
const WHENS: Weighted<When> = [
  [8, 'now'],
  [1, 'microtask'],
  [2, 'tick'],
];
const ACTS: Weighted<SocketAction['act']> = [
  [14, 'write'],
  [5, 'burst'],
  [8, 'end'],
  [4, 'destroy'],
  [3, 'destroySoon'],
  [3, 'reset'],
  [4, 'pause'],
  [5, 'resume'],
  [3, 'read'],
  [2, 'setEncoding'],
  [2, 'cork'],
  [2, 'uncork'],
  [3, 'onData'],
  [1, 'offData'],
  [2, 'onReadable'],
  [1, 'offReadable'],
  [1, 'onError'],
  [3, 'pipe'],
  [1, 'unpipe'],
  [2, 'iterate'],
  [2, 'idle'],
  [1, 'setTimeout'],
  [1, 'setNoDelay'],
  [1, 'setKeepAlive'],
  [1, 'ref'],
  [1, 'unref'],
  [1, 'address'],
  [1, 'abort'],
  [1, 'handOver'],
  [1, 'unshift'],
  [3, 'wrong'],
  [2, 'connect'],
];
const SERVER_ACTS: Weighted<ServerAction['act']> = [
  [4, 'close'],
  [2, 'getConnections'],
  [2, 'maxConnections'],
  [1, 'address'],
  [1, 'ref'],
  [1, 'unref'],
  [2, 'listenAgain'],
  [2, 'conflict'],
  [1, 'dispose'],
  [1, 'abort'],
  [1, 'destroyAll'],
  [2, 'wrongListen'],
];

const WRITES: ReadonlySet<string> = new Set(['write', 'burst', 'end', 'destroySoon']);
const DESTROYS: ReadonlySet<string> = new Set(['destroy', 'destroySoon', 'abort', 'iterate']);
/** What comes in one chunk on every driver. */
const ONE_CHUNK_BYTES = 1000;

function isLarge(action: SocketAction): boolean {
  if (action.act === 'burst') return action.data.some(({ size }) => size > ONE_CHUNK_BYTES);
  return (action.act === 'write' || action.act === 'end') && (action.data?.size ?? 0) > ONE_CHUNK_BYTES;
}

/** The program of a seed. */
export function programOf(seed: number): Program {
  return new Generator(seed).program();
}

class Generator {
  readonly #random: Random;
  readonly #seed: number;
  #isPath = false;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = new Random(seed);
  }

  program(): Program {
    this.#isPath = this.#random.chance(0.25);
    const transport = this.#isPath ? 'path' : 'tcp';
    // Only one end reacts to what happens: where both do, which comes first is the network's choice.
    const reactive = this.#pick<'client' | 'accepted' | 'none'>([
      [3, 'client'],
      [3, 'accepted'],
      [2, 'none'],
    ]);
    const isLimited = reactive !== 'client' && this.#random.chance(0.2);
    return {
      seed: this.#seed,
      transport,
      ours: this.#pick([
        [3, 'both'],
        [1, 'client'],
        [1, 'server'],
      ]),
      listen: this.#one(LISTENS),
      server: {
        allowHalfOpen: this.#random.chance(0.4),
        pauseOnConnect: this.#random.chance(0.1),
        noDelay: this.#random.chance(0.1),
        keepAlive: this.#random.chance(0.1),
        highWaterMark: this.#highWaterMark(),
        maxConnections: isLimited ? 1 : null,
        signal: this.#random.chance(0.1),
      },
      accepted: this.#behaviour(reactive === 'accepted' && !isLimited),
      steps: this.#steps(reactive === 'client'),
    };
  }

  #steps(clientsReact: boolean): Step[] {
    const steps: Step[] = [{ who: 'c0', connects: this.#client(clientsReact) }];
    let clients = 1;
    const count = 1 + this.#random.below(MAX_STEPS);
    for (let i = 0; i < count; i++) {
      if (clients < 3 && this.#random.chance(0.12)) {
        steps.push({ who: `c${clients++}`, connects: this.#client(clientsReact) });
      } else if (this.#random.chance(0.12)) {
        const serves = this.#some(() => this.#serverAction(clientsReact));
        steps.push({ who: 'server', when: this.#random.chance(0.8) ? 'now' : 'tick', serves });
      } else {
        const who = `${this.#random.chance(0.5) ? 'c' : 'a'}${this.#random.below(clients)}`;
        steps.push({ who, when: this.#pick(WHENS), does: this.#actions() });
      }
    }
    return steps;
  }

  #client(reacts: boolean): Client {
    return {
      ...this.#behaviour(reacts),
      to: this.#pick(TARGETS),
      form: this.#one(['function', 'options', 'method', 'positional method'] as const),
      listens: this.#pick(WHENS),
      allowHalfOpen: this.#random.chance(0.4),
      highWaterMark: this.#highWaterMark(),
      signal: this.#pick([
        [12, 'none'],
        [3, 'live'],
        [1, 'aborted'],
      ]),
      noDelay: this.#random.chance(0.1),
      keepAlive: this.#random.chance(0.1),
      onread: this.#random.chance(0.08)
        ? {
            ...this.#one([
              { bytes: 1, stops: true },
              { bytes: 1, stops: false },
              { bytes: 16, stops: false },
              { bytes: 1024, stops: false },
              { bytes: 70_000, stops: false },
            ]),
            made: this.#random.chance(0.5),
          }
        : null,
    };
  }

  #behaviour(reacts: boolean): Behaviour {
    const reactions: Reaction[] = [];
    if (reacts) {
      const count = 1 + this.#random.below(3);
      for (let i = 0; i < count; i++) reactions.push(this.#reaction());
    }
    return { taking: this.#pick(TAKINGS), errorListener: this.#random.chance(0.85), reactions };
  }

  #reaction(): Reaction {
    const event = this.#one([...SOCKET_EVENTS, 'data', 'readable', 'error', 'connection', 'data', 'end', 'connect']);
    // A peer that is reset at once may never have heard of its connection.
    const does = this.#actions().filter(({ act }) => event !== 'connection' || act !== 'reset');
    if (this.#random.chance(0.1)) does.push({ act: 'throw' });
    return { event, when: this.#pick(WHENS), does };
  }

  /**
   * A reset that follows bytes at once races with them: the peer's read sees both, or the bytes alone, and libuv takes
   * a hang-up behind a short read for an end. So nothing is written where there is a reset.
   */
  #actions(): SocketAction[] {
    const actions = this.#some(() => this.#action());
    const writes = (action: SocketAction) => WRITES.has(action.act);
    if (actions.some(({ act }) => act === 'reset')) return actions.filter((action) => !writes(action));
    // Likewise where much is written before a destroy, and the peer answers to the first part of it.
    if (!actions.some(({ act }) => DESTROYS.has(act)) || !actions.some(isLarge)) return actions;
    return actions.filter((action) => !writes(action));
  }

  #action(): SocketAction {
    const act = this.#pick(ACTS);
    switch (act) {
      case 'write':
        return { act, data: this.#data(), callback: this.#random.chance(0.5) };
      case 'burst':
        return { act, data: this.#some(() => this.#data(), 6), corked: this.#random.chance(0.6) };
      case 'end':
        return { act, data: this.#random.chance(0.5) ? this.#data() : null, callback: this.#random.chance(0.5) };
      case 'destroy':
        return { act, error: this.#random.chance(0.3) };
      case 'read':
        return { act, size: this.#random.chance(0.5) ? null : this.#one([0, 1, 5, 50]) };
      case 'setEncoding':
        return { act, encoding: this.#one(ENCODINGS) };
      case 'pipe':
        return { act, to: this.#one(['sink', 'self', 'c0', 'c1', 'a0', 'a1', 'a1']) };
      case 'iterate':
        return { act, once: this.#random.chance(0.5) };
      case 'idle':
        return { act, ms: 1 + this.#random.below(3), callback: this.#random.chance(0.5) };
      case 'setTimeout':
        return { act, ms: this.#one([0, 100_000, 2 ** 31]) };
      case 'setNoDelay':
        return { act, on: this.#one([true, false, undefined]) };
      case 'setKeepAlive':
        return { act, on: this.#one([true, false, undefined]), ms: this.#one([0, 1000, 5500, undefined]) };
      case 'unshift':
        return { act, data: { form: 'text', size: 3, start: this.#random.below(30) } };
      case 'wrong':
        return { act, which: this.#random.below(WRONG_CALLS.length) };
      case 'connect':
        return { act, to: this.#pick(TARGETS) };
      default:
        return { act };
    }
  }

  #serverAction(clientsReact: boolean): ServerAction {
    const act = this.#pick(SERVER_ACTS);
    // A server that drops a connection at once races with what the client does about the connection.
    if (act === 'maxConnections' && clientsReact) return { act: 'getConnections' };
    switch (act) {
      case 'close':
        return { act, callback: this.#random.chance(0.5) };
      case 'maxConnections':
        return { act, count: this.#random.below(3) };
      case 'wrongListen':
        return { act, which: this.#random.below(20) };
      default:
        return { act };
    }
  }

  #data(): Data {
    const size = this.#pick(SIZES);
    const bytes = size === LARGE_BYTES && this.#isPath ? LARGE_PATH_BYTES : size;
    return { form: this.#pick(FORMS), size: bytes, start: this.#random.below(30) };
  }

  #highWaterMark(): number | null {
    return this.#random.chance(0.75) ? null : this.#one([0, 1, 16, 1000, 200_000]);
  }

  /** One, and now and then more. */
  #some<T>(make: () => T, most = 3): T[] {
    const items = [make()];
    while (items.length < most && this.#random.chance(0.35)) items.push(make());
    return items;
  }

  #one<T>(items: readonly T[]): T {
    return items[this.#random.below(items.length)] as T;
  }

  #pick<T>(items: Weighted<T>): T {
    let left = this.#random.next() * items.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, item] of items) {
      left -= weight;
      if (left < 0) return item;
    }
    return this.#one(items)[1];
  }
}
