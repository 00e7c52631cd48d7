import type net from 'node:net';

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
  'bytesWritten',
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
  changes(socket: net.Socket): string {
    const now = this.#look(socket);
    const changed = [...now].filter(([key, value]) => this.#last.get(key) !== value);
    this.#last = now;
    return changed.map(([key, value]) => `${key}=${value}`).join(' ');
  }

  #look(socket: net.Socket): Map<string, string> {
    const all = socket as unknown as Record<string, unknown>;
    const now = new Map<string, string>(PLAIN.map((key) => [key, String(all[key])]));
    now.set('isPaused', String(socket.isPaused()));
    now.set('errored', String((socket.errored as NodeJS.ErrnoException | null)?.message));
    now.set('sameServerPort', String(typeof socket.remotePort));
    now.set('localPort', String(typeof socket.localPort));
    now.set('listeners', listeners(socket));
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
    now.set('readableLength', filled ? 'full' : String(socket.readableLength));
    now.set('bytesRead', filled ? 'full' : String(socket.bytesRead));
  }
}

function listeners(socket: net.Socket): string {
  return socket
    .eventNames()
    .map((name) => `${String(name)}:${socket.listenerCount(name)}`)
    .sort()
    .join();
}
