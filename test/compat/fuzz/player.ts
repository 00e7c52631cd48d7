import { existsSync, rmSync } from 'node:fs';
import type net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NetModule } from '../scenario.js';
import { Actor, at } from './actor.js';
import { connectArguments, socketOptions } from './clients.js';
import type { Client, ConnectTarget, Program, Step, When } from './program.js';
import { inPollPhase, quiet } from './quiet.js';
import { actOnServer } from './server-actions.js';
import { Trace } from './trace.js';

const SERVER_EVENTS = ['listening', 'error', 'drop', 'close'] as const;
/** Said of a program that goes on and on. */
export const RESTLESS = 'does not come to rest';
/** Sockets that may still be closed one after the other while the server listens. */
const MAX_DESTROYED = 16;
let pathsMade = 0;

export interface PlayOptions {
  /** Turns of the event loop without an event that end a step. */
  readonly still: number;
  readonly strict: boolean;
  /** A port where nobody listens. */
  readonly refusedPort: number;
}

/** One run of a program: its server, its sockets, and what they see. */
export class World {
  readonly program: Program;
  readonly serverModule: NetModule;
  readonly clientModule: NetModule;
  readonly trace: Trace;
  readonly serverController = new AbortController();
  readonly path = join(tmpdir(), `overlapped-fuzz-${process.pid}-${pathsMade++}`);
  readonly refusedPort: number;
  readonly server: net.Server;
  port = 0;
  readonly #still: number;
  readonly #clients = new Map<string, Actor>();
  readonly #accepted: Actor[] = [];
  readonly #second: net.Server;

  constructor(program: Program, ours: NetModule, theirs: NetModule, options: PlayOptions) {
    this.trace = new Trace(options.strict);
    this.program = program;
    this.#still = options.still;
    this.refusedPort = options.refusedPort;
    this.serverModule = program.ours === 'client' ? theirs : ours;
    this.clientModule = program.ours === 'server' ? theirs : ours;
    const { signal: _, highWaterMark, maxConnections, ...given } = program.server;
    this.server = this.serverModule.createServer(highWaterMark === null ? given : { ...given, highWaterMark });
    if (maxConnections !== null) this.server.maxConnections = maxConnections;
    this.#second = this.serverModule.createServer();
    this.trace.namePort(this.refusedPort, 'REFUSED');
    this.trace.namePath(this.path, 'PATH');
  }

  get isPath(): boolean {
    return this.program.transport === 'path';
  }

  get acceptedActors(): readonly Actor[] {
    return this.#accepted;
  }

  get host(): string {
    return this.program.listen === 'ipv6' ? '::1' : '127.0.0.1';
  }

  actor(name: string): Actor | undefined {
    if (name.startsWith('c')) return this.#clients.get(name);
    return this.#accepted[Number(name.slice(1))];
  }

  async play(): Promise<readonly string[]> {
    const uncaught = (error: unknown) => this.trace.note('process', 'uncaught', error);
    const before = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', uncaught);
    try {
      this.#watchServer();
      this.listen();
      await this.#settle();
      for (const step of this.program.steps) {
        this.trace.step++;
        await inPollPhase(() => this.#take(step));
        if (!(await this.#settle())) break;
      }
      await this.#end();
    } finally {
      process.removeListener('uncaughtException', uncaught);
      for (const listener of before) process.on('uncaughtException', listener);
      if (this.isPath && existsSync(this.path)) rmSync(this.path);
    }
    return this.trace.byActor();
  }

  listen(): net.Server {
    const { server, program, host } = this;
    const signal = program.server.signal ? { signal: this.serverController.signal } : {};
    if (this.isPath)
      return program.listen === 'options' ? server.listen({ path: this.path, ...signal }) : server.listen(this.path);
    switch (program.listen) {
      case '(port, host)':
        return server.listen(0, host);
      case 'options':
      case 'ipv6':
        return server.listen({ port: 0, host, ...signal });
      case '(port)':
        return server.listen(0);
      case 'exclusive':
        return server.listen({ port: 0, host, exclusive: true, ...signal });
      case 'backlog':
        return server.listen(0, host, 5);
    }
  }

  /**
   * The socket is connected once more. One that has just been connected is left alone: the first connect(2) that
   * follows says 0, wherever it goes to, since Linux still has that connect's outcome to tell.
   */
  connectAgain(actor: Actor, to: ConnectTarget): net.Socket | string {
    const { connecting, destroyed, closed } = actor.socket;
    if (!destroyed && (this.isPath || (actor.hasConnected && !connecting))) return 'nothing done';
    // Node ends the process where a TCP handle is given a path (an assertion of TCPWrap).
    if (!destroyed && to === 'missing path') return 'nothing done';
    // Which comes first, the close of one connection or the begin of the next, is not the socket's own choice.
    if (destroyed && !closed && !this.trace.strict) return 'nothing done';
    actor.hasConnected = true;
    return actor.socket.connect(...(connectArguments(this, to, {}) as [number]));
  }

  /** Another server is told of the connection, as a program does that speaks several protocols on a port. */
  handOver(actor: Actor): boolean {
    return this.#second.emit('connection', actor.socket);
  }

  #watchServer(): void {
    const { server, trace } = this;
    for (const event of SERVER_EVENTS) {
      server.on(event, (...args: unknown[]) => {
        if (event === 'drop' && args[0] !== undefined)
          trace.note('server', 'drop', Object.keys(args[0] as object).join());
        else trace.note('server', event, ...args);
        if (event === 'listening') this.#nameAddress();
      });
    }
    server.on('connection', (socket) => this.#accept(socket));
    this.#second.on('connection', (socket) => {
      const actor = this.#accepted.find((each) => each.socket === socket) ?? this.#clientOf(socket);
      actor?.note('handed over');
      socket.removeAllListeners('data');
      if (actor !== undefined) socket.on('data', actor.onData);
    });
  }

  #clientOf(socket: net.Socket): Actor | undefined {
    return [...this.#clients.values()].find((each) => each.socket === socket);
  }

  #nameAddress(): void {
    const address = this.server.address();
    if (typeof address !== 'object' || address === null) return;
    this.port = address.port;
    this.trace.namePort(address.port, 'PORT');
  }

  #accept(socket: net.Socket): void {
    const actor = new Actor(this, `a${this.#accepted.length}`, socket, this.program.accepted);
    this.#accepted.push(actor);
    this.trace.note('server', 'connection');
    actor.note('accepted', socket.readyState, socket.isPaused());
    actor.listen();
    actor.react('connection');
  }

  #take(step: Step): void {
    if ('connects' in step) return this.#connect(step.who, step.connects);
    if ('serves' in step) return void this.#serve(step.when, step.serves);
    const actor = this.actor(step.who);
    if (actor === undefined) return this.trace.note(step.who, 'is not there');
    actor.act(
      step.when,
      step.does.filter(({ act }) => act !== 'throw'),
    );
  }

  #serve(when: When, actions: Extract<Step, { serves: unknown }>['serves']): void {
    const all = () => {
      for (const action of actions) {
        try {
          const result = actOnServer(this, action);
          if (result !== undefined) this.trace.note('server', action.act, 'gives', result);
        } catch (error) {
          this.trace.note('server', action.act, 'throws', error);
        }
      }
    };
    at(when, all);
  }

  #connect(name: string, client: Client): void {
    if (this.#clients.has(name)) return this.trace.note(name, 'is there already');
    const { Socket, connect } = this.clientModule;
    try {
      const controller = new AbortController();
      if (client.signal === 'aborted') controller.abort();
      // The callback of an own buffer must know its actor, which comes after the socket.
      const holder: { actor?: Actor } = {};
      const options = socketOptions(client, controller.signal, () => holder.actor);
      const isMethod = client.form === 'method' || client.form === 'positional method';
      const socket = isMethod
        ? new Socket(options)
        : connect(...(connectArguments(this, client.to, options) as [number]));
      const actor = new Actor(this, name, socket, client);
      holder.actor = actor;
      actor.controller.signal.addEventListener('abort', () => controller.abort());
      this.#clients.set(name, actor);
      at(client.listens, () => actor.listen());
      if (isMethod)
        socket.connect(...(connectArguments(this, client.to, client.form === 'method' ? options : null) as [number]));
      actor.note('made', socket.connecting, socket.pending, socket.readyState);
    } catch (error) {
      this.trace.note(name, 'cannot be made', error);
    }
  }

  /** Whether the program has come to rest. */
  async #settle(): Promise<boolean> {
    const activity = () => {
      let sum = this.trace.version;
      for (const { socket } of this.#clients.values()) sum += socket.bytesRead;
      for (const { socket } of this.#accepted) sum += socket.bytesRead;
      return sum;
    };
    for (let rest = false; !rest; ) {
      if (!(await quiet(activity, this.#still))) {
        this.trace.note('process', RESTLESS);
        return false;
      }
      const idling = [...this.#clients.values(), ...this.#accepted].filter((actor) => actor.isIdling);
      rest = idling.length === 0;
      for (const actor of idling) await actor.idle();
    }
    for (const actor of [...this.#clients.values(), ...this.#accepted]) actor.noteChanges();
    this.trace.note('server', 'now', this.server.listening, this.server.address(), this.server.eventNames());
    return true;
  }

  #alive(): Actor | undefined {
    return [...this.#clients.values(), ...this.#accepted].find(({ socket }) => !socket.destroyed);
  }

  /** All is closed at last, each end by itself, and what that brings about is seen too. */
  async #end(): Promise<void> {
    await this.#destroyAlive(MAX_DESTROYED);
    this.trace.step++;
    await inPollPhase(() => {
      this.server.close((error) => this.trace.note('server', 'callback of the last close', error));
    });
    await this.#settle();
    // A connection that connects again when it is closed comes to nobody now.
    await this.#destroyAlive(Number.POSITIVE_INFINITY);
  }

  async #destroyAlive(most: number): Promise<void> {
    let destroyed = 0;
    for (let actor = this.#alive(); actor !== undefined && destroyed < most; actor = this.#alive()) {
      const { socket } = actor;
      destroyed++;
      this.trace.step++;
      await inPollPhase(() => socket.destroy());
      await this.#settle();
    }
  }
}
