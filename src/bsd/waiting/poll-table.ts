import type { PollEntries } from './waiter.js';

const FIRST_CAPACITY = 16;

/** Poll entries that are filled anew for each wait and grow as they must. */
export class PollTable implements PollEntries {
  descriptors: Int32Array<ArrayBuffer>;
  events: Uint16Array<ArrayBuffer>;
  revents: Uint16Array<ArrayBuffer>;
  count = 0;

  constructor(capacity = FIRST_CAPACITY) {
    this.descriptors = new Int32Array(capacity);
    this.events = new Uint16Array(capacity);
    this.revents = new Uint16Array(capacity);
  }

  clear(): void {
    this.count = 0;
  }

  /** Makes room for this many entries, for whoever writes them directly and sets `count`. */
  reserve(count: number): void {
    while (this.descriptors.length < count) this.#grow();
  }

  /** Adds an entry; gives its index. */
  push(descriptor: number, events: number): number {
    const index = this.count;
    if (index === this.descriptors.length) this.#grow();
    this.descriptors[index] = descriptor;
    this.events[index] = events;
    this.revents[index] = 0;
    this.count = index + 1;
    return index;
  }

  /** Takes an entry out; the last one takes its place. */
  removeAt(index: number): void {
    const last = --this.count;
    this.descriptors[index] = this.descriptors[last] as number;
    this.events[index] = this.events[last] as number;
    this.revents[index] = this.revents[last] as number;
  }

  #grow(): void {
    const capacity = this.descriptors.length * 2;
    const descriptors = new Int32Array(capacity);
    descriptors.set(this.descriptors);
    this.descriptors = descriptors;
    const events = new Uint16Array(capacity);
    events.set(this.events);
    this.events = events;
    const revents = new Uint16Array(capacity);
    revents.set(this.revents);
    this.revents = revents;
  }
}
