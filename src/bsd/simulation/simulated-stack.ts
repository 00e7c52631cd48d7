import * as errno from '../../../native-bindings/linux/errno.js';
import { InvalidArgumentError } from '../../port/errors.js';
import type { FunctionType, NativeCall, NativeType, NativeValue, StackLibrary } from '../library/library.js';
import type { CallName } from '../profile/calls.js';
import type { SetUpCall, StackProfile } from '../profile/profile.js';
import { Connections } from './connections.js';
import type { SimulatedSocket } from './descriptors.js';
import { Epolls } from './epolls.js';
import { MINUS_ONE } from './errors.js';
import type { SimulationFlags } from './flags.js';
import { Kqueues } from './kqueues.js';
import { bytesAt } from './memory.js';
import { Poll } from './poll.js';
import { Select } from './select.js';
import { Transfers } from './transfers.js';
import { World } from './world.js';

/** Gives what Linux would give: a result, or the negated number of its error. */
type Handler = (values: readonly NativeValue[]) => number;
type SocketHandler = (socket: SimulatedSocket, values: readonly NativeValue[]) => number;

/**
 * A socket stack as a profile describes it, which misbehaves as its flags say, on top of the host's own sockets. It is
 * found through the same surface as a real one, and whoever calls it cannot tell: names, numbers, layouts, byte order,
 * descriptors and the way errors are told are the profile's. What it cannot do it refuses with the error that the stack
 * would give.
 *
 * Linux only. Belongs to the thread that made it; `destroy` closes whatever sockets were left open.
 */
export class SimulatedStack implements StackLibrary {
  readonly name: string;
  readonly #world: World;
  readonly #handlers = new Map<string, Handler>();
  readonly #calledSetUps = new Set<string>();
  /** Since the stack was last up: a tear-down may take several calls. */
  readonly #calledTearDowns = new Set<string>();
  #isUp: boolean;

  /** The flags are the profile's own unless told otherwise. */
  constructor(profile: StackProfile, flags: SimulationFlags = profile.quirks) {
    this.name = `simulation of ${profile.name}`;
    this.#world = new World(profile, flags);
    this.#isUp = !flags.needsInit;
    const handlers = this.#calls();
    for (const [call, symbol] of Object.entries(profile.symbols) as [CallName, string][]) {
      const handler = handlers[call];
      if (handler !== undefined) this.#handlers.set(symbol, this.#answering(handler, call));
    }
    for (const call of profile.setUp) this.#handlers.set(call.symbol, (values) => this.#setUp(call, values));
    if (!flags.noTearDown) {
      for (const call of profile.tearDown) this.#handlers.set(call.symbol, (values) => this.#tearDown(call, values));
    }
    const { errorReport } = profile;
    if (errorReport.by === 'call') this.#handlers.set(errorReport.symbol, () => this.#world.errors.last);
    if (errorReport.by === 'location') this.#handlers.set(errorReport.symbol, () => this.#world.errors.location);
  }

  /** Sockets, epolls and kqueues that are open. */
  get openDescriptors(): number {
    return this.#world.descriptors.size;
  }

  find(symbol: string, type: FunctionType): NativeCall | null {
    const handler = this.#handlers.get(symbol);
    if (handler === undefined) return null;
    const { parameters, result } = type;
    return (...values) => {
      if (values.length !== parameters.length) {
        throw new InvalidArgumentError(`${symbol}() takes ${parameters.length} arguments, not ${values.length}`);
      }
      return returned(handler(values.map((value, i) => passed(value, parameters[i] as NativeType))), result);
    };
  }

  lastErrno(): number {
    return this.#world.errors.last;
  }

  readInt32(address: number): number {
    const bytes = bytesAt(address, 4);
    return bytes === null ? 0 : this.#world.integers.readInt32(bytes);
  }

  /** Closes every socket that is open. */
  destroy(): void {
    this.#world.closeAll();
  }

  #calls(): Partial<Record<CallName, Handler>> {
    const world = this.#world;
    const connections = new Connections(world);
    const transfers = new Transfers(world);
    const poll = new Poll(world);
    const select = new Select(world);
    const epolls = new Epolls(world);
    const kqueues = new Kqueues(world);
    return {
      socket: (values) => {
        // Sony's take a name first (sceNetSocket).
        const [family, type, protocol] = typeof values[0] === 'number' ? values : values.slice(1);
        return connections.socket(number(family), number(type), number(protocol));
      },
      bind: this.#ofSocket((socket, [, address, length]) => connections.bind(socket, memory(address), number(length))),
      listen: this.#ofSocket((socket, [, backlog]) => connections.listen(socket, number(backlog))),
      accept: this.#ofSocket((socket, [, to, room]) => connections.accept(socket, memory(to), memory(room))),
      connect: this.#ofSocket((socket, [, to, length]) => connections.connect(socket, memory(to), number(length))),
      recv: this.#ofSocket((socket, [, into, length, flags]) =>
        transfers.recvfrom(socket, memory(into), number(length), number(flags), null, null),
      ),
      recvfrom: this.#ofSocket((socket, [, into, length, flags, from, room]) =>
        transfers.recvfrom(socket, memory(into), number(length), number(flags), memory(from), memory(room)),
      ),
      send: this.#ofSocket((socket, [, from, length, flags]) =>
        transfers.sendto(socket, memory(from), number(length), number(flags), null, 0),
      ),
      sendto: this.#ofSocket((socket, [, from, length, flags, to, toLength]) =>
        transfers.sendto(socket, memory(from), number(length), number(flags), memory(to), number(toLength)),
      ),
      shutdown: this.#ofSocket((socket, [, how]) => connections.shutdown(socket, number(how))),
      close: ([descriptor]) => connections.close(number(descriptor)),
      getsockname: this.#ofSocket((socket, [, to, room]) => connections.name(socket, false, memory(to), memory(room))),
      getpeername: this.#ofSocket((socket, [, to, room]) => connections.name(socket, true, memory(to), memory(room))),
      getsockopt: this.#ofSocket((socket, [, level, name, to, room]) =>
        world.options.get(socket, number(level), number(name), memory(to), memory(room)),
      ),
      setsockopt: this.#ofSocket((socket, [, level, name, from, length]) =>
        world.options.set(socket, number(level), number(name), memory(from), number(length)),
      ),
      fcntl: this.#ofSocket((socket, [, command, argument]) => this.#fcntl(socket, number(command), number(argument))),
      ioctl: this.#ofSocket((socket, [, request, argument]) => this.#ioctl(socket, number(request), memory(argument))),
      poll: ([entries, count, timeout]) => poll.poll(memory(entries), number(count), number(timeout)),
      select: ([nfds, read, write, except, timeout]) =>
        select.select(number(nfds), memory(read), memory(write), memory(except), memory(timeout)),
      epoll_create: () => epolls.create(),
      epoll_ctl: ([epoll, operation, target, event]) =>
        epolls.control(number(epoll), number(operation), number(target), memory(event)),
      epoll_wait: ([epoll, events, maximum, timeout]) =>
        epolls.wait(number(epoll), memory(events), number(maximum), number(timeout)),
      epoll_close: ([descriptor]) => connections.close(number(descriptor)),
      kqueue: () => kqueues.create(),
      kevent: ([kqueue, changes, changeCount, events, room, timeout]) =>
        kqueues.event(
          number(kqueue),
          { pointer: memory(changes), count: number(changeCount) },
          { pointer: memory(events), count: number(room) },
          memory(timeout),
        ),
    };
  }

  #ofSocket(handle: SocketHandler): Handler {
    return (values) => {
      const socket = this.#world.descriptors.socket(number(values[0]));
      return socket === undefined ? -errno.EBADF : handle(socket, values);
    };
  }

  /** A handler that answers as the stack does. */
  #answering(handle: Handler, call: CallName): Handler {
    const { descriptors, errors, flags } = this.#world;
    return (values) => {
      if (!this.#isUp) return errors.fail(errors.numberNamed(flags.errorBeforeSetUp ?? 'EBUSY'));
      const socket = descriptors.socket(typeof values[0] === 'number' ? values[0] : -1);
      const result = handle(values);
      if (result >= 0) return result;
      if (result === MINUS_ONE) return -1;
      const failed = socket === undefined ? errors.numberOf(-result) : errors.numberFor(socket, -result);
      const { by } = this.#world.profile.errorReport;
      const wrongSign =
        call === 'fcntl' && flags.fcntlErrnoWrongSign && by !== 'negatedResult' && by !== 'taggedResult';
      return errors.fail(wrongSign ? -failed : failed);
    };
  }

  #fcntl(socket: SimulatedSocket, command: number, argument: number): number {
    const { nonBlocking } = this.#world.profile;
    if (nonBlocking.by !== 'fcntl') return -errno.EINVAL;
    switch (command) {
      case nonBlocking.F_GETFL:
        return socket.blocking ? 0 : nonBlocking.O_NONBLOCK;
      case nonBlocking.F_SETFL:
        socket.blocking = (argument & nonBlocking.O_NONBLOCK) === 0;
        return 0;
      // Every socket of the host's is closed on exec as it is.
      case nonBlocking.F_SETFD:
        return 0;
      default:
        return -errno.EINVAL;
    }
  }

  #ioctl(socket: SimulatedSocket, request: number, pointer: NativeValue): number {
    const { host, integers, profile } = this.#world;
    const bytes = bytesAt(pointer, 4);
    if (bytes === null) return -errno.EFAULT;
    // Requests have their high bit set on the BSDs: what is a long there has passed through an int elsewhere.
    const isRequest = (known: number | null) => known !== null && known >>> 0 === request >>> 0;
    if (profile.nonBlocking.by === 'ioctl' && isRequest(profile.nonBlocking.FIONBIO)) {
      socket.blocking = integers.readInt32(bytes) === 0;
      return 0;
    }
    if (!isRequest(profile.constants.FIONREAD)) return -errno.ENOTTY;
    const unread = host.unreadBytes(socket.host);
    if (unread < 0) return unread;
    integers.writeInt32(bytes, unread);
    return 0;
  }

  /** The stack is up once each call of its set-up has been made with what it needs. */
  #setUp(call: SetUpCall, values: readonly NativeValue[]): number {
    const refused = this.#checkArguments(call, values);
    if (refused !== 0) return refused;
    const { errors, flags, profile } = this.#world;
    if (this.#isUp && flags.needsInit && flags.noTearDown) return errors.fail(errors.numberOf(errno.EBUSY));
    this.#calledSetUps.add(call.symbol);
    if (profile.setUp.every(({ symbol }) => this.#calledSetUps.has(symbol))) {
      this.#isUp = true;
      this.#calledTearDowns.clear();
    }
    return 0;
  }

  #tearDown(call: SetUpCall, values: readonly NativeValue[]): number {
    const refused = this.#checkArguments(call, values);
    if (refused !== 0) return refused;
    const { errors, flags } = this.#world;
    const continues = this.#calledTearDowns.size > 0 && !this.#calledTearDowns.has(call.symbol);
    if (!this.#isUp && !continues) return errors.fail(errors.numberNamed(flags.errorBeforeSetUp ?? 'EBUSY'));
    this.#calledTearDowns.add(call.symbol);
    this.#world.closeAll();
    this.#calledSetUps.clear();
    this.#isUp = !flags.needsInit;
    return 0;
  }

  #checkArguments(call: SetUpCall, values: readonly NativeValue[]): number {
    const { errors } = this.#world;
    for (const [i, argument] of call.arguments.entries()) {
      const value = values[i] ?? null;
      if ('int32' in argument) {
        if (value !== argument.int32) return errors.fail(errors.numberOf(errno.EINVAL));
        continue;
      }
      if (argument.memory === null) {
        if (value !== null) return errors.fail(errors.numberOf(errno.EINVAL));
        continue;
      }
      const bytes = bytesAt(value, argument.memory.bytes);
      if (bytes === null) return errors.fail(errors.numberOf(errno.EFAULT));
      for (const [at, word] of argument.memory.words ?? []) {
        if (this.#world.integers.readInt32(bytes, at) !== (word | 0)) {
          return errors.fail(errors.numberOf(errno.EINVAL));
        }
      }
    }
    return 0;
  }
}

/** A number argument; NULL and memory where a number should be are 0, as their bits are to nobody's use. */
function number(value: NativeValue | undefined): number {
  return typeof value === 'number' ? value : 0;
}

function memory(value: NativeValue | undefined): NativeValue {
  return value ?? null;
}

/** An argument as the callee sees it. */
function passed(value: NativeValue, type: NativeType): NativeValue {
  if (type === 'memory') {
    if (value === null || value instanceof Uint8Array) return value;
    throw new InvalidArgumentError('Memory is a Uint8Array or null');
  }
  if (typeof value !== 'number') throw new InvalidArgumentError('An integer is a number');
  switch (type) {
    case 'int32':
      return value | 0;
    case 'uint32':
      return value >>> 0;
    default:
      return Math.trunc(value);
  }
}

/** A result as the caller sees it: a negative one of an unsigned type is a large number. */
function returned(result: number, type: NativeType): number {
  switch (type) {
    case 'int32':
      return result | 0;
    case 'uint32':
      return result >>> 0;
    case 'uint64':
    case 'size':
    case 'address':
      return result < 0 ? 2 ** 64 + result : result;
    default:
      return result;
  }
}
