import { lastErrno } from '../../../native-bindings/ffi.js';
import * as c from '../../../native-bindings/linux/epoll.js';
import { EBADF, EFAULT, EINVAL, ENOSYS } from '../../../native-bindings/linux/errno.js';
import { mapAnonymousPages } from '../../../native-bindings/linux/pages.js';
import { MappedMemory } from '../../../native-bindings/memory.js';
import type { NativeValue } from '../library/library.js';
import type { EpollConstants } from '../profile/profile.js';
import { LINUX_EPOLL } from '../waiting/epoll-set.js';
import { SimulatedEpoll } from './descriptors.js';
import { bytesAt } from './memory.js';
import { Timeouts } from './timeouts.js';
import { INTERRUPTED } from './wait.js';
import type { World } from './world.js';

const MAX_EVENTS = 256;
const LONGEST_HOST_WAIT_MS = 2 ** 31 - 1;
const DATA_BYTES = 8;

/** epoll of the simulated stack, on the host's. Bits that its profile does not name are Linux's (EPOLLET, EPOLLRDHUP). */
export class Epolls {
  readonly #world: World;
  readonly #calls = c.epoll();
  readonly #timeouts: Timeouts;
  readonly #event = new Uint8Array(c.epoll_event.size);
  readonly #view = new DataView(this.#event.buffer);
  #memory: MappedMemory | null = null;

  constructor(world: World) {
    this.#world = world;
    this.#timeouts = new Timeouts(world.flags);
  }

  create(): number {
    return this.#world.descriptors.add((descriptor) => {
      const host = this.#calls.create1(c.EPOLL_CLOEXEC);
      return host < 0 ? -lastErrno() : new SimulatedEpoll(descriptor, host);
    });
  }

  control(descriptor: number, operation: number, target: number, pointer: NativeValue): number {
    const { descriptors, integers, profile } = this.#world;
    const layout = profile.layouts.epollEvent;
    if (layout === null) return -ENOSYS;
    const epoll = descriptors.epoll(descriptor);
    const socket = descriptors.socket(target);
    if (epoll === undefined || socket === undefined) return -EBADF;
    let data = new Uint8Array(0);
    const numbers = profile.constants.epoll ?? LINUX_EPOLL;
    const hostOperation = operationOf(numbers, operation);
    if (hostOperation !== c.EPOLL_CTL_DEL) {
      const bytes = bytesAt(pointer, layout.size);
      if (bytes === null) return -EFAULT;
      const [at, length] = layout.data;
      data = bytes.slice(at, at + length);
      const events = translate(integers.read(bytes, 0, layout.events), numbers, LINUX_EPOLL);
      this.#view.setUint32(c.epoll_event.offset.events, events >>> 0, true);
      this.#view.setBigUint64(c.epoll_event.offset.data, BigInt(target), true);
    }
    const failed = this.#calls.ctl(epoll.host, hostOperation, socket.host, this.#event);
    if (failed < 0) return -lastErrno();
    if (hostOperation === c.EPOLL_CTL_DEL) epoll.data.delete(target);
    else epoll.data.set(target, data);
    return 0;
  }

  wait(descriptor: number, pointer: NativeValue, maximum: number, timeout: number): number {
    const layout = this.#world.profile.layouts.epollEvent;
    if (layout === null) return -ENOSYS;
    const epoll = this.#world.descriptors.epoll(descriptor);
    if (epoll === undefined) return -EBADF;
    const timeoutMs = this.#timeouts.ofPoll(timeout);
    if (maximum <= 0 || timeoutMs < 0) return -EINVAL;
    const bytes = bytesAt(pointer, maximum * layout.size);
    if (bytes === null) return -EFAULT;
    if (this.#world.interrupts()) return INTERRUPTED;
    this.#memory ??= MappedMemory.map(MAX_EVENTS * c.epoll_event.size, mapAnonymousPages);
    const hostMs = timeoutMs === Number.POSITIVE_INFINITY ? -1 : Math.min(Math.ceil(timeoutMs), LONGEST_HOST_WAIT_MS);
    const count = this.#calls.wait(epoll.host, this.#memory.address(0), Math.min(maximum, MAX_EVENTS), hostMs);
    if (count < 0) return -lastErrno();
    const found = new DataView(this.#memory.buffer);
    for (let i = 0; i < count; i++) {
      const at = i * c.epoll_event.size;
      const target = Number(found.getBigUint64(at + c.epoll_event.offset.data, true));
      const numbers = this.#world.profile.constants.epoll ?? LINUX_EPOLL;
      const events = translate(found.getUint32(at + c.epoll_event.offset.events, true), LINUX_EPOLL, numbers);
      this.#world.integers.write(bytes, i * layout.size, layout.events, events | 0);
      bytes.set(epoll.data.get(target) ?? new Uint8Array(DATA_BYTES), i * layout.size + layout.data[0]);
    }
    return count;
  }
}

/** The host's number of an operation; one that the stack does not have stays as it is, and the host refuses it. */
function operationOf(numbers: EpollConstants, operation: number): number {
  if (operation === numbers.EPOLL_CTL_ADD) return c.EPOLL_CTL_ADD;
  if (operation === numbers.EPOLL_CTL_MOD) return c.EPOLL_CTL_MOD;
  return operation === numbers.EPOLL_CTL_DEL ? c.EPOLL_CTL_DEL : -1;
}

const BITS = ['EPOLLIN', 'EPOLLPRI', 'EPOLLOUT', 'EPOLLERR', 'EPOLLHUP'] as const;

function translate(events: number, from: EpollConstants, to: EpollConstants): number {
  let named = 0;
  let translated = 0;
  for (const bit of BITS) {
    named |= from[bit];
    if ((events & from[bit]) !== 0) translated |= to[bit];
  }
  return (events & ~named) | translated;
}
