import { IPPROTO_UDP, UDP_GRO, UDP_SEGMENT } from '../../../native-bindings/linux/constants.js';
import { cmsghdr, iovec, mmsghdr, msghdr } from '../../../native-bindings/linux/structs.js';
import { MAX_SEGMENTS } from '../../port/datagram-features.js';
import { type BatchMemory, CONTROL_BYTES, HEADER_BYTES } from './batch-memory.js';

const CONTROL_LENGTH = mmsghdr.offset.msg_hdr + msghdr.offset.msg_controllen;

/**
 * Which datagrams stand in which message, where one message is several: the kernel's UDP_SEGMENT (one send, cut up
 * late) and UDP_GRO (one receive of a flow's datagrams). udp(7), Documentation/networking/segmentation-offloads.rst.
 */
export class Segments {
  /** By message: the length of its datagrams but for the last, the first of them, and (one further) the end. */
  readonly #lengths: Uint32Array;
  readonly #firsts: Uint32Array;
  /** By datagram: its message. Grows: how many segments a peer's kernel puts into one is not for us to say. */
  #messages: Uint32Array;

  constructor(capacity: number) {
    this.#lengths = new Uint32Array(capacity);
    this.#firsts = new Uint32Array(capacity + 1);
    this.#messages = new Uint32Array(capacity * MAX_SEGMENTS);
  }

  /** Datagrams in the first `messages` messages. */
  count(messages: number): number {
    return this.#firsts[messages] as number;
  }

  messageOf(datagram: number): number {
    return this.#messages[datagram] as number;
  }

  offsetOf(datagram: number, message: number): number {
    return (datagram - (this.#firsts[message] as number)) * (this.#lengths[message] as number);
  }

  lengthOf(message: number): number {
    return this.#lengths[message] as number;
  }

  /** Books a message of `byteLength` bytes in segments of `segmentBytes`. */
  book(message: number, byteLength: number, segmentBytes: number): void {
    const first = this.#firsts[message] as number;
    const end = first + (byteLength > segmentBytes ? Math.ceil(byteLength / segmentBytes) : 1);
    if (end > this.#messages.length) {
      const grown = new Uint32Array(2 * end);
      grown.set(this.#messages);
      this.#messages = grown;
    }
    this.#lengths[message] = segmentBytes;
    this.#firsts[message + 1] = end;
    this.#messages.fill(message, first, end);
  }

  /**
   * Reads what the kernel said of the messages it has filled, and rewrites it to what it wants to read: a received
   * batch can be sent as it is, and leaves in the segments it came in.
   */
  received(memory: BatchMemory, messages: number): void {
    const { u32 } = memory.memory;
    for (let message = 0; message < messages; message++) {
      const byteLength = u32[(memory.vectorsAt + message * iovec.size + iovec.offset.iov_len) >> 2] as number;
      const length = (message * HEADER_BYTES + CONTROL_LENGTH) >> 2;
      const control = memory.controlAt + message * CONTROL_BYTES;
      let segmentBytes = 0;
      if ((u32[length] as number) >= cmsghdr.size + 4 && isGro(memory, control)) {
        segmentBytes = u32[(control + cmsghdr.size) >> 2] as number;
      }
      const whole = segmentBytes === 0 || segmentBytes >= byteLength;
      this.book(message, byteLength, whole ? byteLength : segmentBytes);
      if (whole) u32[length] = 0;
      else this.ask(memory, message, segmentBytes);
    }
  }

  /** Asks the kernel to cut the message when it sends it. */
  ask(memory: BatchMemory, message: number, segmentBytes: number): void {
    const { u32, u16 } = memory.memory;
    const control = memory.controlAt + message * CONTROL_BYTES;
    memory.memory.setPointer(control + cmsghdr.offset.cmsg_len, cmsghdr.size + 2);
    u32[(control + cmsghdr.offset.cmsg_level) >> 2] = IPPROTO_UDP;
    u32[(control + cmsghdr.offset.cmsg_type) >> 2] = UDP_SEGMENT;
    u16[(control + cmsghdr.size) >> 1] = segmentBytes;
    u32[(message * HEADER_BYTES + CONTROL_LENGTH) >> 2] = CONTROL_BYTES;
  }

  /** Gives the kernel room for its control message. */
  prepare(memory: BatchMemory, message: number): void {
    memory.memory.u32[(message * HEADER_BYTES + CONTROL_LENGTH) >> 2] = CONTROL_BYTES;
  }

  /** Takes the request of an earlier `ask` away. */
  forget(memory: BatchMemory, message: number): void {
    memory.memory.u32[(message * HEADER_BYTES + CONTROL_LENGTH) >> 2] = 0;
  }
}

function isGro(memory: BatchMemory, control: number): boolean {
  const { u32 } = memory.memory;
  const level = u32[(control + cmsghdr.offset.cmsg_level) >> 2];
  return level === IPPROTO_UDP && u32[(control + cmsghdr.offset.cmsg_type) >> 2] === UDP_GRO;
}
