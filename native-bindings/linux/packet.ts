import { lazyLibrary } from '../ffi.js';
import { defineStruct } from '../layout.js';

/** packet(7), the classic BPF of its filters, and the clock of its time stamps. Checked against the headers named here. */
export const HEADERS = [
  'sys/socket.h',
  'linux/if_packet.h',
  'linux/if_ether.h',
  'linux/filter.h',
  'asm/socket.h',
  'time.h',
  'stddef.h',
] as const;

// sys/socket.h, asm/socket.h
export const AF_PACKET = 17;
export const SOCK_RAW = 3;
export const SOL_PACKET = 263;
export const SO_ATTACH_FILTER = 26;

// linux/if_ether.h
export const ETH_P_ALL = 0x0003;
export const ETH_P_IP = 0x0800;
export const ETH_P_IPV6 = 0x86dd;
export const ETH_HLEN = 14;

// linux/if_packet.h: packet types, socket options, states of a ring's frames
export const PACKET_HOST = 0;
export const PACKET_OUTGOING = 4;
export const PACKET_RX_RING = 5;
export const PACKET_STATISTICS = 6;
export const PACKET_VERSION = 10;
export const PACKET_IGNORE_OUTGOING = 23;
export const TPACKET_V2 = 1;
export const TPACKET_ALIGNMENT = 16;
export const TP_STATUS_KERNEL = 0;
export const TP_STATUS_USER = 1;

// linux/bpf_common.h, linux/filter.h
export const BPF_LD = 0x00;
export const BPF_LDX = 0x01;
export const BPF_ALU = 0x04;
export const BPF_JMP = 0x05;
export const BPF_RET = 0x06;
export const BPF_W = 0x00;
export const BPF_H = 0x08;
export const BPF_B = 0x10;
export const BPF_IMM = 0x00;
export const BPF_ABS = 0x20;
export const BPF_IND = 0x40;
export const BPF_MSH = 0xa0;
export const BPF_JA = 0x00;
export const BPF_JEQ = 0x10;
export const BPF_JSET = 0x40;
export const BPF_K = 0x00;
export const BPF_MAXINSNS = 4096;
export const SKF_AD_OFF = -0x1000;
export const SKF_AD_PKTTYPE = 4;

// time.h
export const CLOCK_REALTIME = 0;
export const CLOCK_MONOTONIC = 1;

export const sockaddr_ll = defineStruct('sockaddr_ll', 20, {
  sll_family: [0, 2],
  sll_protocol: [2, 2],
  sll_ifindex: [4, 4],
  sll_hatype: [8, 2],
  sll_pkttype: [10, 1],
  sll_halen: [11, 1],
  sll_addr: [12, 8],
});

export const tpacket_req = defineStruct('tpacket_req', 16, {
  tp_block_size: [0, 4],
  tp_block_nr: [4, 4],
  tp_frame_size: [8, 4],
  tp_frame_nr: [12, 4],
});

/** The head of each frame of a TPACKET_V2 ring. */
export const tpacket2_hdr = defineStruct('tpacket2_hdr', 32, {
  tp_status: [0, 4],
  tp_len: [4, 4],
  tp_snaplen: [8, 4],
  tp_mac: [12, 2],
  tp_net: [14, 2],
  tp_sec: [16, 4],
  tp_nsec: [20, 4],
  tp_vlan_tci: [24, 2],
  tp_vlan_tpid: [26, 2],
});

export const tpacket_stats = defineStruct('tpacket_stats', 8, { tp_packets: [0, 4], tp_drops: [4, 4] });

export const sock_filter = defineStruct('sock_filter', 8, { code: [0, 2], jt: [2, 1], jf: [3, 1], k: [4, 4] });

export const sock_fprog = defineStruct('sock_fprog', 16, { len: [0, 2], filter: [8, 8] });

export const timespec = defineStruct('timespec', 16, { tv_sec: [0, 8], tv_nsec: [8, 8] });

/** Verbatim; each fails with -1 and sets errno. */
export const packet = lazyLibrary(null, (library) => ({
  /** munmap(2): every view on the pages is a crash from then on. */
  munmap: library.func<(address: number, length: number) => number>('int munmap(uintptr_t, size_t)'),
  clock_gettime: library.func<(clock: number, time: Uint8Array) => number>('int clock_gettime(int, void *)'),
}));
