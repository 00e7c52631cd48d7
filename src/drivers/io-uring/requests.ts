import { ECANCELED } from '../../../native-bindings/linux/errno.js';
import {
  IORING_CQE_F_MORE,
  IORING_OP_ASYNC_CANCEL,
  IORING_OP_POLL_ADD,
} from '../../../native-bindings/linux/io-uring.js';
import type { BsdStack } from '../../bsd/stack.js';
import type { DriverEvents } from '../../port/driver.js';
import type { Operation } from '../../port/operation.js';
import type { ProvidedBuffers } from './provided-buffers.js';
import type { Ring } from './ring.js';
import { Ending, INDEX_BITS, REQUEST_CANCEL, type RequestKind, type RingSocket } from './ring-socket.js';
import type { SendSlabs } from './send-slabs.js';

/** What the parts of the driver share: the ring, its memory, and the bookkeeping of requests in the kernel. */
export class Requests {
  readonly ring: Ring;
  readonly buffers: ProvidedBuffers;
  readonly slabs: SendSlabs;
  readonly stack: BsdStack;
  readonly events: DriverEvents;
  /** Receives and accepts to be ended once the completions that are on their way have been looked at. */
  readonly cancelsToSettle: Operation[] = [];
  pending = 0;

  constructor(ring: Ring, buffers: ProvidedBuffers, slabs: SendSlabs, stack: BsdStack, events: DriverEvents) {
    this.ring = ring;
    this.buffers = buffers;
    this.slabs = slabs;
    this.stack = stack;
    this.events = events;
  }

  /** Collects a request of the socket's; gives the submission's index for further fields. */
  push(
    socket: RingSocket,
    kind: RequestKind,
    opcode: number,
    sqeFlags: number,
    ioprio: number,
    address: number,
    length: number,
  ): number {
    socket.requests |= 1 << kind;
    this.pending++;
    const low = (kind << INDEX_BITS) | socket.index;
    return this.ring.push(opcode, sqeFlags, ioprio, socket.descriptor, address, length, low, socket.generation);
  }

  /** Waits once for poll(2) events on the socket, unless that wait is there already. */
  poll(socket: RingSocket, kind: RequestKind, events: number): void {
    if (socket.holds(kind)) return;
    const at = this.push(socket, kind, IORING_OP_POLL_ADD, 0, 0, 0, 0);
    this.ring.setOperationFlags(at, events);
  }

  /** Asks the kernel to cancel a request that it holds; asking twice asks once. */
  cancel(socket: RingSocket, kind: RequestKind): void {
    const bit = 1 << kind;
    if ((socket.requests & bit) === 0) return;
    socket.ending ??= new Ending();
    if ((socket.ending.cancelled & bit) !== 0) return;
    socket.ending.cancelled |= bit;
    socket.ending.cancelsInFlight++;
    this.pending++;
    const low = (REQUEST_CANCEL << INDEX_BITS) | socket.index;
    const at = this.ring.push(IORING_OP_ASYNC_CANCEL, 0, 0, -1, 0, 0, low, socket.generation);
    this.ring.setTarget(at, (kind << INDEX_BITS) | socket.index, socket.generation);
  }

  /** Books a completion; true where it was the request's last. */
  ended(socket: RingSocket, kind: RequestKind, flags: number): boolean {
    if ((flags & IORING_CQE_F_MORE) !== 0) return false;
    socket.requests &= ~(1 << kind);
    if (socket.ending !== null) socket.ending.cancelled &= ~(1 << kind);
    this.pending--;
    return true;
  }

  cancelEnded(socket: RingSocket): void {
    if (socket.ending !== null) socket.ending.cancelsInFlight--;
    this.pending--;
  }

  /** Ends a driver-started operation with the kernel's result. */
  finish(operation: Operation, result: number): void {
    if (result >= 0) operation.done(result);
    else if (result === -ECANCELED) operation.cancelled();
    else operation.failed(-result);
    this.events.completed(operation);
  }
}
