import { openLwip } from '../../src/bsd/lwip/open.js';
import { openProactor } from '../../src/index.js';
import { LINUX, type OpenStack, openStack, type StackProfile, type WaitKind } from '../../src/stack.js';
import type { ContractLimit } from './contract-test.js';
import { LWIP_LIMITS } from './lwip/limits.js';
import { LWIP_PEERS } from './lwip/peers.js';
import type { DriverUnderTest } from './stage.js';

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

function lwip(): DriverUnderTest {
  return onStack('lwip', openLwip, { limits: [...RECVFROM_LIMITS, ...LWIP_LIMITS], peers: LWIP_PEERS });
}

/** The stacks on which the whole contract is tried, or the one that OVERLAPPED_CONTRACT names. */
export function stacksUnderTest(): readonly DriverUnderTest[] {
  const wanted = process.env['OVERLAPPED_CONTRACT'];
  const stacks = process.platform === 'linux' ? [linuxBy('epoll'), linuxBy('poll'), linuxBy('select'), lwip()] : [];
  return stacks.filter(({ name }) => wanted === undefined || name === wanted);
}
