import { MSG_PEEK } from '../../../native-bindings/windows/constants.js';
import { type ExtensionFunctions, extensionFunction } from '../../../native-bindings/windows/mswsock.js';
import { STATUS_PENDING } from '../../../native-bindings/windows/ntstatus.js';
import { ReservedMemory } from '../../../native-bindings/windows/pages.js';
import { OVERLAPPED, WSABUF } from '../../../native-bindings/windows/structs.js';
import {
  ERROR_IO_PENDING,
  WSAEMSGSIZE,
  WSAENOBUFS,
  WSASYSCALLFAILURE,
} from '../../../native-bindings/windows/winerror.js';
import { ws2_32 } from '../../../native-bindings/windows/ws2_32.js';
import type { CompletionPort } from './completion-port.js';
import { errorOfStatus } from './errors.js';
import { NO_SLOT, type PortSocket, type RequestKind } from './port-socket.js';
import type { Winsock } from './winsock.js';

/** Requests that the kernel may hold for one port. Each is 32 bytes of address space until it is first used. */
const MAX_REQUESTS = 1 << 18;

/** What a request gives that ends later, by a completion. Every other result is bytes, or a negated error. */
export const PENDING = -ERROR_IO_PENDING;

/** Bytes for each of AcceptEx's addresses: 16 more than the largest of the protocol (its documentation says so). */
export const ACCEPT_ADDRESS_BYTES = 28 + 16;

const SLOT_WORDS = OVERLAPPED.size >> 2;
const STATUS_WORD = OVERLAPPED.offset.Internal >> 2;

// What calls read and write while they last stands before the slots. The provider captures WSABUF before it returns,
// and nobody writes the number of bytes or the flags of a request that ends later (WSARecv's documentation).
const VECTOR_AT = 0;
const BYTES_AT = WSABUF.size;
const FLAGS_AT = BYTES_AT + 4;
const SLOTS_AT = 64;

/**
 * Overlapped requests: their OVERLAPPED structures, each in a slot that is used again only after its completion was
 * dequeued, or after the call said that there will be none.
 */
export class Requests {
  pending = 0;
  /** Packets that may come of requests that have ended without: see `begun`. */
  #strays = 0;
  readonly #port: CompletionPort;
  readonly #winsock: Winsock;
  readonly #limit: number;
  readonly #reserved: ReservedMemory;
  readonly #calls = ws2_32();
  #acceptEx: ExtensionFunctions['AcceptEx'] | null = null;
  #connectEx: ExtensionFunctions['ConnectEx'] | null = null;
  /** Per slot: the index of the socket that has it, or -1, and the kind of its request. */
  readonly #owners: number[] = [];
  readonly #kinds: RequestKind[] = [];
  readonly #free: number[] = [];
  readonly #bytesAddress: number;
  readonly #flagsAddress: number;
  readonly #vectorAddress: number;

  constructor(port: CompletionPort, winsock: Winsock, limit = MAX_REQUESTS) {
    this.#port = port;
    this.#winsock = winsock;
    this.#limit = limit;
    this.#reserved = new ReservedMemory(SLOTS_AT + limit * OVERLAPPED.size);
    const { memory } = this.#reserved;
    this.#vectorAddress = memory.address(VECTOR_AT);
    this.#bytesAddress = memory.address(BYTES_AT);
    this.#flagsAddress = memory.address(FLAGS_AT);
  }

  /** A receive without room for a byte: it ends when a receive would not wait, and carries nothing away. */
  awaitReadable(socket: PortSocket, kind: RequestKind): number {
    const slot = this.#take(socket, kind);
    if (slot === NO_SLOT) return -WSAENOBUFS;
    this.#setVector(this.#vectorAddress, 0);
    // Without MSG_PEEK a datagram would be gone: it is received, and truncated to nothing.
    this.#reserved.memory.u32[FLAGS_AT >> 2] = socket.type === 'datagram' ? MSG_PEEK : 0;
    const overlapped = this.#addressOf(slot);
    const { WSARecv } = this.#calls;
    const failed = WSARecv(
      socket.descriptor,
      this.#vectorAddress,
      1,
      this.#bytesAddress,
      this.#flagsAddress,
      overlapped,
      0,
    );
    const result = this.#begun(socket, slot, failed === 0);
    if (result === PENDING) socket.receiveSlot = slot;
    return result;
  }

  /** Sends bytes in mapped memory. */
  send(socket: PortSocket, kind: RequestKind, address: number, length: number): number {
    const slot = this.#take(socket, kind);
    if (slot === NO_SLOT) return -WSAENOBUFS;
    this.#setVector(address, length);
    const overlapped = this.#addressOf(slot);
    const { WSASend } = this.#calls;
    const failed = WSASend(socket.descriptor, this.#vectorAddress, 1, this.#bytesAddress, 0, overlapped, 0);
    const result = this.#begun(socket, slot, failed === 0);
    if (result === PENDING) socket.sendSlot = slot;
    return result;
  }

  /** Sends a datagram in mapped memory; `toLength` 0 sends it to the connected peer. */
  sendTo(socket: PortSocket, kind: RequestKind, address: number, length: number, to: number, toLength: number): number {
    const slot = this.#take(socket, kind);
    if (slot === NO_SLOT) return -WSAENOBUFS;
    this.#setVector(address, length);
    const overlapped = this.#addressOf(slot);
    const { WSASendTo } = this.#calls;
    const name = toLength === 0 ? 0 : to;
    const failed = WSASendTo(
      socket.descriptor,
      this.#vectorAddress,
      1,
      this.#bytesAddress,
      0,
      name,
      toLength,
      overlapped,
      0,
    );
    const result = this.#begun(socket, slot, failed === 0);
    if (result === PENDING) socket.sendSlot = slot;
    return result;
  }

  /** Connects a bound socket to the address in mapped memory. */
  connect(socket: PortSocket, kind: RequestKind, address: number, length: number): number {
    const connectEx = this.#connectEx ?? extensionFunction(socket.descriptor, 'ConnectEx');
    if (typeof connectEx === 'number') return -connectEx;
    this.#connectEx = connectEx;
    const slot = this.#take(socket, kind);
    if (slot === NO_SLOT) return -WSAENOBUFS;
    const overlapped = this.#addressOf(slot);
    const succeeded = connectEx(socket.descriptor, address, length, 0, 0, 0, overlapped);
    const result = this.#begun(socket, slot, succeeded !== 0);
    if (result === PENDING) socket.sendSlot = slot;
    return result;
  }

  /**
   * Accepts a connection into the socket `handle`; `addresses` is room for two in mapped memory. Where it is pending,
   * `lastSlot` says in which slot.
   */
  accept(socket: PortSocket, kind: RequestKind, handle: number, addresses: number): number {
    const acceptEx = this.#acceptEx ?? extensionFunction(socket.descriptor, 'AcceptEx');
    if (typeof acceptEx === 'number') return -acceptEx;
    this.#acceptEx = acceptEx;
    const slot = this.#take(socket, kind);
    if (slot === NO_SLOT) return -WSAENOBUFS;
    this.lastSlot = slot;
    const succeeded = acceptEx(
      socket.descriptor,
      handle,
      addresses,
      0,
      ACCEPT_ADDRESS_BYTES,
      ACCEPT_ADDRESS_BYTES,
      this.#bytesAddress,
      this.#addressOf(slot),
    );
    return this.#begun(socket, slot, succeeded !== 0);
  }

  lastSlot = NO_SLOT;

  /** Asks for the request in this slot to be cancelled. Its completion comes all the same. */
  cancel(socket: PortSocket, slot: number): void {
    this.#cancel(socket, this.#addressOf(slot));
  }

  /** Asks for everything of the socket's to be cancelled. */
  cancelAll(socket: PortSocket): void {
    if (socket.requests > 0) this.#cancel(socket, 0);
  }

  /** The slot whose OVERLAPPED lies at this address, if the socket of this index has a request in it; or NO_SLOT. */
  slotAt(overlapped: number, owner: number): number {
    const slot = (overlapped - this.#reserved.memory.address(SLOTS_AT)) / OVERLAPPED.size;
    return this.#owners[slot] === owner ? slot : NO_SLOT;
  }

  /**
   * Whether the kernel has yet to end the request in this slot. A packet that comes for it all the same is about an
   * earlier request that had the slot. https://learn.microsoft.com/windows/win32/api/minwinbase/ns-minwinbase-overlapped
   */
  isPending(slot: number): boolean {
    return this.#reserved.memory.u32[this.#wordOf(slot) + STATUS_WORD] === STATUS_PENDING;
  }

  /** A packet has come that no request waits for. False: it was not expected either. */
  strayCame(): boolean {
    if (this.#strays === 0) return false;
    this.#strays--;
    return true;
  }

  kindOf(slot: number): RequestKind {
    return this.#kinds[slot] as RequestKind;
  }

  /** The completion of a slot was dequeued: gives its error or 0, and the slot back. */
  ended(socket: PortSocket, slot: number): number {
    const status = this.#reserved.memory.u32[this.#wordOf(slot) + STATUS_WORD] as number;
    this.#give(socket, slot);
    return errorOfStatus(status);
  }

  /**
   * A layered provider's handle may have nothing pending that the kernel knows of: what it has passed on is pending on
   * the kernel's own socket, with an OVERLAPPED of the provider's (libuv cancels there too, uv__tcp_try_cancel_reqs).
   * Without it a close would wait for ever. A receive that goes with it begins anew.
   */
  #cancel(socket: PortSocket, overlapped: number): void {
    const { descriptor, family, type } = socket;
    this.#port.cancel(descriptor, overlapped);
    if (this.#winsock.hasKernelHandles(descriptor, family, type)) return;
    const base = this.#winsock.baseHandle(descriptor);
    if (base !== -1 && base !== descriptor) this.#port.cancel(base, 0);
  }

  #take(socket: PortSocket, kind: RequestKind): number {
    let slot = this.#free.pop();
    if (slot === undefined) {
      slot = this.#owners.length;
      if (slot >= this.#limit) return NO_SLOT;
      this.#reserved.commit(SLOTS_AT + (slot + 1) * OVERLAPPED.size);
    }
    this.#owners[slot] = socket.index;
    this.#kinds[slot] = kind;
    const { u32 } = this.#reserved.memory;
    const at = this.#wordOf(slot);
    for (let word = 0; word < SLOT_WORDS; word++) u32[at + word] = 0;
    u32[at + STATUS_WORD] = STATUS_PENDING;
    socket.requests++;
    this.pending++;
    return slot;
  }

  #give(socket: PortSocket, slot: number): void {
    this.#owners[slot] = -1;
    this.#free.push(slot);
    socket.requests--;
    this.pending--;
  }

  /**
   * What the call that began a request came to. Must follow it at once: it asks for its error.
   *
   * A call that fails leaves no packet, but for one: "message too long" is the warning STATUS_BUFFER_OVERFLOW to the
   * system, and a warning is queued as a success is. Whether one comes of it is not told (libuv's
   * uv__wsarecv_workaround, zio's pull request 733; Wine 8 queues one too), so the slot does not wait for it, and the
   * packet is known by the request being over or, if the slot is used again by then, not being over yet.
   */
  #begun(socket: PortSocket, slot: number, succeeded: boolean): number {
    if (!succeeded) {
      const error = this.#calls.WSAGetLastError();
      if (error === ERROR_IO_PENDING) return PENDING;
      this.#give(socket, slot);
      if (error === WSAEMSGSIZE && !socket.skipsSuccess) this.#strays++;
      return -(error || WSASYSCALLFAILURE);
    }
    if (!socket.skipsSuccess) return PENDING;
    this.#give(socket, slot);
    return this.#reserved.memory.u32[BYTES_AT >> 2] as number;
  }

  #setVector(address: number, length: number): void {
    const { memory } = this.#reserved;
    memory.u32[(VECTOR_AT + WSABUF.offset.len) >> 2] = length;
    memory.setPointer(VECTOR_AT + WSABUF.offset.buf, address);
  }

  #addressOf(slot: number): number {
    return this.#reserved.memory.address(SLOTS_AT + slot * OVERLAPPED.size);
  }

  #wordOf(slot: number): number {
    return (SLOTS_AT + slot * OVERLAPPED.size) >> 2;
  }
}
