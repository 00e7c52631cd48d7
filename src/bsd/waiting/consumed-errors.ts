import type { SocketErrors } from './socket-errors.js';
import { POLLERR, type PollEntries, type SelectLists } from './waiter.js';

/**
 * Finds whose error it was that a wait has reported and cleared (`waitErrorConsumes`), and keeps it for that socket.
 *
 * The answers name the sockets that have something; of those with an error all but one still say so when they are
 * asked, and that one is the owner. A socket that is ready for another reason is told from it by its connection, which
 * an error has ended.
 */
export class ConsumedErrors {
  readonly #sockets: SocketErrors;

  constructor(sockets: SocketErrors) {
    this.#sockets = sockets;
  }

  /** `entries` hold the answers of the poll that has reported `error`. */
  ofPoll(error: number, entries: PollEntries): void {
    const { descriptors, revents, count } = entries;
    const broken: number[] = [];
    const ready: number[] = [];
    for (let i = 0; i < count; i++) {
      const answer = revents[i] as number;
      if (answer !== 0) ((answer & POLLERR) !== 0 ? broken : ready).push(descriptors[i] as number);
    }
    const owner = this.#silent(broken) ?? this.#silent(ready.filter((descriptor) => this.#isBroken(descriptor)));
    this.#keep(owner ?? null, error);
  }

  /** `found` is what the select that has reported `error` said was ready. */
  ofSelect(error: number, found: SelectLists): void {
    const { pending } = this.#sockets;
    const ready = [...new Set([...found.read, ...found.write, ...found.except])];
    const silent = ready.filter((descriptor) => !pending.has(descriptor) && !this.#sockets.check(descriptor));
    const owner = silent.find((descriptor) => this.#isBroken(descriptor));
    this.#keep(owner ?? (silent.length === 1 ? (silent[0] as number) : null), error);
  }

  /** The first that has an error no more. The errors of the others are kept for them on the way. */
  #silent(broken: readonly number[]): number | undefined {
    const { pending } = this.#sockets;
    const silent = broken.filter((descriptor) => !pending.has(descriptor) && !this.#sockets.check(descriptor));
    return silent.length > 1 ? (silent.find((descriptor) => this.#isBroken(descriptor)) ?? silent[0]) : silent[0];
  }

  #isBroken(descriptor: number): boolean {
    return !this.#sockets.pending.has(descriptor) && this.#sockets.hasNoPeer(descriptor);
  }

  #keep(owner: number | null, error: number): void {
    const { pending } = this.#sockets;
    const found = owner ?? pending.watched().find((descriptor) => this.#isBroken(descriptor));
    if (found !== undefined) pending.keep(found, error);
  }
}
