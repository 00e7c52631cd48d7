import type { SimulationFlags } from '../../src/bsd/simulation/flags.js';
import { LINUX, type QuirkFlags, type StackProfile } from '../../src/stack.js';
import { PLAIN, type Probe } from './bench.js';
import { LOOPBACK } from './fuzz/raw-peers.js';
import { rewrites } from './stack-changes.js';

const IN = 1;
const PRI = 2;
const OUT = 4;
const WAIT_MS = 250;
/** Without MSG_DONTWAIT a socket that blocks is seen to. */
const BLOCKS_BY_MODE = { ...LINUX.constants, MSG_DONTWAIT: null };

const EPOLL = {
  epoll_create: 'epoll_create',
  epoll_ctl: 'epoll_ctl',
  epoll_wait: 'epoll_wait',
  epoll_close: 'epoll_close',
};

export interface QuirkCase {
  readonly name: string;
  /** What the stack has otherwise than PLAIN. */
  readonly stack?: Partial<StackProfile>;
  readonly flags?: SimulationFlags;
  /** What the library is told besides the stack's own layout, and what of it is taken back to see the quirk. */
  readonly told?: Partial<StackProfile>;
  readonly untold?: Partial<StackProfile>;
  readonly probe: Probe;
  /** Where Linux cannot be asked. */
  readonly expected?: unknown;
}

/** A flag of the profile's, simulated with the same flag; `with` are flags that it comes with. */
function flag(name: keyof QuirkFlags, value: unknown, probe: Probe, more: FlagCase = {}): QuirkCase {
  const { beside = {}, flags = {}, ...rest } = more;
  return {
    name: `${name}${more.as ?? ''}`,
    flags: { ...beside, [name]: value, ...flags },
    told: { quirks: { ...beside, [name]: value } },
    untold: { quirks: beside },
    probe,
    ...rest,
  };
}

interface FlagCase extends Partial<QuirkCase> {
  readonly beside?: QuirkFlags;
  readonly as?: string;
}

/** A part of the profile in which the stack differs: told wrongly, the library would take it for Linux's. */
function part(name: string, stack: Partial<StackProfile>, untold: Partial<StackProfile>, probe: Probe): QuirkCase {
  return { name, stack, untold, probe };
}

/** Two sockets: one was reset, one has data. */
const resetBesideData: Probe = (bench) => {
  const broken = bench.connected();
  const busy = bench.connected();
  bench.reset(broken.peer);
  bench.peers.send(busy.peer, new Uint8Array(7));
  const both = [broken.descriptor, busy.descriptor];
  return [
    bench.poll(both.map((descriptor) => [descriptor, IN])),
    bench.select(both, [], []),
    bench.recv(busy.descriptor),
    bench.recv(broken.descriptor),
    bench.recv(broken.descriptor),
  ];
};

const invalidAmongOthers: Probe = (bench) => {
  const first = bench.connected();
  const last = bench.connected();
  bench.peers.send(last.peer, new Uint8Array(1));
  return bench.poll([
    [first.descriptor, IN | OUT],
    [999, IN],
    [last.descriptor, IN],
  ]);
};

/** The refusal of a connect, as a driver asks for it. */
const refusal: Probe = (bench) => {
  const { descriptor, result } = bench.refused();
  return [result, bench.poll([[descriptor, OUT]])[0], bench.say(-Math.abs(bench.opened.stack.takeError(descriptor)))];
};

const refusalInSelect: Probe = (bench) => {
  const { descriptor } = bench.refused();
  return [bench.select([descriptor], [descriptor], []), bench.say(-bench.opened.stack.takeError(descriptor))];
};

const refusalInPoll: Probe = (bench) => bench.poll([[bench.refused().descriptor, IN | OUT]]);

const urgent: Probe = (bench) => {
  const { descriptor, peer } = bench.connected();
  bench.peers.sendUrgent(peer, new Uint8Array(1));
  return [bench.select([], [], [descriptor]), bench.poll([[descriptor, PRI]])];
};

/** Whether an idle wait takes its time, and no more than that by far. */
const idleFor =
  (wait: (bench: Parameters<Probe>[0], ms: number) => unknown): Probe =>
  (bench) => {
    const started = performance.now();
    const result = wait(bench, WAIT_MS);
    const took = performance.now() - started;
    return [result, took >= WAIT_MS, took < 20 * WAIT_MS];
  };

const idlePoll = idleFor((bench, ms) => bench.poll([[bench.connected().descriptor, IN]], ms));
const idleSelect = idleFor((bench, ms) => bench.select([bench.connected().descriptor], [], [], ms));
const pollOfNothing = idleFor((bench, ms) => bench.poll([], ms));
const selectOfNothing = idleFor((bench, ms) => bench.select([], [], [], ms));

const endlessSelect: Probe = (bench) => {
  const { descriptor, peer } = bench.connected();
  bench.peers.send(peer, new Uint8Array(1));
  return bench.select([descriptor], [], [], Number.POSITIVE_INFINITY);
};

const halfClosed: Probe = (bench) => {
  const { descriptor, peer } = bench.connected();
  bench.reset(peer);
  return [bench.recv(descriptor), bench.poll([[descriptor, IN]]), bench.poll([[descriptor, 0]])];
};

const exchange: Probe = (bench) => {
  const { stack } = bench.opened;
  const { descriptor, peer } = bench.connected();
  bench.peers.send(peer, new Uint8Array(5));
  const listener = bench.listener();
  bench.peerTo(listener.port);
  const accepted = stack.accept(listener.descriptor);
  return [
    bench.recv(descriptor),
    bench.recv(descriptor),
    bench.send(descriptor),
    stack.remoteAddress(descriptor)?.port === bench.peers.port,
    stack.localAddress(listener.descriptor)?.address,
    accepted >= 0 ? bench.recv(accepted) : bench.say(accepted),
    accepted >= 0 ? bench.close(accepted) : 0,
    bench.poll([
      [descriptor, IN | OUT],
      [listener.descriptor, IN],
    ]),
    bench.select([descriptor, listener.descriptor], [descriptor], []),
    bench.recv(descriptor + 1000),
  ];
};

const datagrams: Probe = (bench) => {
  const { stack } = bench.opened;
  const descriptor = bench.socket('datagram');
  const bound = bench.say(stack.bind(descriptor, { ...LOOPBACK, port: 0 }));
  const batch = stack.createBatch(1, 100);
  batch.add(new Uint8Array(3), { ...LOOPBACK, port: bench.peers.refusingDatagramPort });
  const sent = bench.say(stack.sendBatch(descriptor, batch, 0));
  return [bound, sent, bench.say(stack.recvBatch(descriptor, stack.createBatch(1, 100)))];
};

const sendToTheDead: Probe = (bench) => {
  const { descriptor, peer } = bench.connected();
  bench.reset(peer);
  return [bench.send(descriptor), bench.send(descriptor)];
};

/** By the number of the list in the design's notes on quirks. */
export const QUIRKS: readonly QuirkCase[] = [
  flag('waitReportsSocketError', true, resetBesideData),
  flag('waitReportsSocketError', true, resetBesideData, { as: ', on select alone', stack: { waits: ['select'] } }),
  flag('waitErrorConsumes', true, resetBesideData, { beside: { waitReportsSocketError: true } }),
  flag('pollErrorCountIsMinusOne', true, resetBesideData),
  flag('pollInvalidFdAborts', true, invalidAmongOthers),
  part('returnsNegativeErrno', { errorReport: { by: 'negatedResult' } }, { errorReport: { by: 'errno' } }, exchange),
  part(
    'returnsTaggedCode',
    { errorReport: { by: 'taggedResult', tag: 0x8041_0100 | 0, mask: 0xff } },
    { errorReport: { by: 'negatedResult' } },
    exchange,
  ),
  part(
    'separateErrno, by a call',
    { errorReport: { by: 'call', symbol: 'last_error' } },
    { errorReport: { by: 'negatedResult' } },
    exchange,
  ),
  part(
    'separateErrno, at an address',
    { byteOrder: 'big', errorReport: { by: 'location', symbol: 'errno_location' } },
    { errorReport: { by: 'negatedResult' } },
    exchange,
  ),
  {
    ...flag('fcntlErrnoWrongSign', true, () => 'a socket'),
    // No command of this number: the switch to non-blocking fails.
    stack: { nonBlocking: { by: 'fcntl', F_GETFL: 3, F_SETFL: 4, O_NONBLOCK: 1 } },
    told: {
      nonBlocking: { by: 'fcntl', F_GETFL: 3, F_SETFL: 5, O_NONBLOCK: 1 },
      quirks: { fcntlErrnoWrongSign: true },
    },
    untold: { quirks: {} },
    probe: (bench) => bench.say(bench.opened.stack.socket('IPv4', 'stream', true)),
    expected: 'EINVAL',
  },
  part('errnoTable', { errors: rewrites(LINUX.errors, 7) }, { errors: LINUX.errors }, exchange),
  {
    name: 'errnoTable, a second number for one error',
    stack: { errors: { ...LINUX.errors, EAGAIN: 246 } },
    told: { errors: LINUX.errors, errorAliases: { EAGAIN: [246] } },
    untold: { errorAliases: {} },
    probe: exchange,
  },
  flag('soErrorMissing', true, refusal),
  flag('soErrorStale', true, refusal),
  flag('connectInProgressIsWouldBlock', true, refusal),
  flag('refusedIsReset', true, refusal),
  flag('connectFailOnlyInExcept', true, refusalInSelect),
  flag('connectFailInvisible', true, refusalInPoll),
  flag('exceptNeverSet', true, urgent),
  flag('emptySetFails', true, selectOfNothing),
  flag('pollZeroFails', true, pollOfNothing),
  flag('pollZeroReturnsAtOnce', true, pollOfNothing),
  {
    name: 'pollMissing',
    stack: { symbols: without('poll'), waits: ['select'] },
    untold: { symbols: PLAIN.symbols, waits: ['poll', 'select'] },
    probe: exchange,
  },
  {
    name: 'selectMissing',
    stack: { symbols: without('select'), waits: ['poll'] },
    untold: { symbols: PLAIN.symbols, waits: ['select', 'poll'] },
    probe: exchange,
  },
  {
    name: 'epollOnly',
    stack: { symbols: { ...without('poll', 'select'), ...EPOLL }, waits: ['epoll'] },
    untold: { symbols: PLAIN.symbols, waits: ['poll'] },
    probe: exchange,
  },
  flag('timeoutUnit', 'microseconds', idlePoll),
  flag('nullTimeoutCrashes', true, endlessSelect),
  flag('longestTimeoutMs', 10, idlePoll, { as: ', which poll refuses' }),
  flag('longestTimeoutMs', 10, idleSelect, { as: ', at which select ends', flags: { longTimeout: 'returnsEarly' } }),
  part(
    'pollBits',
    {
      constants: {
        ...LINUX.constants,
        poll: { POLLIN: 0x300, POLLPRI: 4, POLLOUT: 16, POLLERR: 1, POLLHUP: 2, POLLNVAL: 8 },
      },
    },
    { constants: LINUX.constants },
    exchange,
  ),
  part(
    'pollfdLayout',
    { layouts: { ...LINUX.layouts, pollfd: { size: 12, fd: [0, 4], events: [4, 4], revents: [8, 4] } } },
    { layouts: LINUX.layouts },
    exchange,
  ),
  flag('hupFoldedIntoIn', true, halfClosed),
  part(
    'fdSetArray',
    { layouts: { ...LINUX.layouts, fdSet: { kind: 'array', capacity: 64, count: [0, 4], firstAt: 8, entryBytes: 8 } } },
    { layouts: LINUX.layouts },
    exchange,
  ),
  part(
    'fdSetOffset',
    { layouts: { ...LINUX.layouts, fdSet: { kind: 'bits', bits: 1024, wordBytes: 8, offset: 3 } } },
    { layouts: LINUX.layouts },
    exchange,
  ),
  part(
    'byteOrder, of every structure',
    { byteOrder: 'big', layouts: { ...LINUX.layouts, fdSet: { kind: 'bits', bits: 1024, wordBytes: 4, offset: 0 } } },
    { byteOrder: 'little' },
    exchange,
  ),
  flag('descriptorTagBits', 0x4000_0000, exchange),
  part(
    'saLen',
    { layouts: { ...LINUX.layouts, sockaddr: { hasLength: true, inBytes: 16, unixPathBytes: 104 } } },
    { layouts: LINUX.layouts },
    exchange,
  ),
  part(
    'shortSockaddr',
    { layouts: { ...LINUX.layouts, sockaddr: { hasLength: true, inBytes: 8, unixPathBytes: 104 } } },
    { layouts: { ...LINUX.layouts, sockaddr: { hasLength: true, inBytes: 16, unixPathBytes: 104 } } },
    exchange,
  ),
  part(
    'addressFamilies',
    { constants: { ...LINUX.constants, AF_INET: 1, AF_INET6: 5 } },
    { constants: LINUX.constants },
    exchange,
  ),
  flag('socketTypesSwapped', true, exchange),
  part(
    'nonBlockingBy fcntl',
    {
      constants: BLOCKS_BY_MODE,
      nonBlocking: { by: 'fcntl', F_GETFL: 3, F_SETFL: 4, O_NONBLOCK: 0x4000_0000 },
    },
    { nonBlocking: { by: 'fcntl', F_GETFL: 3, F_SETFL: 4, O_NONBLOCK: 0o4000 } },
    exchange,
  ),
  part(
    'nonBlockingBy ioctl',
    { nonBlocking: { by: 'ioctl', FIONBIO: 0x8004_667e } },
    { nonBlocking: { by: 'ioctl', FIONBIO: 0x5421 } },
    exchange,
  ),
  part(
    'nonBlockingBy an option',
    { nonBlocking: { by: 'option', option: 0x1009 } },
    { nonBlocking: { by: 'option', option: 0x1100 } },
    exchange,
  ),
  {
    // The other way round: told that it inherits, the library leaves the new socket as it is.
    name: 'acceptInheritsNonBlocking',
    stack: { constants: BLOCKS_BY_MODE },
    untold: { quirks: { acceptInheritsNonBlocking: true } },
    probe: exchange,
  },
  {
    name: 'needsInit',
    stack: { setUp: [{ symbol: 'set_up', arguments: [{ memory: { bytes: 12, words: [[4, 0x20000]] } }] }] },
    flags: { needsInit: true },
    untold: { setUp: [] },
    probe: exchange,
  },
  flag('udpReset', true, datagrams),
  flag('sendEprototype', true, sendToTheDead),
];

function without(...names: readonly string[]): StackProfile['symbols'] {
  return Object.fromEntries(Object.entries(PLAIN.symbols).filter(([call]) => !names.includes(call)));
}
