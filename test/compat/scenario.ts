import type net from 'node:net';
import { soon } from '../support/waiting.js';

/** A module in the form of node:net. */
export type NetModule = typeof net;

/** What a scenario writes down: what a program sees, in the order in which it sees it. */
export class Journal {
  readonly lines: string[] = [];
  readonly #ports = new Map<number, string>();

  note(...words: unknown[]): void {
    this.lines.push(words.map((word) => this.#spell(word)).join(' '));
  }

  /**
   * The lines of each actor (the first word) in their order. How the events of two sockets interleave is the network's
   * choice, and differs between two runs of node:net too.
   */
  byActor(): readonly string[] {
    const actors = new Map<string, string[]>();
    for (const line of this.lines) {
      const [actor = ''] = line.split(' ', 1);
      actors.set(actor, [...(actors.get(actor) ?? []), line]);
    }
    return [...actors].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, lines]) => lines);
  }

  /** Notes each of the emitter's events by its name and what tells one case from another. */
  follow(who: string, emitter: NodeJS.EventEmitter, events: readonly string[]): void {
    for (const event of events) {
      emitter.on(event, (...args: unknown[]) => {
        if (event === 'data') this.note(who, event, String(args[0]));
        else if (event === 'connection') this.note(who, event);
        else this.note(who, event, ...args);
      });
    }
  }

  /** An error as a program may tell it from others. */
  error(who: string, error: unknown): void {
    this.note(who, this.#spell(error));
  }

  /** The same port has the same name throughout, and another run's ports have the same names. */
  port(port: number): number {
    if (!this.#ports.has(port)) this.#ports.set(port, `P${this.#ports.size + 1}`);
    return port;
  }

  #spell(word: unknown): string {
    if (word instanceof Error) return this.#spellError(word);
    if (Buffer.isBuffer(word)) return `<${word.length} bytes>`;
    if (typeof word === 'object' && word !== null) return this.#withoutPorts(JSON.stringify(word));
    return this.#withoutPorts(String(word));
  }

  #spellError(error: Error): string {
    const { code, errno, syscall, address } = error as NodeJS.ErrnoException & { address?: string };
    const inner = error instanceof AggregateError ? error.errors.map((each) => this.#spellError(each)) : [];
    const details = [error.name, code, errno, syscall, address, error.message, ...inner].filter((x) => x !== undefined);
    return this.#withoutPorts(details.join(' | '));
  }

  #withoutPorts(text: string): string {
    let spelt = text;
    for (const [port, name] of this.#ports) spelt = spelt.replaceAll(String(port), name);
    return spelt;
  }
}

/** One scenario: it drives the module and notes what happens. It must end by itself, with nothing open. */
export interface Scenario {
  readonly name: string;
  readonly run: (net: NetModule, journal: Journal) => Promise<void>;
}

export const SOCKET_EVENTS = [
  'lookup',
  'connect',
  'ready',
  'data',
  'end',
  'finish',
  'error',
  'timeout',
  'close',
] as const;

/** A server on a port of the system's choice, known to the journal. */
export async function listening(journal: Journal, server: net.Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return journal.port((server.address() as net.AddressInfo).port);
}

export function event(emitter: NodeJS.EventEmitter, name: string): Promise<unknown[]> {
  return soon(new Promise((resolve) => emitter.once(name, (...args) => resolve(args))), `'${name}'`);
}

export function closed(server: net.Server): Promise<void> {
  return soon(new Promise((resolve) => server.close(() => resolve())), 'the close of a server');
}
