import { lastErrno, viewOf } from '../../../native-bindings/ffi.js';
import {
  MAP_SHARED,
  PROT_READ,
  PROT_WRITE,
  SOCK_CLOEXEC,
  SOL_SOCKET,
} from '../../../native-bindings/linux/constants.js';
import * as linux from '../../../native-bindings/linux/packet.js';
import { mapAnonymousPages } from '../../../native-bindings/linux/pages.js';
import { MappedMemory } from '../../../native-bindings/memory.js';
import { libc } from '../../../native-bindings/posix/libc.js';
import { netIf } from '../../../native-bindings/posix/net-if.js';
import { captureProgram, MAX_FILTERED_PORTS } from './filter.js';
import type { CapturedFrame, Taken } from './frame.js';
import { realtimeAheadMs } from './realtime.js';

const { tpacket2_hdr, sock_filter, sock_fprog, sockaddr_ll, tpacket_req, tpacket_stats } = linux;

/** A frame of the ring: its head, the link-layer header, and so many bytes of the packet that all TCP options fit. */
const FRAME_BYTES = 256;
const BLOCK_BYTES = 64 * FRAME_BYTES;
/** The frames that a scenario may send between two looks; 8 MiB of the kernel's memory while the socket is open. */
const RING_FRAMES = 32_768;

/** Where the kernel puts an Ethernet frame: the head and a sockaddr_ll, then the IP header on a boundary of 16. */
const PAYLOAD_AT = 66;
/** What is kept of each frame. */
export const SNAP_BYTES = FRAME_BYTES - PAYLOAD_AT;

const STATUS = tpacket2_hdr.offset.tp_status >> 2;
const LENGTH = tpacket2_hdr.offset.tp_len >> 2;
const SNAPPED = tpacket2_hdr.offset.tp_snaplen >> 2;
const SECONDS = tpacket2_hdr.offset.tp_sec >> 2;
const NANOSECONDS = tpacket2_hdr.offset.tp_nsec >> 2;

const PROGRAM_AT = 64;
const PROGRAM_BYTES = PROGRAM_AT + (2 * MAX_FILTERED_PORTS + 20) * 2 * sock_filter.size;

/** The system refused a packet socket: which call, and its errno. */
export class PacketSocketError extends Error {
  override name = 'PacketSocketError';
  readonly call: string;
  readonly errno: number;

  constructor(call: string, errno: number) {
    super(`${call} failed with errno ${errno}`);
    this.call = call;
    this.errno = errno;
  }
}

/**
 * A packet(7) socket on the loopback interface with a TPACKET_V2 ring: the kernel copies the beginning of each frame
 * into memory that is read here, so that a frame costs no system call and nothing is lost while this thread is busy,
 * until the ring is full; then the kernel counts what it had to drop. Needs CAP_NET_RAW, and no other privilege: a
 * ring is not bounded by the limits of socket buffers.
 */
export class PacketSocket {
  readonly #fd: number;
  readonly #program = MappedMemory.map(PROGRAM_BYTES, mapAnonymousPages);
  readonly #ringAddress: number;
  // Views on the ring, which close() takes away before it unmaps it. They never leave this object.
  #words: Int32Array | null;
  #bytes: Uint8Array | null;
  #next = 0;
  #ports: number[] = [];

  /** Throws PacketSocketError where the system refuses it. */
  constructor() {
    const fd = libc().socket(linux.AF_PACKET, linux.SOCK_RAW | SOCK_CLOEXEC, 0);
    if (fd < 0) throw new PacketSocketError('socket(AF_PACKET)', lastErrno());
    this.#fd = fd;
    try {
      this.#filter();
      this.#makeRing();
      this.#ringAddress = this.#map();
      this.#bind();
    } catch (error) {
      libc().close(fd);
      throw error;
    }
    const buffer = viewOf(this.#ringAddress, RING_FRAMES * FRAME_BYTES);
    this.#words = new Int32Array(buffer);
    this.#bytes = new Uint8Array(buffer);
  }

  /** Forgets the ports and everything captured so far. */
  begin(): void {
    this.#ports = [];
    this.#filter();
    this.#drain(() => undefined);
    this.#takeDropped();
  }

  /** From here on what goes to or comes from these ports is captured too. The kernel compiles the filter anew: ask once. */
  include(ports: readonly number[]): void {
    this.#ports.push(...ports.filter((port) => !this.#ports.includes(port)));
    this.#filter();
  }

  take(): Taken {
    const frames: CapturedFrame[] = [];
    this.#drain((frame) => frames.push(frame));
    return { frames, dropped: this.#takeDropped(), clockAheadMs: realtimeAheadMs() };
  }

  close(): void {
    if (this.#words === null) return;
    this.#words = null;
    this.#bytes = null;
    // The mapping alone would keep the socket alive in the kernel, and with it the copying of every frame.
    linux.packet().munmap(this.#ringAddress, RING_FRAMES * FRAME_BYTES);
    libc().close(this.#fd);
  }

  #drain(sink: (frame: CapturedFrame) => void): void {
    const [words, bytes] = [this.#words, this.#bytes];
    if (words === null || bytes === null) return;
    // A ring's worth at most: a sender that is faster than this loop must not hold it for ever.
    for (let count = 0; count < RING_FRAMES; count++) {
      const at = this.#next * FRAME_BYTES;
      const word = at >> 2;
      if ((Atomics.load(words, word + STATUS) & linux.TP_STATUS_USER) === 0) return;
      sink(readFrame(words, bytes, at));
      Atomics.store(words, word + STATUS, linux.TP_STATUS_KERNEL);
      this.#next = (this.#next + 1) % RING_FRAMES;
    }
  }

  /** packet(7): reading the statistics resets them. */
  #takeDropped(): number {
    const value = new Uint8Array(tpacket_stats.size);
    const length = new Uint8Array(new Uint32Array([tpacket_stats.size]).buffer);
    const { getsockopt } = libc();
    if (getsockopt(this.#fd, linux.SOL_PACKET, linux.PACKET_STATISTICS, value, length) !== 0)
      throw new PacketSocketError('PACKET_STATISTICS', lastErrno());
    return new DataView(value.buffer).getUint32(tpacket_stats.offset.tp_drops, true);
  }

  #filter(): void {
    const program = captureProgram(this.#ports, SNAP_BYTES);
    const view = new DataView(this.#program.buffer);
    program.forEach(({ code, jt, jf, k }, index) => {
      const at = PROGRAM_AT + index * sock_filter.size;
      view.setUint16(at + sock_filter.offset.code, code, true);
      view.setUint8(at + sock_filter.offset.jt, jt);
      view.setUint8(at + sock_filter.offset.jf, jf);
      view.setInt32(at + sock_filter.offset.k, k, true);
    });
    view.setUint16(sock_fprog.offset.len, program.length, true);
    this.#program.setPointer(sock_fprog.offset.filter, this.#program.address(PROGRAM_AT));
    this.#set(SOL_SOCKET, linux.SO_ATTACH_FILTER, 'SO_ATTACH_FILTER', this.#program.u8.subarray(0, sock_fprog.size));
  }

  #makeRing(): void {
    this.#set(linux.SOL_PACKET, linux.PACKET_VERSION, 'PACKET_VERSION', word(linux.TPACKET_V2));
    // Saves the kernel a copy of each frame that the filter would leave out; it has this since Linux 4.20.
    const one = word(1);
    libc().setsockopt(this.#fd, linux.SOL_PACKET, linux.PACKET_IGNORE_OUTGOING, one, one.length);
    const request = new Uint8Array(tpacket_req.size);
    const view = new DataView(request.buffer);
    view.setUint32(tpacket_req.offset.tp_block_size, BLOCK_BYTES, true);
    view.setUint32(tpacket_req.offset.tp_block_nr, (RING_FRAMES * FRAME_BYTES) / BLOCK_BYTES, true);
    view.setUint32(tpacket_req.offset.tp_frame_size, FRAME_BYTES, true);
    view.setUint32(tpacket_req.offset.tp_frame_nr, RING_FRAMES, true);
    this.#set(linux.SOL_PACKET, linux.PACKET_RX_RING, 'PACKET_RX_RING', request);
  }

  #map(): number {
    const length = RING_FRAMES * FRAME_BYTES;
    const address = libc().mmap(0, length, PROT_READ | PROT_WRITE, MAP_SHARED, this.#fd, 0);
    if (address === -1) throw new PacketSocketError('mmap of the ring', lastErrno());
    return address;
  }

  /** Capturing begins with this, so that nothing of other interfaces ever comes in. */
  #bind(): void {
    const address = new Uint8Array(sockaddr_ll.size);
    const view = new DataView(address.buffer);
    const index = netIf().if_nametoindex('lo');
    if (index === 0) throw new PacketSocketError("if_nametoindex('lo')", lastErrno());
    view.setUint16(sockaddr_ll.offset.sll_family, linux.AF_PACKET, true);
    // In network byte order.
    view.setUint16(sockaddr_ll.offset.sll_protocol, linux.ETH_P_ALL, false);
    view.setInt32(sockaddr_ll.offset.sll_ifindex, index, true);
    if (libc().bind(this.#fd, address, address.length) !== 0) {
      const errno = lastErrno();
      linux.packet().munmap(this.#ringAddress, RING_FRAMES * FRAME_BYTES);
      throw new PacketSocketError("bind to 'lo'", errno);
    }
  }

  #set(level: number, name: number, call: string, value: Uint8Array): void {
    if (libc().setsockopt(this.#fd, level, name, value, value.length) === 0) return;
    throw new PacketSocketError(call, lastErrno());
  }
}

function readFrame(words: Int32Array, bytes: Uint8Array, at: number): CapturedFrame {
  const base = at >> 2;
  const field = (index: number) => (words[base + index] as number) >>> 0;
  const mac = at + tpacket2_hdr.offset.tp_mac;
  const start = at + ((bytes[mac] as number) | ((bytes[mac + 1] as number) << 8));
  return {
    seconds: field(SECONDS),
    nanoseconds: field(NANOSECONDS),
    bytes: bytes.slice(start, start + field(SNAPPED)),
    wireBytes: field(LENGTH),
  };
}

function word(value: number): Uint8Array {
  return new Uint8Array(new Uint32Array([value]).buffer);
}
