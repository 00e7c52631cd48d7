/**
 * Errors of sockets that came to light while somebody else was asked: a select that failed with one, an SO_ERROR that
 * was read to find out whose it was. Each is kept until its socket's own next call takes it, so that it is neither lost
 * nor heard twice.
 */
export class PendingErrors {
  readonly #errors = new Map<number, number>();

  /** Keeps a native error number for a socket; of several the first counts, as in the kernel. */
  keep(descriptor: number, error: number): void {
    if (!this.#errors.has(descriptor)) this.#errors.set(descriptor, error);
  }

  /** The kept error, which is forgotten by this; 0 where there is none. */
  take(descriptor: number): number {
    if (this.#errors.size === 0) return 0;
    const error = this.#errors.get(descriptor) ?? 0;
    this.#errors.delete(descriptor);
    return error;
  }

  has(descriptor: number): boolean {
    return this.#errors.size > 0 && this.#errors.has(descriptor);
  }

  /** The socket is closed, and its number may come back as another one's. */
  forget(descriptor: number): void {
    this.#errors.delete(descriptor);
  }
}
