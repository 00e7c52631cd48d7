import type net from 'node:net';
import { Writable } from 'node:stream';
import type { World } from './player.js';
import { type Behaviour, type Reaction, SOCKET_EVENTS, type SocketAction, type Taking, type When } from './program.js';
import { Snapshots } from './snapshot.js';
import { actOnSocket } from './socket-actions.js';
import { ENDS_OF_WRITES } from './trace.js';

/** Longer than any timeout that is waited for. */
const IDLE_PATIENCE_MS = 4000;

/** Does it now or a little later. */
export function at(when: When, work: () => void): void {
  if (when === 'now') work();
  else if (when === 'tick') process.nextTick(work);
  else queueMicrotask(work);
}

/** A socket of the program, its listeners, and what it does when. */
export class Actor {
  readonly name: string;
  readonly world: World;
  readonly controller = new AbortController();
  socket: net.Socket;
  readonly #behaviour: Behaviour;
  readonly #snapshots = new Snapshots();
  /** Whether it was this end that connected, the last time. */
  hasConnected: boolean;
  hasWrittenToNobody = false;
  readonly #done = new Set<Reaction>();
  /** Whether nothing could be written any more when the step began. */
  #wasOver = false;
  /** What waits for the socket's idle timeout. */
  #idle: (() => void) | undefined;
  #idleMs = 0;

  constructor(world: World, name: string, socket: net.Socket, behaviour: Behaviour) {
    this.world = world;
    this.name = name;
    this.socket = socket;
    this.#behaviour = behaviour;
    this.hasConnected = name.startsWith('c');
  }

  note(...words: unknown[]): void {
    this.world.trace.note(this.name, ...words);
  }

  /** The ends of writes: where a write may be over later, only their own order counts. */
  noteCallback(...words: unknown[]): void {
    this.world.trace.note(this.world.trace.strict ? this.name : this.name + ENDS_OF_WRITES, ...words);
  }

  /** What a write gave, if it is not a matter of when the write was over, or has failed. */
  gave(result: boolean): boolean | 'either' {
    return this.world.trace.strict || this.#wasOver ? result : 'either';
  }

  noteChanges(): void {
    this.#wasOver = this.socket.destroyed || this.socket.writableEnded;
    const changes = this.#snapshots.changes(this.socket, this.world.trace.strict);
    if (changes !== '') this.note('now', changes);
  }

  listen(): void {
    for (const event of SOCKET_EVENTS) {
      this.socket.on(event, (...args: unknown[]) => {
        if (event === 'drain' && !this.world.trace.strict) return;
        if (event === 'finish') this.noteCallback(event);
        else this.note(event, ...args.slice(0, 4));
        if (event === 'timeout' || event === 'close') this.#idled();
        this.react(event);
      });
    }
    if (this.#behaviour.errorListener) this.onError();
    this.take(this.#behaviour.taking);
  }

  onError(): void {
    this.socket.on('error', (error) => {
      this.note('error', error);
      this.react('error');
    });
  }

  react(event: string): void {
    for (const reaction of this.#behaviour.reactions) {
      if (reaction.event !== event || this.#done.has(reaction)) continue;
      this.#done.add(reaction);
      this.act(reaction.when, reaction.does);
    }
  }

  act(when: When, actions: readonly SocketAction[]): void {
    const all = () => {
      for (const action of actions) this.#actOnce(action);
    };
    at(when, all);
  }

  #actOnce(action: SocketAction): void {
    if (action.act === 'throw') {
      this.note('throws');
      throw new Error(`thrown by ${this.name}`);
    }
    try {
      const result = actOnSocket(this, action);
      if (result !== undefined) this.note(action.act, 'gives', result === this.socket ? 'itself' : result);
    } catch (error) {
      this.note(action.act, 'throws', error);
    }
  }

  /** Starts to take what arrives. */
  take(taking: Taking): void {
    const { socket } = this;
    switch (taking) {
      case 'none':
        return;
      case 'data':
        socket.on('data', this.onData);
        return;
      case 'resume':
        socket.resume();
        return;
      case 'readable':
        socket.on('readable', this.onReadable);
        return;
      case 'sink':
        socket.pipe(this.sink());
        return;
      case 'echo':
        socket.pipe(socket);
        return;
      case 'iterate':
        void this.iterate(false);
        return;
    }
  }

  readonly onData = (chunk: Buffer | string): void => {
    this.world.trace.data(this.name, chunk);
    this.react('data');
  };

  readonly onReadable = (): void => {
    this.react('readable');
    for (let chunk = this.socket.read(); chunk !== null; chunk = this.socket.read()) {
      this.world.trace.data(`${this.name} readable`, chunk as Buffer | string);
    }
  };

  sink(): Writable {
    const sink = new Writable({
      decodeStrings: false,
      write: (chunk: Buffer | string, _encoding, done) => {
        this.world.trace.data(`${this.name} sink`, chunk);
        done();
      },
    });
    for (const event of ['finish', 'close', 'unpipe']) sink.on(event, () => this.note('sink', event));
    return sink;
  }

  async iterate(once: boolean): Promise<void> {
    try {
      for await (const chunk of this.socket as AsyncIterable<Buffer | string>) {
        if (once) break;
        this.world.trace.data(`${this.name} iteration`, chunk);
      }
      this.note('iterated');
    } catch (error) {
      this.note('iteration throws', error);
    }
  }

  /** Whether a timeout of its own is to come: nobody has changed it in the meantime. */
  get isIdling(): boolean {
    const { timeout, destroyed } = this.socket;
    return this.#idleMs > 0 && !destroyed && timeout === this.#idleMs;
  }

  /** Resolves once the socket has timed out, or has closed. */
  async idle(): Promise<void> {
    await new Promise<void>((resolve) => {
      const patience = setTimeout(() => {
        this.note('is never idle');
        resolve();
      }, IDLE_PATIENCE_MS);
      this.#idle = () => {
        clearTimeout(patience);
        resolve();
      };
    });
    this.#idle = undefined;
    this.#idled();
  }

  #idled(): void {
    if (this.#idleMs > 0) this.socket.setTimeout(0);
    this.#idleMs = 0;
    this.#idle?.();
  }

  expectIdle(ms: number): void {
    this.#idleMs = ms;
  }
}
