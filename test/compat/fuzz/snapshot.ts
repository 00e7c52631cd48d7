import type net from 'node:net';
import { MUCH } from './trace.js';

const PLAIN = [
  'connecting',
  'pending',
  'readyState',
  'destroyed',
  'closed',
  'readable',
  'writable',
  'readableEnded',
  'readableAborted',
  'readableDidRead',
  'readableFlowing',
  'readableEncoding',
  'writableEnded',
  'writableFinished',
  'writableAborted',
  'writableLength',
  'writableNeedDrain',
  'writableCorked',
  'bufferSize',
  'allowHalfOpen',
  'timeout',
  'localAddress',
  'localFamily',
  'remoteAddress',
  'remoteFamily',
] as const;

/** Where a snapshot differs from the one before, it says so. */
export class Snapshots {
  #last = new Map<string, string>();
  #filled = new WeakSet<net.Socket>();

  /** Lines `name=value` of what has changed since the socket was last looked at. */
  changes(socket: net.Socket, strict: boolean): string {
    const now = this.#look(socket, strict);
    const changed = [...now].filter(([key, value]) => this.#last.get(key) !== value);
    this.#last = now;
    return changed.map(([key, value]) => `${key}=${value}`).join(' ');
  }

  #look(socket: net.Socket, strict: boolean): Map<string, string> {
    const all = socket as unknown as Record<string, unknown>;
    const now = new Map<string, string>(PLAIN.map((key) => [key, String(all[key])]));
    now.set('isPaused', String(socket.isPaused()));
    now.set('errored', String((socket.errored as NodeJS.ErrnoException | null)?.message));
    now.set('sameServerPort', String(typeof socket.remotePort));
    now.set('localPort', String(typeof socket.localPort));
    now.set('listeners', listeners(socket, strict));
    // Whether a write failed before or after the end of the stream is a matter of when it was over.
    if (!strict && socket.errored !== null) now.delete('writableEnded');
    if (!strict) now.delete('writableNeedDrain');
    // Of a write that failed at once Node counts the bytes of a buffer, and not those of a short string.
    now.set('bytesWritten', socket.errored === null ? String(socket.bytesWritten) : 'failed');
    this.#lookAtReading(socket, now);
    return now;
  }

  /**
   * How far a socket reads ahead of a program that takes nothing depends on the size of the chunks. Below the mark it
   * has read all there is.
   */
  #lookAtReading(socket: net.Socket, now: Map<string, string>): void {
    const full = socket.readableLength >= socket.readableHighWaterMark;
    if (!socket.destroyed) {
      if (full) this.#filled.add(socket);
      else this.#filled.delete(socket);
    }
    const filled = this.#filled.has(socket);
    // How far it came before it failed or was destroyed is chance, where the peer has sent much.
    const isCutOff = socket.destroyed && !socket.readableEnded && (socket.errored !== null || socket.bytesRead > MUCH);
    now.set('readableLength', filled || isCutOff ? 'some' : String(socket.readableLength));
    now.set('bytesRead', filled || isCutOff ? 'some' : String(socket.bytesRead));
  }
}

function listeners(socket: net.Socket, strict: boolean): string {
  return socket
    .eventNames()
    .filter((name) => strict || name !== 'drain')
    .map((name) => `${String(name)}:${socket.listenerCount(name)}`)
    .sort()
    .join();
}
