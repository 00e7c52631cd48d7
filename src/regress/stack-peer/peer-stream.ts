import { READABLE, WRITABLE } from '../../bsd/notifier.js';
import { nowMs } from '../clock.js';
import type { PeerSendResult } from '../peer-protocol.js';
import { type PeerPlace, uninterrupted } from './peer-place.js';

/** Calls in one direction before the others have their turn: the other end may be as fast as this one. */
const CALLS_PER_TURN = 16;

interface Writing {
  rest: Uint8Array;
  readonly done: (code: string) => void;
}

/**
 * The peer's end of a connection on a stack: half-open is allowed, and how the connection ends is what a receive says,
 * 0 or its error. One that does not read leaves everything in the stack, the ending included.
 */
export class PeerStream {
  readonly number: number;
  readonly #place: PeerPlace;
  readonly #descriptor: number;
  readonly #key: number;
  readonly #chunks: Uint8Array[] = [];
  readonly #writing: Writing[] = [];
  readonly #scratch: Uint8Array;
  #reading: boolean;
  #echoing = false;
  /** What waits for this direction to be shut down; null where nobody has asked for it. */
  #ending: (() => void)[] | null = null;
  #shut = false;
  /** The end has been received. */
  #ended = false;
  #closed = false;

  /** The descriptor is the stream's from here on. `scratch` is shared: nothing is kept in it. */
  constructor(
    place: PeerPlace,
    descriptor: number,
    options: { number: number; reading: boolean; scratch: Uint8Array },
  ) {
    this.number = options.number;
    this.#reading = options.reading;
    this.#scratch = options.scratch;
    this.#place = place;
    this.#descriptor = descriptor;
    this.#key = place.loop.add(descriptor, (report) => this.#ready(report));
  }

  get received(): Uint8Array {
    return Buffer.concat(this.#chunks);
  }

  /** Resolves when the stack has taken the bytes, or has said why not. */
  send(data: Uint8Array, thenClose: boolean): Promise<PeerSendResult> {
    const sinceMs = nowMs();
    const bytes = data.length;
    return new Promise((resolve) => {
      const done = (code: string) => {
        this.#place.report(code === '' ? 'sent' : 'sendFailed', this.number, { bytes, code, sinceMs });
        // Right away: an answer to these bytes is not the peer's business any more.
        if (thenClose) this.close();
        resolve({ code });
      };
      if (this.#closed) return done('EPIPE');
      this.#writing.push({ rest: data.slice(), done });
      this.#write();
    });
  }

  /** Resolves when everything that was sent before, and the end, is the stack's. */
  end(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#closed) return resolve();
      this.#ending ??= [];
      this.#ending.push(() => {
        this.#place.report('ended', this.number);
        resolve();
      });
      this.#write();
    });
  }

  echo(): void {
    this.#echoing = true;
    this.resume();
  }

  pause(): void {
    this.#reading = false;
  }

  resume(): void {
    this.#reading = true;
    this.#read();
  }

  reset(): void {
    if (this.#closed) return;
    this.#place.makeReset(this.#descriptor);
    this.#place.report('reset', this.number);
    this.close();
  }

  /** Closes, and takes what is still to be sent away: it would keep the connection alive behind the close. */
  drop(): void {
    if (this.#closed) return;
    this.#place.stack.lingerZero(this.#descriptor);
    this.close();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#place.loop.remove(this.#descriptor, this.#key);
    this.#place.stack.close(this.#descriptor);
    for (const { done } of this.#writing.splice(0)) done('EPIPE');
    for (const done of this.#ending?.splice(0) ?? []) done();
    this.#place.report('closed', this.number);
  }

  #ready(report: number): void {
    if ((report & READABLE) !== 0) this.#read();
    if ((report & WRITABLE) !== 0) this.#write();
  }

  #read(): void {
    const { stack, loop } = this.#place;
    const scratch = this.#scratch;
    for (let call = 0; call < CALLS_PER_TURN; call++) {
      if (!this.#reading || this.#ended || this.#closed) return;
      const got = uninterrupted(stack, () => stack.recv(this.#descriptor, scratch, scratch.length));
      if (got === -stack.again) return loop.want(this.#descriptor, true, false);
      if (got < 0) return this.#fail(stack.errors.name(-got));
      if (got === 0) return this.#heardEnd();
      this.#heard(scratch.slice(0, got));
    }
    loop.postpone(() => this.#read());
  }

  #heard(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#place.report('data', this.number, { bytes: bytes.length });
    if (!this.#echoing) return;
    this.#writing.push({ rest: bytes, done: () => undefined });
    this.#write();
  }

  #heardEnd(): void {
    this.#ended = true;
    this.#place.report('fin', this.number);
    if (this.#echoing) void this.end();
    this.#closeIfOver();
  }

  #write(): void {
    const { stack, loop } = this.#place;
    for (let call = 0; call < CALLS_PER_TURN; call++) {
      const [first] = this.#writing;
      if (first === undefined || this.#closed) return this.#endIfAsked();
      const { rest } = first;
      const sent = rest.length === 0 ? 0 : uninterrupted(stack, () => stack.send(this.#descriptor, rest, rest.length));
      // A stack may take nothing of what is not empty: it has no room, however that is said.
      if (sent === -stack.again || (sent === 0 && rest.length > 0)) return loop.want(this.#descriptor, false, true);
      if (sent < 0) return this.#sendFailed(stack.errors.name(-sent));
      first.rest = rest.subarray(sent);
      if (first.rest.length > 0) continue;
      this.#writing.shift();
      first.done('');
    }
    loop.postpone(() => this.#write());
  }

  #endIfAsked(): void {
    if (this.#ending === null || this.#shut || this.#closed) return;
    this.#shut = true;
    const { stack } = this.#place;
    const failed = stack.shutdown(this.#descriptor, 'send');
    if (failed < 0) return this.#fail(stack.errors.name(-failed));
    for (const done of this.#ending.splice(0)) done();
    this.#closeIfOver();
  }

  #sendFailed(code: string): void {
    this.#writing.shift()?.done(code);
    // A reset behind the end that was told already is no other ending.
    if (this.#ended && (code === 'ECONNRESET' || code === 'EPIPE')) this.close();
    else this.#fail(code);
  }

  #fail(code: string): void {
    if (this.#closed) return;
    this.#place.report(code === 'ECONNRESET' ? 'rst' : 'error', this.number, { code });
    this.close();
  }

  #closeIfOver(): void {
    if (this.#shut && this.#ended) this.close();
  }
}
