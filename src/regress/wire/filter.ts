import {
  BPF_ABS,
  BPF_B,
  BPF_H,
  BPF_IMM,
  BPF_IND,
  BPF_JA,
  BPF_JEQ,
  BPF_JMP,
  BPF_JSET,
  BPF_K,
  BPF_LD,
  BPF_LDX,
  BPF_MSH,
  BPF_RET,
  BPF_W,
  ETH_HLEN,
  ETH_P_IP,
  ETH_P_IPV6,
  PACKET_OUTGOING,
  SKF_AD_OFF,
  SKF_AD_PKTTYPE,
} from '../../../native-bindings/linux/packet.js';

/** One instruction of classic BPF (linux/filter.h). Jumps count the instructions that are left out. */
export interface Instruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** With more ports than these every port is captured: the kernel takes 4,096 instructions, and a port is four. */
export const MAX_FILTERED_PORTS = 500;

const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;

// Offsets from the frame's start: RFC 791 and RFC 8200 behind an Ethernet header.
const TYPE_AT = 12;
const IPV4_FRAGMENT_AT = ETH_HLEN + 6;
const IPV4_PROTOCOL_AT = ETH_HLEN + 9;
const IPV6_NEXT_HEADER_AT = ETH_HLEN + 6;
const IPV6_BYTES = 40;

/**
 * A program that keeps the first `snapBytes` of TCP and UDP from or to one of the ports, and nothing else. What leaves
 * through the loopback interface comes in again, so the outgoing half of each pair is left out.
 */
export function captureProgram(ports: readonly number[], snapBytes: number): readonly Instruction[] {
  const head: readonly Instruction[] = [
    load(BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PKTTYPE),
    jump(BPF_JEQ, PACKET_OUTGOING, 12, 0),
    load(BPF_H | BPF_ABS, TYPE_AT),
    jump(BPF_JEQ, ETH_P_IPV6, 6, 0),
    jump(BPF_JEQ, ETH_P_IP, 0, 9),
    // IPv4: the first fragment has the ports, a later one has not. X becomes the header's length.
    load(BPF_H | BPF_ABS, IPV4_FRAGMENT_AT),
    jump(BPF_JSET, 0x1fff, 7, 0),
    { code: BPF_LDX | BPF_B | BPF_MSH, jt: 0, jf: 0, k: ETH_HLEN },
    load(BPF_B | BPF_ABS, IPV4_PROTOCOL_AT),
    { code: BPF_JMP | BPF_JA, jt: 0, jf: 0, k: 2 },
    // IPv6: the same for its header, which has one length.
    { code: BPF_LDX | BPF_W | BPF_IMM, jt: 0, jf: 0, k: IPV6_BYTES },
    load(BPF_B | BPF_ABS, IPV6_NEXT_HEADER_AT),
    jump(BPF_JEQ, PROTOCOL_TCP, 2, 0),
    jump(BPF_JEQ, PROTOCOL_UDP, 1, 0),
    ret(0),
  ];
  if (ports.length > MAX_FILTERED_PORTS) return [...head, ret(snapBytes)];
  return [...head, ...portLadder(ports, snapBytes), ret(0)];
}

/** Compares first the source port and then the destination port with each of the ports. */
function portLadder(ports: readonly number[], snapBytes: number): Instruction[] {
  return [0, 2].flatMap((offset) => [
    load(BPF_H | BPF_IND, ETH_HLEN + offset),
    ...ports.flatMap((port) => [jump(BPF_JEQ, port, 0, 1), ret(snapBytes)]),
  ]);
}

function load(mode: number, k: number): Instruction {
  return { code: BPF_LD | mode, jt: 0, jf: 0, k };
}

function jump(test: number, k: number, jt: number, jf: number): Instruction {
  return { code: BPF_JMP | test | BPF_K, jt, jf, k };
}

function ret(k: number): Instruction {
  return { code: BPF_RET | BPF_K, jt: 0, jf: 0, k };
}
