import type { DescriptorWatch } from '../ffi.js';
import { POLLIN } from '../linux/constants.js';
import { pollfd } from '../linux/structs.js';
import { libc } from './libc.js';

const INTERVAL_MS = 1;

/**
 * A watch by Node's own timers: each millisecond, and at every turn of the event loop while something is there. For
 * worker threads: `worker.terminate()` may come while koffi calls back into JavaScript, and koffi then ends the whole
 * process with a fatal error (napi_throw in an environment that is going away); a timer's callback is simply not run.
 */
export class PollingWatch implements DescriptorWatch {
  readonly #onReadable: () => void;
  readonly #entry = new Uint8Array(pollfd.size);
  readonly #view = new DataView(this.#entry.buffer);
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #referenced = true;
  readonly #tick = () => this.#look();

  constructor(descriptor: number, onReadable: () => void) {
    this.#onReadable = onReadable;
    this.#view.setInt32(pollfd.offset.fd, descriptor, true);
    this.#view.setInt16(pollfd.offset.events, POLLIN, true);
    this.#wait();
  }

  ref(): void {
    this.#referenced = true;
    this.#timer?.ref();
    this.#immediate?.ref();
  }

  unref(): void {
    this.#referenced = false;
    this.#timer?.unref();
    this.#immediate?.unref();
  }

  close(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#timer = undefined;
    this.#immediate = undefined;
    this.#view.setInt32(pollfd.offset.fd, -1, true);
  }

  #look(): void {
    const readable = libc().poll(this.#entry, 1, 0) > 0;
    if (readable) this.#onReadable();
    if (this.#view.getInt32(pollfd.offset.fd, true) === -1) return;
    if (!readable) return this.#wait();
    this.#timer = undefined;
    this.#immediate = setImmediate(this.#tick);
    if (!this.#referenced) this.#immediate.unref();
  }

  #wait(): void {
    this.#immediate = undefined;
    this.#timer = setTimeout(this.#tick, INTERVAL_MS);
    if (!this.#referenced) this.#timer.unref();
  }
}
