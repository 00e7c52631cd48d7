import {
  WAITER_IDLE,
  WAITER_LEAVING,
  WAITER_STATE,
  WAITER_WATCHING,
  type WaiterSteps,
} from '../../src/drivers/iocp/waiter-protocol.js';

/**
 * The owner of a completion port and the thread that waits on it, as a machine of small steps: each is one operation on
 * the word that they share (the driver's own code), one call of the kernel's, or one message. All their interleavings are
 * gone through. What is around the steps is the driver's as it stands in waiter.ts, waiter-worker.ts, waiter-thread.ts,
 * completion-port.ts and driver.ts, put down here by hand.
 */
export interface ModelOptions {
  readonly steps: WaiterSteps;
  /** Requests that an owner may start. */
  readonly requests: number;
  /** Owners that have the thread one after the other. */
  readonly owners: number;
  /** Completions that one call dequeues. */
  readonly capacity: number;
  /** Flushes that look at the port themselves (cancels and closes). */
  readonly settles: number;
  /** The thread's waits end by themselves now and then, as those of a worker's waiting thread do. */
  readonly timeouts: boolean;
  /** An owner may end at any time; otherwise never. */
  readonly ends: boolean;
}

/** What is left of the owner's callback. */
type OwnerStep =
  | 'look'
  | 'read'
  | 'take'
  | 'drain'
  | 'may drain'
  | 'watch'
  | 'wake'
  | 'call off'
  | 'interrupt'
  | 'park';

interface State {
  word: number;
  /** Requests that were started, those in the kernel, their packets on the port, and those that the owner has got. */
  started: number;
  inKernel: number;
  onPort: number;
  got: number;
  /** Packets that only end a wait. */
  interrupts: number;
  /** Completions in the thread's buffer; -1: none, and the buffer is the thread's. */
  buffer: number;
  owner: OwnerStep[];
  /** Owners so far, and whether the present one has ended and its port is closed. */
  owners: number;
  ending: boolean;
  closed: boolean;
  settles: number;
  starting: boolean;
  thread: 'new' | 'look' | 'decide' | 'sleep' | 'asleep' | 'wait' | 'deliver' | 'tell' | 'leave' | 'tell left';
  /** What the thread saw when it looked. */
  seen: number;
  hasPort: boolean;
  /** A message with the owner's port lies there. */
  mail: boolean;
  messages: ('up' | 'delivered' | 'left')[];
}

/** A broken promise, and the steps that led there. */
export class Violation extends Error {}

export interface Exploration {
  readonly states: number;
  /** States that are an end: nothing is lost, and everybody sleeps. */
  readonly ends: number;
}

const START: State = {
  word: WAITER_IDLE,
  started: 0,
  inKernel: 0,
  onPort: 0,
  got: 0,
  interrupts: 0,
  buffer: -1,
  owner: ['park'],
  owners: 1,
  ending: false,
  closed: false,
  settles: 0,
  starting: true,
  thread: 'new',
  seen: -1,
  hasPort: false,
  mail: true,
  messages: [],
};

type Move = readonly [name: string, next: State];

/** Goes through every state; throws a Violation where a promise is broken or an end can no longer be reached. */
export function explore(options: ModelOptions): Exploration {
  const model = new WaiterModel(options);
  const first = JSON.stringify(START);
  const cameFrom = new Map<string, { from: string; by: string }>([[first, { from: '', by: '' }]]);
  const before = new Map<string, string[]>();
  const open = [first];
  const ends: string[] = [];
  for (let key = open.pop(); key !== undefined; key = open.pop()) {
    const state = JSON.parse(key) as State;
    if (model.isEnd(state)) ends.push(key);
    let moves: Move[];
    try {
      moves = model.moves(state);
    } catch (error) {
      throw new Violation(`${error instanceof Error ? error.message : error}\n${story(cameFrom, key)}`);
    }
    for (const [by, next] of moves) {
      const nextKey = JSON.stringify(next);
      const list = before.get(nextKey);
      if (list === undefined) before.set(nextKey, [key]);
      else list.push(key);
      if (cameFrom.has(nextKey)) continue;
      cameFrom.set(nextKey, { from: key, by });
      open.push(nextKey);
    }
  }
  // Whatever can still end well, from the ends backwards.
  const good = new Set(ends);
  const queue = [...ends];
  for (let key = queue.pop(); key !== undefined; key = queue.pop()) {
    for (const earlier of before.get(key) ?? []) {
      if (good.has(earlier)) continue;
      good.add(earlier);
      queue.push(earlier);
    }
  }
  for (const key of cameFrom.keys()) {
    if (!good.has(key)) throw new Violation(`From here on it can never end well\n${story(cameFrom, key)}`);
  }
  return { states: cameFrom.size, ends: ends.length };
}

function story(cameFrom: ReadonlyMap<string, { from: string; by: string }>, end: string): string {
  const lines: string[] = [];
  for (let key = end; key !== ''; key = cameFrom.get(key)?.from ?? '') {
    lines.push(`${cameFrom.get(key)?.by ?? ''} => ${key}`);
  }
  return lines.reverse().join('\n');
}

class WaiterModel {
  readonly #options: ModelOptions;
  readonly #steps: WaiterSteps;
  readonly #words = new Int32Array(new SharedArrayBuffer(4));

  constructor(options: ModelOptions) {
    this.#options = options;
    this.#steps = options.steps;
  }

  /** Everything was heard of, or the last owner has its port back; nobody has anything to do. */
  isEnd(state: State): boolean {
    if (state.owner.length > 0 || state.messages.length > 0) return false;
    if (state.closed) return state.thread === 'asleep' && state.word === WAITER_IDLE;
    const { requests } = this.#options;
    return !state.ending && !state.starting && state.started === requests && state.got === requests;
  }

  moves(state: State): Move[] {
    return [...this.#kernelMoves(state), ...this.#ownerMoves(state), ...this.#threadMoves(state)];
  }

  #kernelMoves(state: State): Move[] {
    if (state.inKernel === 0) return [];
    return [['kernel: a request ends', { ...state, inKernel: state.inKernel - 1, onPort: state.onPort + 1 }]];
  }

  #ownerMoves(state: State): Move[] {
    const [step, ...rest] = state.owner;
    if (step !== undefined) return this.#ownerStep(step, { ...state, owner: rest });
    return this.#callbacks(state);
  }

  /** What the host may call next. A callback runs to its end before the next one. */
  #callbacks(state: State): Move[] {
    const moves: Move[] = [];
    const { requests, settles, ends, owners } = this.#options;
    const [message, ...messages] = state.messages;
    if (message !== undefined) moves.push([`owner: hears ${message}`, this.#heard({ ...state, messages }, message)]);
    if (state.closed) {
      if (state.owners < owners) moves.push(['owner: another one', this.#hire(state)]);
      return moves;
    }
    if (state.ending) return moves;
    if (state.started < requests) {
      const started = { ...state, started: state.started + 1, inKernel: state.inKernel + 1 };
      moves.push(['owner: starts a request', { ...started, owner: ['watch'] }]);
    }
    if (state.starting) moves.push(['owner: polls', { ...state, owner: ['look', 'drain', 'watch'] }]);
    if (state.settles < settles) {
      moves.push(['owner: settles', { ...state, settles: state.settles + 1, owner: ['look', 'drain', 'watch'] }]);
    }
    if (ends) moves.push(['owner: ends', { ...state, ending: true, starting: false, owner: ['call off'] }]);
    return moves;
  }

  /** Waiter.heard and WaiterWorker.heard. */
  #heard(state: State, message: State['messages'][number]): State {
    if (message === 'left') {
      if (state.closed) throw new Error('The port is closed twice');
      return { ...state, closed: true };
    }
    const starting = message === 'up' ? false : state.starting;
    if (state.ending) return { ...state, starting: false };
    return { ...state, starting, owner: ['look', 'may drain', 'watch'] };
  }

  #hire(state: State): State {
    const { word, thread, seen, hasPort, owners } = state;
    return { ...START, word, thread, seen, hasPort, owners: owners + 1, starting: false, mail: true };
  }

  #ownerStep(step: OwnerStep, state: State): Move[] {
    const name = `owner: ${step}`;
    const then = (next: State, ...steps: OwnerStep[]): Move[] => [
      [name, { ...next, owner: [...steps, ...next.owner] }],
    ];
    switch (step) {
      case 'look': {
        const [delivered, next] = this.#on(state, (words) => this.#steps.hasDelivered(words));
        // Only who has found something looks whether there is more (drainIfItPays).
        if (delivered) return then(next, 'read', 'take');
        return then({ ...next, owner: next.owner.filter((later) => later !== 'may drain') });
      }
      case 'read':
        if (state.buffer === -1) throw new Error('There is nothing in the buffer that was delivered');
        return then({ ...state, got: state.got + state.buffer });
      case 'take':
        return then(this.#on({ ...state, buffer: -1 }, (words) => this.#steps.take(words))[1]);
      case 'drain':
        return then({ ...state, got: state.got + state.onPort, onPort: 0, interrupts: 0 });
      case 'may drain':
        return [...then(state), ...then(state, 'drain')];
      case 'watch': {
        if (state.started === state.got) return then(state);
        const [sent, next] = this.#on(state, (words) => this.#steps.send(words));
        return sent ? then(next, 'wake') : then(next);
      }
      case 'wake':
        return then(state.thread === 'asleep' && this.#wakes() ? { ...state, thread: 'look' } : state);
      case 'call off': {
        const [inKernel, next] = this.#on(state, (words) => this.#steps.callOff(words));
        return inKernel ? then(next, 'interrupt', 'wake') : then(next, 'wake');
      }
      case 'interrupt':
        return then({ ...state, interrupts: state.interrupts + 1 });
      case 'park':
        return then(this.#on(state, (words) => this.#steps.park(words))[1]);
    }
  }

  #threadMoves(state: State): Move[] {
    const to = (thread: State['thread'], changes: Partial<State> = {}): Move[] => [
      [`thread: ${state.thread}`, { ...state, ...changes, thread }],
    ];
    switch (state.thread) {
      case 'new':
        return to('look', { messages: [...state.messages, 'up'] });
      case 'look': {
        const [seen, next] = this.#on(state, (words) => this.#steps.look(words));
        return to('decide', { word: next.word, seen });
      }
      case 'decide':
        if (state.seen === WAITER_LEAVING) return to('leave', { hasPort: false, mail: false });
        if (state.seen !== WAITER_WATCHING) return to('sleep');
        if (!state.hasPort && !state.mail) throw new Error('The thread has no port to wait on');
        return to('wait', { hasPort: true, mail: state.hasPort && state.mail });
      case 'sleep':
        // Atomics.wait looks and falls asleep in one.
        return to(state.word === state.seen ? 'asleep' : 'look');
      case 'asleep':
        return [];
      case 'wait':
        return this.#wait(state, to);
      case 'deliver': {
        const [delivered, next] = this.#on(state, (words) => this.#steps.deliver(words));
        return delivered ? to('tell', { word: next.word }) : to('look', { word: next.word });
      }
      case 'tell':
        return to('look', { messages: [...state.messages, 'delivered'] });
      case 'leave':
        return to('tell left', { word: this.#on(state, (words) => this.#steps.leave(words))[1].word });
      case 'tell left':
        return to('look', { messages: [...state.messages, 'left'] });
    }
  }

  /** In GetQueuedCompletionStatusEx. */
  #wait(state: State, to: (thread: State['thread'], changes?: Partial<State>) => Move[]): Move[] {
    if (state.closed) throw new Error('The thread waits on a port that is closed');
    const moves: Move[] = this.#options.timeouts ? to('look') : [];
    const found = state.onPort + state.interrupts;
    if (found === 0) return moves;
    if (state.buffer !== -1 && !state.ending) throw new Error('The thread writes into a buffer that is not taken yet');
    const taken = Math.min(state.onPort, this.#options.capacity);
    const room = this.#options.capacity - taken;
    const interrupts = state.interrupts - Math.min(state.interrupts, room);
    moves.push(...to('deliver', { buffer: taken, onPort: state.onPort - taken, interrupts }));
    return moves;
  }

  /** One step on the word: what it gives, and the state after it. */
  #on<R>(state: State, step: (words: Int32Array) => R): [result: R, next: State] {
    this.#words[WAITER_STATE] = state.word;
    const result = step(this.#words);
    return [result, { ...state, word: this.#words[WAITER_STATE] as number }];
  }

  /** Whether the protocol's wake is one. There is no sleeping thread here, on which it could be seen. */
  #wakes(): boolean {
    return this.#steps.wake !== noWake;
  }
}

/** A wake that wakes nobody, for a protocol that is broken on purpose. */
export const noWake = (): void => undefined;
