import { lastErrno } from '../../../native-bindings/ffi.js';
import * as c from '../../../native-bindings/linux/constants.js';
import { libc } from '../../../native-bindings/posix/libc.js';

/** A host socket to be waited for: what is asked, and what was found, as the host's poll bits. */
export interface HostWait {
  readonly descriptor: number;
  readonly events: number;
  found: number;
}

const WORDS_PER_ENTRY = 2;

/**
 * The sockets under the simulation: Linux's. A call gives its result, or the negated number of Linux's error. All of
 * them are non-blocking; whoever blocks does it in `wait`.
 */
export class HostSockets {
  readonly #calls = libc();
  readonly #value = new Int32Array(1);
  readonly #valueBytes = new Uint8Array(this.#value.buffer);
  readonly #length = new Uint32Array(1);
  readonly #lengthBytes = new Uint8Array(this.#length.buffer);
  #entries = new Int32Array(64 * WORDS_PER_ENTRY);

  socket(family: number, type: number, protocol: number): number {
    return result(this.#calls.socket(family, type | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC, protocol));
  }

  bind(descriptor: number, address: Uint8Array): number {
    return result(this.#calls.bind(descriptor, address, address.byteLength));
  }

  listen(descriptor: number, backlog: number): number {
    return result(this.#calls.listen(descriptor, backlog));
  }

  accept(descriptor: number): number {
    return result(this.#calls.accept4(descriptor, null, null, c.SOCK_NONBLOCK | c.SOCK_CLOEXEC));
  }

  connect(descriptor: number, address: Uint8Array): number {
    return result(this.#calls.connect(descriptor, address, address.byteLength));
  }

  recv(descriptor: number, target: Uint8Array | number, length: number, flags: number): number {
    const all = flags | c.MSG_DONTWAIT;
    if (typeof target === 'number') return result(this.#calls.recvAt(descriptor, target, length, all));
    return result(this.#calls.recv(descriptor, target, length, all));
  }

  /** Receives with the sender's address; how many bytes of it there are is written to the front of `addressLength`. */
  recvfrom(
    descriptor: number,
    target: Uint8Array,
    length: number,
    flags: number,
    address: Uint8Array,
    addressLength: Uint8Array,
  ): number {
    const all = flags | c.MSG_DONTWAIT;
    return result(this.#calls.recvfrom(descriptor, target, length, all, address, addressLength));
  }

  send(descriptor: number, source: Uint8Array | number, length: number, flags: number): number {
    const all = flags | c.MSG_DONTWAIT | c.MSG_NOSIGNAL;
    if (typeof source === 'number') return result(this.#calls.sendAt(descriptor, source, length, all));
    return result(this.#calls.send(descriptor, source, length, all));
  }

  sendto(descriptor: number, source: Uint8Array, length: number, flags: number, address: Uint8Array): number {
    const all = flags | c.MSG_DONTWAIT | c.MSG_NOSIGNAL;
    return result(this.#calls.sendto(descriptor, source, length, all, address, address.byteLength));
  }

  shutdown(descriptor: number, how: number): number {
    return result(this.#calls.shutdown(descriptor, how));
  }

  close(descriptor: number): number {
    return result(this.#calls.close(descriptor));
  }

  setOption(descriptor: number, level: number, name: number, value: Uint8Array): number {
    return result(this.#calls.setsockopt(descriptor, level, name, value, value.byteLength));
  }

  /** Fills `value`; how many bytes it took. */
  getOption(descriptor: number, level: number, name: number, value: Uint8Array): number {
    this.#length[0] = value.byteLength;
    const failed = result(this.#calls.getsockopt(descriptor, level, name, value, this.#lengthBytes));
    return failed < 0 ? failed : (this.#length[0] ?? 0);
  }

  /** SO_ERROR, which is cleared by this. */
  takeError(descriptor: number): number {
    this.#value[0] = 0;
    const failed = this.getOption(descriptor, c.SOL_SOCKET, c.SO_ERROR, this.#valueBytes);
    return failed < 0 ? 0 : (this.#value[0] ?? 0);
  }

  unreadBytes(descriptor: number): number {
    const failed = result(this.#calls.ioctl(descriptor, c.FIONREAD, this.#valueBytes));
    return failed < 0 ? failed : (this.#value[0] ?? 0);
  }

  /** Sent bytes that the peer has not acknowledged. */
  unacknowledgedBytes(descriptor: number): number {
    const failed = result(this.#calls.ioctl(descriptor, c.SIOCOUTQ, this.#valueBytes));
    return failed < 0 ? 0 : (this.#value[0] ?? 0);
  }

  /** The name of a socket's own end or of its peer's, with the length that it has. */
  name(descriptor: number, peer: boolean, address: Uint8Array): number {
    this.#length[0] = address.byteLength;
    const call = peer ? this.#calls.getpeername : this.#calls.getsockname;
    const failed = result(call(descriptor, address, this.#lengthBytes));
    return failed < 0 ? failed : Math.min(this.#length[0] ?? 0, address.byteLength);
  }

  /** poll(2) of what `entries` ask; fills in what was found. -1 for no limit of time. Interruptions are over at once. */
  wait(entries: readonly HostWait[], timeoutMs: number): void {
    if (this.#entries.length < entries.length * WORDS_PER_ENTRY) {
      this.#entries = new Int32Array(entries.length * 2 * WORDS_PER_ENTRY);
    }
    const words = this.#entries;
    entries.forEach(({ descriptor, events }, i) => {
      words[i * WORDS_PER_ENTRY] = descriptor;
      words[i * WORDS_PER_ENTRY + 1] = events;
    });
    const memory = new Uint8Array(words.buffer);
    const ready = this.#calls.poll(memory, entries.length, timeoutMs);
    entries.forEach((entry, i) => {
      entry.found = ready > 0 ? (words[i * WORDS_PER_ENTRY + 1] ?? 0) >>> 16 : 0;
    });
  }
}

/** errno is read in the very next native call; anything in between may overwrite it. */
function result(returned: number): number {
  return returned < 0 ? -lastErrno() : returned;
}
