import type { AddressFamily, SocketAddress } from './address.js';
import type { DatagramBatch } from './datagrams.js';
import type { ErrorTable } from './error-names.js';
import type { Operation } from './operation.js';
import type { SocketOptionName, SocketOptionValue } from './socket-options.js';

export type DriverName = 'io_uring' | 'readiness' | 'iocp';
export type SocketType = 'stream' | 'datagram';
export type ShutdownHow = 'recv' | 'send' | 'both';

/** A driver's own state of one socket. Opaque above the driver. */
export interface DriverSocket {
  /** The descriptor or handle, for messages; -1 once closed. */
  readonly descriptor: number;
  readonly family: AddressFamily;
  readonly type: SocketType;
}

/** What a driver tells the proactor. None of it runs user code. */
export interface DriverEvents {
  /** An operation has reached its one terminal completion; its result is in it. */
  completed(operation: Operation): void;
  /** The driver has something to flush and is not inside a flush: call `flush()` at the end of this host callback. */
  flushWanted(): void;
}

/**
 * A driver turns operations into completions, and nothing else: it knows no promises, no timers and no queues.
 *
 * At most one operation of each direction (accept and the receives; connect and the sends) is started on a socket at
 * a time; the layer above queues the others. Synchronous calls return or throw; those that can fail for the system's
 * reasons return 0 or the platform's error number, which `errors` names.
 */
export interface Driver {
  readonly name: DriverName;
  readonly errors: ErrorTable;
  /** A listener needs SO_REUSEADDR to take its port again after a restart. True on POSIX; on Windows it would hijack. */
  readonly listenersReuseAddress: boolean;
  /**
   * A close with `reset` makes the peer see a RST; false where the stack sends a FIN all the same, unless there are sent
   * bytes that the peer has not acknowledged. Absent: true.
   */
  readonly abortResets?: boolean;

  /** Opens a socket: the driver's state of it, or the error number. */
  open(family: AddressFamily, type: SocketType): DriverSocket | number;
  /** Gives the socket its own address; for one that is to listen, so that nobody else can take the port from it. */
  bind(socket: DriverSocket, address: SocketAddress, toListen?: boolean): number;
  listen(socket: DriverSocket, backlog: number): number;
  localAddress(socket: DriverSocket): SocketAddress | null;
  remoteAddress(socket: DriverSocket): SocketAddress | null;
  setOption(socket: DriverSocket, name: SocketOptionName, value: SocketOptionValue): number;
  /** The option's value, or the negated error number. */
  getOption(socket: DriverSocket, name: SocketOptionName): number;
  shutdown(socket: DriverSocket, how: ShutdownHow): number;

  /**
   * Starts an operation. True: it has ended already and its result is in it. False: `completed` will be called with
   * it, once, later.
   */
  start(operation: Operation): boolean;
  /** Requests a cancel. The operation ends by `completed` all the same, and perhaps with its bytes. */
  cancel(operation: Operation): void;

  /**
   * Whether a receive or an accept would end at once with what the driver has taken from the kernel ahead of it: to the
   * kernel such a socket is not ready. Absent where the driver takes nothing ahead.
   */
  receivedAhead?(socket: DriverSocket): boolean;
  /** Bytes that have arrived and were not received, in the driver and in the kernel. */
  unreadBytes(socket: DriverSocket): number;
  /**
   * Closes the socket. Whatever is pending is cancelled and *reaped* first, so that no request outlives the
   * descriptor; `reset` makes the peer see a RST (SO_LINGER {1,0}). Received bytes that nobody took make it a RST too
   * (RFC 2525 section 2.17). Calls `closed` once, with their number, when all of it is over; perhaps before it returns.
   * The operations of the socket have ended before.
   */
  close(socket: DriverSocket, reset: boolean, closed: (unreadBytes: number) => void): void;

  /** A view on bytes of a lent buffer. The view dies with `releaseLent`. */
  lentBytes(buffer: number, offset: number, length: number): Uint8Array;
  retainLent(buffer: number): void;
  releaseLent(buffer: number): void;

  /** A batch for `recvBatch` and `sendBatch`, in memory that the kernel may hold. */
  createBatch(capacity: number, datagramBytes: number): DatagramBatch;
  /** Joins or leaves a multicast group; the interface is a local address of it, '' for the system's choice. */
  membership(socket: DriverSocket, group: SocketAddress, localInterface: string, join: boolean): number;

  /** Hands everything collected to the kernel and delivers the completions that are there. */
  flush(): void;
  /** Whether the driver's watch keeps the process alive. */
  setReferenced(referenced: boolean): void;
  /** Ends the driver; memory the kernel may still touch is leaked, not freed. */
  destroy(): void;
  /** Counters for tests and `doctor`. */
  statistics(): DriverStatistics;
}

export interface DriverStatistics {
  readonly openSockets: number;
  /** Requests that the kernel holds at this moment, the driver's own included. */
  readonly pendingRequests: number;
  readonly lentBuffers: number;
  /** Completions dropped because they named a generation that is gone. Always 0 but for a bug or a hostile kernel. */
  readonly staleCompletions: number;
}

/** What a driver's probe found: whether it can be used here, and each thing that was tried. */
export interface DriverReport {
  readonly name: DriverName;
  readonly usable: boolean;
  /** Why it cannot be used; empty where it can. */
  readonly reason: string;
  readonly findings: readonly string[];
}
