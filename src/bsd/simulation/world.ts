import { EDEADLK } from '../../../native-bindings/linux/errno.js';
import type { StackProfile } from '../profile/profile.js';
import { Addresses } from './addresses.js';
import { Descriptors, type SimulatedSocket } from './descriptors.js';
import { ErrorReporter } from './errors.js';
import type { SimulationFlags } from './flags.js';
import { HostSockets, type HostWait } from './host.js';
import { Integers } from './memory.js';
import { Options } from './options.js';

const BLOCKING_LIMIT_MS = 5000;

/** What the parts of a simulated stack share. */
export class World {
  readonly profile: StackProfile;
  readonly flags: SimulationFlags;
  readonly integers: Integers;
  readonly errors: ErrorReporter;
  readonly host = new HostSockets();
  readonly descriptors: Descriptors;
  readonly addresses: Addresses;
  readonly options: Options;
  #waits = 0;
  #interruptions = 0;
  #nextInterruption: number;

  constructor(profile: StackProfile, flags: SimulationFlags) {
    this.profile = profile;
    this.flags = flags;
    this.#nextInterruption = flags.interruptEveryNthWait ?? 0;
    this.integers = new Integers(profile.byteOrder);
    this.errors = new ErrorReporter(profile, flags, this.integers);
    this.descriptors = new Descriptors(profile.limits, flags);
    this.addresses = new Addresses(profile, this.integers, flags.shortAddressRoomFails ?? false);
    this.options = new Options(profile, flags, this.integers, this.errors, this.host);
  }

  /** Blocks for a socket that may: 0, or EDEADLK where whatever it waits for would have to come from this thread. */
  blockFor(socket: SimulatedSocket, events: number): number {
    const wait: HostWait = { descriptor: socket.host, events, found: 0 };
    this.host.wait([wait], this.flags.blockingLimitMs ?? BLOCKING_LIMIT_MS);
    return wait.found === 0 ? -EDEADLK : 0;
  }

  /** Whether this is one of the waits that a signal interrupts. Signals keep no step with anybody's loop. */
  interrupts(): boolean {
    const every = this.flags.interruptEveryNthWait ?? 0;
    if (every === 0 || ++this.#waits < this.#nextInterruption) return false;
    this.#interruptions++;
    this.#nextInterruption = this.#waits + every + (this.#interruptions % 3);
    return true;
  }

  /** Closes every socket that was left open. */
  closeAll(): void {
    for (const { descriptor } of [...this.descriptors.all()]) {
      const closed = this.descriptors.remove(descriptor);
      if (typeof closed !== 'number' && closed.kind !== 'kqueue') this.host.close(closed.host);
    }
  }
}
