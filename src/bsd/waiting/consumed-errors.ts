import type { SocketErrors } from './socket-errors.js';
import { POLLERR, POLLIN, type PollEntries, type SelectLists } from './waiter.js';

/**
 * Finds whose error it was that a wait has reported and cleared (`waitErrorConsumes`), and keeps it for that socket.
 *
 * The answers name the sockets that have something; of those with an error all but one still say so when they are
 * asked. That one is told from sockets that are ready for another reason by what has become of it: its connection is
 * over and nobody was told, or it is readable and has nothing to read.
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
    const readable: number[] = [];
    for (let i = 0; i < count; i++) {
      const answer = revents[i] as number;
      const descriptor = descriptors[i] as number;
      if (answer === 0) continue;
      ((answer & POLLERR) !== 0 ? broken : ready).push(descriptor);
      if ((answer & POLLIN) !== 0) readable.push(descriptor);
    }
    // POLLERR says that it was this one, if it says nothing more now.
    const silent = this.#silent(broken);
    const owner = silent.find((descriptor) => this.#sockets.isOver(descriptor)) ?? silent[0];
    this.#keep(owner ?? this.#among(this.#silent(ready), readable), error);
  }

  /** `found` is what the select that has reported `error` said was ready. */
  ofSelect(error: number, found: SelectLists): void {
    const ready = [...new Set([...found.read, ...found.write, ...found.except])];
    this.#keep(this.#among(this.#silent(ready), found.read), error);
  }

  /** A call about one descriptor alone has reported `error`. */
  ofOne(error: number, descriptor: number): void {
    this.#keep(this.#sockets.isOver(descriptor) ? descriptor : this.#outsider(), error);
  }

  /** Those that have an error no more. The errors of the others are kept for them on the way. */
  #silent(descriptors: readonly number[]): number[] {
    const { pending } = this.#sockets;
    return descriptors.filter((descriptor) => !pending.has(descriptor) && !this.#sockets.check(descriptor));
  }

  #among(silent: readonly number[], readable: readonly number[]): number | undefined {
    const isReadable = new Set(readable);
    return (
      silent.find((descriptor) => this.#sockets.isOver(descriptor)) ??
      silent.find((descriptor) => isReadable.has(descriptor) && this.#sockets.hasNothing(descriptor)) ??
      this.#outsider()
    );
  }

  /** A connection that is over and has told nobody, among all that are watched. */
  #outsider(): number | undefined {
    const { pending } = this.#sockets;
    return pending.watched().find((descriptor) => this.#sockets.isOver(descriptor) && !this.#sockets.check(descriptor));
  }

  #keep(owner: number | undefined, error: number): void {
    if (owner !== undefined) this.#sockets.pending.keep(owner, error);
  }
}
