import { openLwip } from '../../src/bsd/lwip/open.js';
import { SimulatedStack } from '../../src/bsd/simulation/simulated-stack.js';
import { openWinsock } from '../../src/bsd/winsock/open.js';
import { openProactor } from '../../src/index.js';
import {
  LINUX,
  type OpenStack,
  openStack,
  PROFILES,
  type StackProfile,
  simulatePs3,
  type WaitKind,
} from '../../src/stack.js';
import type { ContractLimit } from './contract-test.js';
import { LWIP_LIMITS } from './lwip/limits.js';
import { LWIP_PEERS } from './lwip/peers.js';
import type { DriverUnderTest } from './stage.js';
import { SELECT_LIMITS, WINSOCK_LIMITS } from './winsock-limits.js';

const DARWIN = PROFILES['darwin'] as StackProfile;
const PS3 = PROFILES['ps3'] as StackProfile;

/**
 * What no stack can do that is driven by its profile: it receives with recvfrom(2), and these come with recvmsg(2).
 * Only Linux has them, and the tests run elsewhere without them.
 */
export const RECVFROM_LIMITS: readonly ContractLimit[] = [
  { tests: 'with udpGro *', reason: 'UDP_GRO tells the size of its segments in a control message: udp(7)' },
  { tests: 'a plain batch is no batch for a socket with udpGro', reason: 'UDP_GRO needs recvmsg: udp(7)' },
  { tests: 'with receiveErrors *', reason: 'IP_RECVERR is read from the error queue by recvmsg: ip(7)' },
  { tests: 'an error that nobody takes keeps no loop busy', reason: 'IP_RECVERR needs recvmsg: ip(7)' },
];

/** What a PlayStation 3 has not: STACKS.md's "PS3 in full", after PSL1GHT's headers and RPCS3's sys_net. */
const PS3_LIMITS: readonly ContractLimit[] = [
  ...[
    'connect() over IPv6',
    'datagrams cross over IPv6',
    'an IPv6 socket talks IPv4 too, unless it is told not to',
    'a batch echoes over IPv6',
    'a group of IPv6 is joined on the interface of an address, once',
  ].map((tests) => ({
    tests,
    reason: 'sys_net gives sockets of AF_INET only: RPCS3 sys_net.cpp, sys_net_bnet_socket',
  })),
  ...[
    'a socket connects to a path, and carries bytes both ways',
    'a listener listens on a path, accepts, and removes the file when it closes',
    'timeouts lose no byte here either',
    'abort() ends what is pending, and says FIN: there is no RST on a UNIX-domain socket',
    'a path where nobody listens is ENOENT or ECONNREFUSED',
    'a path that is taken is EADDRINUSE, and the file of the other listener stays',
    'a path may have 107 bytes',
    'a leading NUL names the abstract namespace of Linux, and leaves no file',
  ].map((tests) => ({ tests, reason: 'there are no UNIX-domain sockets: PSL1GHT net/socket.h has no AF_UNIX' })),
];

/** A stack that is opened at its first use, and for as long as the test's process lives. */
export function onStack(name: string, open: () => OpenStack, more: Partial<DriverUnderTest> = {}): DriverUnderTest {
  let stack: OpenStack | undefined;
  return {
    name,
    driver: 'readiness',
    makeProactor: () => {
      stack ??= open();
      return openProactor({ stack });
    },
    ...more,
  };
}

function linuxBy(wait: WaitKind): DriverUnderTest {
  // 1024 is the C library's limit; the kernel takes sets of any size (select(2), "BUGS").
  const fdSet = { kind: 'bits', bits: 4096, wordBytes: 8, offset: 0 } as const;
  const profile: StackProfile = { ...LINUX, waits: [wait], layouts: { ...LINUX.layouts, fdSet } };
  return onStack(`linux-${wait}`, () => openStack(profile), { limits: RECVFROM_LIMITS });
}

/** A PlayStation 3's stack, simulated; with `waitErrorConsumes`, which nobody knows, as it is worse. */
function ps3(consumes: boolean): DriverUnderTest {
  const name = consumes ? 'ps3-simulation-consuming' : 'ps3-simulation';
  const open = () => openStack(PS3, simulatePs3({ waitErrorConsumes: consumes }));
  return onStack(name, open, { limits: [...RECVFROM_LIMITS, ...PS3_LIMITS] });
}

/** macOS's stack by its kqueue, simulated. */
function darwinByKqueue(): DriverUnderTest {
  const profile: StackProfile = { ...DARWIN, waits: ['kqueue'] };
  const open = () => openStack(profile, new SimulatedStack(profile));
  return onStack('darwin-simulation-kqueue', open, { limits: RECVFROM_LIMITS });
}

function lwip(): DriverUnderTest {
  return onStack('lwip', openLwip, { limits: [...RECVFROM_LIMITS, ...LWIP_LIMITS], peers: LWIP_PEERS });
}

/** Winsock by its select, without completion ports: a stack like any other. */
function winsockSelect(): DriverUnderTest {
  return onStack('winsock-select', () => openWinsock('select'), { limits: [...WINSOCK_LIMITS, ...SELECT_LIMITS] });
}

/** … and by WSAPoll, which has a file of its own: each takes minutes under Wine. Windows only. */
export function winsockPoll(): readonly DriverUnderTest[] {
  if (process.platform !== 'win32') return [];
  return [onStack('winsock-wsapoll', () => openWinsock('poll'), { limits: WINSOCK_LIMITS })];
}

function onThisPlatform(): readonly DriverUnderTest[] {
  switch (process.platform) {
    case 'linux':
      return [linuxBy('epoll'), linuxBy('poll'), linuxBy('select'), lwip(), ps3(false), ps3(true), darwinByKqueue()];
    case 'win32':
      return [winsockSelect()];
    default:
      return [];
  }
}

/** The stacks on which the whole contract is tried, or the one that OVERLAPPED_CONTRACT names. */
export function stacksUnderTest(): readonly DriverUnderTest[] {
  const wanted = process.env['OVERLAPPED_CONTRACT'];
  return onThisPlatform().filter(({ name }) => wanted === undefined || name === wanted);
}
