/**
 * Errors of sockets that came to light while somebody else was asked: a select that failed with one, an SO_ERROR that
 * was read to find out whose it was. Each is kept until its socket's own next call takes it, so that it is neither lost
 * nor heard twice.
 *
 * On a stack whose waits clear the error they report (`waitErrorConsumes`), and report those of sockets that nobody has
 * asked about, the owner can only be found among all connections there are. Whoever opens sockets on such a stack says
 * which these are: `watch` once a socket connects or was accepted, and `settle` once its connection is known to be over.
 */
export class PendingErrors {
  readonly #errors = new Map<number, number>();
  readonly #watched = new Set<number>();

  /** Keeps a native error number for a socket; of several the first counts, as in the kernel. */
  keep(descriptor: number, error: number): void {
    if (!this.#errors.has(descriptor)) this.#errors.set(descriptor, error);
  }

  /** The kept error, which is forgotten by this; 0 where there is none. */
  take(descriptor: number): number {
    if (this.#errors.size === 0) return 0;
    const error = this.#errors.get(descriptor) ?? 0;
    if (error === 0) return 0;
    this.#errors.delete(descriptor);
    this.#watched.delete(descriptor);
    return error;
  }

  has(descriptor: number): boolean {
    return this.#errors.size > 0 && this.#errors.has(descriptor);
  }

  /** How many are kept. */
  get size(): number {
    return this.#errors.size;
  }

  /** The socket is closed, and its number may come back as another one's. */
  forget(descriptor: number): void {
    this.#errors.delete(descriptor);
    this.#watched.delete(descriptor);
  }

  /** The socket has a connection, or is about to: an error that nobody owns may be its own. */
  watch(descriptor: number): void {
    this.#watched.add(descriptor);
  }

  /** The socket's own call has told its error: it has no other to come. */
  settle(descriptor: number): void {
    this.#watched.delete(descriptor);
  }

  isWatched(descriptor: number): boolean {
    return this.#watched.has(descriptor);
  }

  watched(): readonly number[] {
    return [...this.#watched];
  }
}
