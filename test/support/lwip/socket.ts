import { EventEmitter } from 'node:events';
import {
  acceptFrom,
  closeSocket,
  connectTo,
  listenOn,
  openSocket,
  pendingError,
  portOf,
  receive,
  resetSocket,
  send,
  shutSend,
} from './calls.js';
import { forget, isWatched, watch } from './ticking.js';

const READ_BYTES = 65_536;

interface Writing {
  readonly bytes: Uint8Array;
  readonly done: ((error?: Error | null) => void) | undefined;
}

function errorOf(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code });
}

/** As much of node:net's Socket as the tests' peers use, over lwIP. Half-open is allowed. */
export class LwipSocket extends EventEmitter {
  readonly localPort: number;
  readonly remotePort: number;
  readonly #descriptor: number;
  readonly #writing: Writing[] = [];
  #ending = false;
  #shut = false;
  #ended = false;
  #paused = false;
  #destroyed = false;

  constructor(descriptor: number, paused: boolean) {
    super();
    this.#descriptor = descriptor;
    this.#paused = paused;
    this.localPort = portOf(descriptor, 'local');
    this.remotePort = portOf(descriptor, 'remote');
    watch(this);
  }

  write(data: Uint8Array | string, done?: (error?: Error | null) => void): void {
    if (this.#destroyed) {
      setImmediate(() => done?.(errorOf('EPIPE')));
      return;
    }
    this.#writing.push({ bytes: Buffer.from(data), done });
    this.#write();
  }

  end(data?: Uint8Array | string): void {
    if (data !== undefined) this.write(data);
    this.#ending = true;
    this.#write();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  resetAndDestroy(): void {
    this.#destroy(true);
  }

  destroy(): void {
    this.#destroy(false);
  }

  tick(): void {
    this.#write();
    if (!this.#paused && !this.#ended) this.#read();
  }

  #read(): void {
    const bytes = Buffer.allocUnsafe(READ_BYTES);
    while (!this.#destroyed && !this.#paused) {
      const got = receive(this.#descriptor, bytes);
      if (got === 'EAGAIN') return;
      if (typeof got === 'string') return this.#fail(got);
      if (got === 0) {
        this.#ended = true;
        this.emit('end');
        this.#closeIfOver();
        return;
      }
      this.emit('data', Buffer.from(bytes.subarray(0, got)));
    }
  }

  #write(): void {
    while (!this.#destroyed && this.#writing.length > 0) {
      const [first] = this.#writing as [Writing];
      const sent = first.bytes.length === 0 ? 0 : send(this.#descriptor, first.bytes);
      // Nothing was taken of what is not empty: there is no room, however it is said.
      if (sent === 'EAGAIN' || (sent === 0 && first.bytes.length > 0)) return;
      this.#writing.shift();
      if (typeof sent === 'string') {
        first.done?.(errorOf(sent));
        return this.#fail(sent);
      }
      if (sent < first.bytes.length) this.#writing.unshift({ bytes: first.bytes.subarray(sent), done: first.done });
      else first.done?.(null);
    }
    if (!this.#ending || this.#shut || this.#destroyed) return;
    this.#shut = true;
    shutSend(this.#descriptor);
    this.#closeIfOver();
  }

  #closeIfOver(): void {
    if (this.#shut && this.#ended) this.#destroy(false);
  }

  #fail(code: string): void {
    // Where the connection is gone altogether lwIP says so once, and then that there is none.
    if (this.listenerCount('error') > 0) this.emit('error', errorOf(code));
    this.#destroy(false);
  }

  #destroy(reset: boolean): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    if (reset) resetSocket(this.#descriptor);
    else closeSocket(this.#descriptor);
    forget(this);
    for (const { done } of this.#writing.splice(0)) done?.(errorOf('EPIPE'));
    setImmediate(() => this.emit('close'));
  }
}

/** As much of node:net's Server as the tests' peers use, over lwIP. */
export class LwipServer {
  readonly port: number;
  readonly #descriptor = openSocket();
  readonly #onConnection: (socket: LwipSocket) => void;
  readonly #paused: boolean;

  constructor(backlog: number, paused: boolean, onConnection: (socket: LwipSocket) => void) {
    this.#onConnection = onConnection;
    this.#paused = paused;
    listenOn(this.#descriptor, backlog);
    this.port = portOf(this.#descriptor, 'local');
    watch(this);
  }

  tick(): void {
    for (;;) {
      const accepted = acceptFrom(this.#descriptor);
      if (typeof accepted === 'string') return;
      this.#onConnection(new LwipSocket(accepted, this.#paused));
    }
  }

  close(): void {
    if (!isWatched(this)) return;
    forget(this);
    closeSocket(this.#descriptor);
  }
}

/** Resolves when the connection is there; rejects with an error that has a code. */
export function connectLwip(port: number): Promise<LwipSocket> {
  const descriptor = openSocket();
  const begun = connectTo(descriptor, port);
  return new Promise((resolve, reject) => {
    const finish = (failed: string) => {
      if (failed === '') return resolve(new LwipSocket(descriptor, false));
      closeSocket(descriptor);
      reject(errorOf(failed));
    };
    if (typeof begun === 'number') return finish('');
    if (begun !== 'EINPROGRESS') return finish(begun);
    const connecting = {
      tick: () => {
        const failed = pendingError(descriptor);
        // lwip_getpeername knows the other end before it has answered: only another connect says that it has.
        if (failed === '' && connectTo(descriptor, port) !== 'EISCONN') return;
        forget(connecting);
        finish(failed);
      },
    };
    watch(connecting);
  });
}
