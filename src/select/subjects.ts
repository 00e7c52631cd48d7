import type { OpenStack } from '../bsd/open-stack.js';
import { InvalidArgumentError, OutOfRangeError, SocketStateError } from '../port/errors.js';
import { stackOf } from '../sockets/default-proactor.js';
import { OverlappedSocket } from '../sockets/overlapped-socket.js';
import { hostStack } from './host-stack.js';

/** What can be waited for: a TcpSocket, TcpListener or UdpSocket, or a descriptor's number on the stack. */
export type Selectable = OverlappedSocket | number;

/** How a wait is made besides its timeout. */
export interface SelectOptions {
  /** The stack that descriptors are numbers on. Absent: the sockets' own, or the platform's. */
  readonly stack?: OpenStack | undefined;
}

/** The sockets and descriptors of one wait, checked, and the stack that they are all on. */
export class Subjects {
  /** Sockets of ours, each once. */
  readonly sockets = new Set<OverlappedSocket>();
  /** A socket was received from ahead, or may be at any time: the descriptors do not tell all. */
  readsAhead = false;
  #stack: OpenStack | undefined;
  #named: boolean;

  constructor(options: SelectOptions) {
    if (typeof options !== 'object' || options === null) throw new InvalidArgumentError('options must be an object');
    const { stack } = options;
    if (stack !== undefined && typeof stack?.waiter?.poll !== 'function') {
      throw new InvalidArgumentError('stack must come from openStack()');
    }
    this.#stack = stack;
    this.#named = stack !== undefined;
  }

  get stack(): OpenStack {
    this.#stack ??= hostStack();
    return this.#stack;
  }

  /** The descriptor of a subject. Throws for what is none, is closed, or lives on another stack than the others. */
  descriptorOf(subject: Selectable, name: string): number {
    if (typeof subject === 'number') {
      if (!Number.isInteger(subject) || subject < -(2 ** 31) || subject > 2 ** 31 - 1) {
        throw new OutOfRangeError(`${name} must be a descriptor, and not ${subject}`);
      }
      return subject;
    }
    if (!(subject instanceof OverlappedSocket)) {
      throw new InvalidArgumentError(`${name} must be a socket or a descriptor's number, and not ${kind(subject)}`);
    }
    if (subject.phase !== 'open') throw new SocketStateError(`${name} is ${subject.phase}`, 'ERR_SOCKET_CLOSED');
    this.#checkStack(subject, name);
    this.sockets.add(subject);
    if (subject.receivedAhead !== undefined) this.readsAhead = true;
    return subject.descriptor;
  }

  #checkStack(socket: OverlappedSocket, name: string): void {
    const stack = stackOf(socket.proactor) ?? hostStack();
    if (!this.#named) {
      this.#stack = stack;
      this.#named = true;
    } else if (stack !== this.#stack) {
      throw new InvalidArgumentError(`${name} is on another stack: ${stack.profile.name}`, 'ERR_INVALID_ARG_VALUE');
    }
  }

  /** Lets the drivers take in what has arrived by now. */
  takeIn(): void {
    for (const proactor of new Set([...this.sockets].map((socket) => socket.proactor))) proactor.driver.flush();
  }
}

/** How a message names a value of the wrong type. */
export function kind(value: unknown): string {
  if (value === null) return 'null';
  return typeof value === 'object' ? (value.constructor?.name ?? 'an object') : typeof value;
}
