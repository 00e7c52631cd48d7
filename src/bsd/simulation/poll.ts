import * as c from '../../../native-bindings/linux/constants.js';
import { EFAULT, EINVAL, ENOSYS } from '../../../native-bindings/linux/errno.js';
import type { NativeValue } from '../library/library.js';
import type { PollConstants, StackLayouts } from '../profile/profile.js';
import type { SimulatedSocket } from './descriptors.js';
import { MINUS_ONE } from './errors.js';
import { bytesAt } from './memory.js';
import { Timeouts } from './timeouts.js';
import { type Entry, INTERRUPTED, Wait } from './wait.js';
import type { World } from './world.js';

type Pollfd = NonNullable<StackLayouts['pollfd']>;

/** poll() of the simulated stack. */
export class Poll {
  readonly #world: World;
  readonly #wait: Wait;
  readonly #timeouts: Timeouts;

  constructor(world: World) {
    this.#world = world;
    this.#wait = new Wait(world);
    this.#timeouts = new Timeouts(world.flags);
  }

  /** The entries with something in them, the negated number of Linux's error, or MINUS_ONE. */
  poll(pointer: NativeValue, count: number, timeout: number): number {
    const { flags, profile } = this.#world;
    const layout = profile.layouts.pollfd;
    if (layout === null) return -ENOSYS;
    // Where the count is signed, a negative one has come as such; elsewhere it is a number beyond any limit.
    if (count <= 0) {
      if (flags.pollZeroFails) return -EINVAL;
      if (flags.pollZeroReturnsAtOnce) return 0;
      if (count < 0) return -EINVAL;
    }
    if (count > profile.limits.highestDescriptor + 1) return -EINVAL;
    const timeoutMs = this.#timeouts.ofPoll(timeout);
    if (timeoutMs < 0) return -EINVAL;
    if (count === 0) return this.#sleep(timeoutMs);
    const bytes = bytesAt(pointer, count * layout.size);
    return bytes === null ? -EFAULT : new Polling(this.#world, this.#wait, layout, bytes, count).run(timeoutMs);
  }

  #sleep(timeoutMs: number): number {
    return this.#wait.run([], timeoutMs, () => 0).interrupted ? INTERRUPTED : 0;
  }
}

/** One call of poll. */
class Polling {
  readonly #world: World;
  readonly #wait: Wait;
  readonly #layout: Pollfd;
  readonly #bytes: Uint8Array;
  readonly #count: number;
  readonly #bits: PollConstants;
  /** The entry of an open socket, by the place among the entries that are waited for. */
  readonly #places: number[] = [];

  constructor(world: World, wait: Wait, layout: Pollfd, bytes: Uint8Array, count: number) {
    this.#world = world;
    this.#wait = wait;
    this.#layout = layout;
    this.#bytes = bytes;
    this.#count = count;
    this.#bits = world.profile.constants.poll;
  }

  run(timeoutMs: number): number {
    const entries: Entry[] = [];
    let invalid = 0;
    let aborts = false;
    for (let i = 0; i < this.#count; i++) {
      const descriptor = this.#descriptorOf(i);
      if (descriptor === null) continue;
      const socket = this.#world.descriptors.socket(descriptor);
      if (socket !== undefined) {
        this.#places.push(i);
        entries.push({ socket, events: this.#hostEvents(this.#read(i, this.#layout.events)) });
      } else if (this.#world.flags.pollInvalidFdAborts) {
        aborts = true;
        break;
      } else invalid++;
    }
    let answers = new Uint32Array(0);
    const { count, failing, interrupted } = this.#wait.run(entries, invalid > 0 || aborts ? 0 : timeoutMs, (found) => {
      answers = Uint32Array.from(found, (bits, i) => this.#answer(entries[i] as Entry, bits));
      return answers.reduce((ready, answer) => ready + (answer === 0 ? 0 : 1), invalid);
    });
    if (interrupted) return INTERRUPTED;
    this.#write(answers, aborts);
    if (aborts) return MINUS_ONE;
    return this.#result(count, failing, answers);
  }

  #result(count: number, failing: SimulatedSocket | null, answers: Uint32Array): number {
    const { errors, flags } = this.#world;
    if (failing !== null) {
      const error = this.#wait.reported(failing);
      if (!flags.pollErrorCountIsMinusOne) return -error;
      errors.setLast(errors.numberFor(failing, error));
      return MINUS_ONE;
    }
    const { POLLERR } = this.#bits;
    return flags.pollErrorCountIsMinusOne && answers.some((answer) => (answer & POLLERR) !== 0) ? MINUS_ONE : count;
  }

  /** What the entry's `revents` becomes. */
  #answer({ socket, events }: Entry, found: number): number {
    const { flags } = this.#world;
    let seen = found;
    if (flags.connectFailInvisible && socket.connectFailed) return 0;
    if (flags.udpReset && socket.type === c.SOCK_DGRAM && (seen & c.POLLERR) !== 0) {
      seen = (seen & ~c.POLLERR) | (events & c.POLLIN);
    }
    if (flags.hupFoldedIntoIn && (seen & c.POLLHUP) !== 0) seen = (seen & ~c.POLLHUP) | c.POLLIN;
    return this.#stackBits(seen);
  }

  /** Writes every `revents`, or those up to the entry at which the call gives up. */
  #write(answers: Uint32Array, aborts: boolean): void {
    const { revents } = this.#layout;
    const { integers } = this.#world;
    let place = 0;
    for (let i = 0; i < this.#count; i++) {
      const descriptor = this.#descriptorOf(i);
      let answer = 0;
      if (this.#places[place] === i) answer = answers[place++] ?? 0;
      else if (descriptor !== null) {
        if (aborts) return;
        answer = this.#bits.POLLNVAL;
      }
      integers.write(this.#bytes, i * this.#layout.size, revents, answer);
    }
  }

  /** The entry's descriptor; null where it is to be passed over. */
  #descriptorOf(i: number): number | null {
    const descriptor = this.#read(i, this.#layout.fd);
    return descriptor < 0 ? null : descriptor;
  }

  #read(i: number, field: Pollfd['fd']): number {
    return this.#world.integers.read(this.#bytes, i * this.#layout.size, field);
  }

  #hostEvents(events: number): number {
    const { POLLIN, POLLPRI, POLLOUT } = this.#bits;
    return (
      ((events & POLLIN) !== 0 ? c.POLLIN : 0) |
      ((events & POLLPRI) !== 0 ? c.POLLPRI : 0) |
      ((events & POLLOUT) !== 0 ? c.POLLOUT : 0)
    );
  }

  #stackBits(found: number): number {
    const { POLLIN, POLLPRI, POLLOUT, POLLERR, POLLHUP } = this.#bits;
    return (
      ((found & c.POLLIN) !== 0 ? POLLIN : 0) |
      ((found & c.POLLPRI) !== 0 ? POLLPRI : 0) |
      ((found & c.POLLOUT) !== 0 ? POLLOUT : 0) |
      ((found & c.POLLERR) !== 0 ? POLLERR : 0) |
      ((found & c.POLLHUP) !== 0 ? POLLHUP : 0)
    );
  }
}
