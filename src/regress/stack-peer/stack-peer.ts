import type { OpenStack } from '../../bsd/open-stack.js';
import { nowMs } from '../clock.js';
import type { PeerCommand } from '../peer-protocol.js';
import { connectPeer } from './peer-connect.js';
import { PeerDatagrams } from './peer-datagrams.js';
import { PeerListener } from './peer-listener.js';
import { PeerLoop } from './peer-loop.js';
import { addressOf, type PeerPlace, type ReportPeerEvent } from './peer-place.js';
import { PeerStream } from './peer-stream.js';
import { stackError } from './stack-error.js';

const BACKLOG = 4096;
const READ_BYTES = 65_536;

type Command<Verb extends PeerCommand['verb']> = Extract<PeerCommand, { verb: Verb }>;

/**
 * The other end, on a stack that node:net cannot reach: the stack's own calls, in this thread, and none of the drivers
 * and sockets that are tried. What it reports about FIN and RST is what the stack's recv says.
 */
export class StackPeer {
  readonly #place: PeerPlace;
  readonly #servers = new Map<number, PeerListener>();
  readonly #streams = new Map<number, PeerStream>();
  readonly #datagrams = new Map<number, PeerDatagrams>();
  /** Gives up each connect that is under way. */
  readonly #connecting = new Set<() => void>();
  readonly #scratch = new Uint8Array(READ_BYTES);
  #lastNumber = 0;
  #clearing = false;

  /** The stack stays the caller's. */
  constructor(open: OpenStack, report: ReportPeerEvent, makeReset: PeerPlace['makeReset']) {
    this.#place = {
      stack: open.stack,
      loop: new PeerLoop(open),
      report: (kind, connection, more) => {
        if (!this.#clearing) report(kind, connection, more);
      },
      makeReset,
    };
  }

  run(command: PeerCommand): unknown {
    switch (command.verb) {
      case 'listen':
        return this.#listen(command);
      case 'connect':
        return this.#connect(command);
      case 'closeServer':
        return this.#servers.get(command.server)?.close();
      case 'send':
        return this.#send(command);
      case 'end':
        return this.#stream(command.connection).end();
      case 'reset':
        return this.#stream(command.connection).reset();
      case 'destroy':
        return this.#stream(command.connection).close();
      case 'pause':
        return this.#stream(command.connection).pause();
      case 'resume':
        return this.#stream(command.connection).resume();
      case 'echo':
        return this.#stream(command.connection).echo();
      case 'received':
        return (this.#streams.get(command.connection) ?? this.#datagrams.get(command.connection))?.received;
      case 'bind':
        return this.#bind(command);
      case 'sendTo':
        return this.#sendTo(command);
      case 'closeSocket':
        return this.#datagrams.get(command.socket)?.close();
      case 'clear':
        return this.#clear();
    }
  }

  goOn(): void {
    this.#place.loop.turn();
  }

  close(): void {
    this.#clear();
    this.#place.loop.close();
  }

  #listen({ host, path, reading }: Command<'listen'>): { server: number; port: number } {
    const descriptor = this.#bound('stream', host, 0, path);
    const { stack } = this.#place;
    const failed = stack.listen(descriptor, BACKLOG);
    if (failed < 0) {
      stack.close(descriptor);
      throw stackError(stack, 'listen', failed);
    }
    const listener = new PeerListener(this.#place, descriptor, (accepted) => this.#adopt(accepted, reading));
    const server = ++this.#lastNumber;
    this.#servers.set(server, listener);
    return { server, port: listener.port };
  }

  async #connect({ host, port, path, reading }: Command<'connect'>): Promise<number> {
    const sinceMs = nowMs();
    if (path !== undefined) throw noPaths();
    const descriptor = await connectPeer(this.#place, addressOf(host, port), this.#connecting);
    return this.#adopt(descriptor, reading, sinceMs);
  }

  #adopt(descriptor: number, reading: boolean, sinceMs?: number): number {
    const { stack, report } = this.#place;
    const number = ++this.#lastNumber;
    // Where a stack has no such option it has no such delay, or nobody can help it.
    stack.setOption(descriptor, 'noDelay', true, 'IPv4');
    const remotePort = stack.remoteAddress(descriptor)?.port ?? 0;
    const stream = new PeerStream(this.#place, descriptor, { number, reading, scratch: this.#scratch });
    this.#streams.set(number, stream);
    report('connected', number, { remotePort, ...(sinceMs === undefined ? {} : { sinceMs }) });
    return number;
  }

  #send({ connection, data, plan }: Command<'send'>): Promise<unknown> {
    const stream = this.#stream(connection);
    return this.#later(plan.afterMs, () => stream.send(data, plan.thenClose));
  }

  #bind({ host, port }: Command<'bind'>): { socket: number; port: number } {
    const number = ++this.#lastNumber;
    const socket = new PeerDatagrams(this.#place, this.#bound('datagram', host, port), number);
    this.#datagrams.set(number, socket);
    return { socket: number, port: socket.port };
  }

  #sendTo({ socket, data, host, port, afterMs }: Command<'sendTo'>): Promise<unknown> {
    return this.#later(afterMs, () => this.#datagrams.get(socket)?.sendTo(data, host, port));
  }

  #later<T>(delayMs: number, run: () => T | Promise<T>): Promise<T> {
    return new Promise((resolve) => this.#place.loop.after(delayMs, () => resolve(run())));
  }

  #bound(type: 'stream' | 'datagram', host: string, port: number, path?: string): number {
    const { stack } = this.#place;
    if (path !== undefined) throw noPaths();
    const address = addressOf(host, port);
    const descriptor = stack.socket(address.family, type, true);
    if (descriptor < 0) throw stackError(stack, 'socket', descriptor);
    const failed = stack.bind(descriptor, address);
    if (failed >= 0) return descriptor;
    stack.close(descriptor);
    throw stackError(stack, 'bind', failed);
  }

  #clear(): undefined {
    this.#clearing = true;
    this.#place.loop.clear();
    for (const giveUp of [...this.#connecting]) giveUp();
    for (const server of this.#servers.values()) server.close();
    for (const stream of this.#streams.values()) stream.drop();
    for (const socket of this.#datagrams.values()) socket.close();
    for (const numbered of [this.#servers, this.#streams, this.#datagrams]) numbered.clear();
    this.#clearing = false;
    return undefined;
  }

  #stream(number: number): PeerStream {
    const stream = this.#streams.get(number);
    if (stream === undefined) throw new Error(`the peer has no connection ${number}`);
    return stream;
  }
}

function noPaths(): NodeJS.ErrnoException {
  return Object.assign(new Error('A peer on a stack has no UNIX-domain sockets'), { code: 'EAFNOSUPPORT' });
}
