import type { PeerPlace } from './peer-place.js';

/** Connections that one turn takes before the others have theirs. */
const ACCEPTS_PER_TURN = 64;

/** After an accept that failed, by which nothing may have changed: it must not keep the event loop busy. */
const RETRY_MS = 5;

/** The peer's listener on a stack. A connection that is gone before it is accepted is nobody's. */
export class PeerListener {
  readonly port: number;
  readonly #place: PeerPlace;
  readonly #descriptor: number;
  readonly #key: number;
  readonly #onConnection: (descriptor: number) => void;
  #closed = false;

  /** The descriptor, which listens, is the listener's from here on; each that it accepts is `onConnection`'s. */
  constructor(place: PeerPlace, descriptor: number, onConnection: (descriptor: number) => void) {
    this.#place = place;
    this.#descriptor = descriptor;
    this.#onConnection = onConnection;
    this.port = place.stack.localAddress(descriptor)?.port ?? 0;
    this.#key = place.loop.add(descriptor, () => this.#accept());
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#place.loop.remove(this.#descriptor, this.#key);
    this.#place.stack.close(this.#descriptor);
  }

  #accept(): void {
    const { stack, loop } = this.#place;
    if (this.#closed) return;
    for (let call = 0; call < ACCEPTS_PER_TURN; call++) {
      const accepted = stack.accept(this.#descriptor);
      if (accepted === -stack.again) return loop.want(this.#descriptor, true, false);
      if (accepted < 0) return loop.after(RETRY_MS, () => this.#accept());
      this.#onConnection(accepted);
    }
    loop.postpone(() => this.#accept());
  }
}
