import * as errno from '../../../native-bindings/linux/errno.js';
import type { SimulationFlags } from '../../../src/bsd/simulation/flags.js';
import type { Random } from '../../../src/port/random.js';
import type { ErrorReport, Field, StackConstants, StackLayouts, StackProfile, WaitKind } from '../../../src/stack.js';
import { CALL_NAMES, LINUX, type QuirkFlags } from '../../../src/stack.js';

/** A stack that nobody has made: how it is laid out, and how it misbehaves. */
export interface RandomStack {
  readonly profile: StackProfile;
  readonly flags: SimulationFlags;
}

/** How often each flag is on. */
const FLAG_RATE = 0.25;

export const BOOLEAN_QUIRKS = [
  'waitReportsSocketError',
  'waitErrorConsumes',
  'pollErrorCountIsMinusOne',
  'pollInvalidFdAborts',
  'fcntlErrnoWrongSign',
  'soErrorMissing',
  'soErrorStale',
  'connectInProgressIsWouldBlock',
  'connectRefusedAtOnce',
  'refusedIsReset',
  'connectFailOnlyInExcept',
  'connectFailInvisible',
  'exceptNeverSet',
  'emptySetFails',
  'pollZeroFails',
  'pollZeroReturnsAtOnce',
  'nullTimeoutCrashes',
  'hupFoldedIntoIn',
  'selectCountsDescriptors',
  'socketTypesSwapped',
  'acceptInheritsNonBlocking',
  'needsInit',
  'udpReset',
  'sendEprototype',
] as const satisfies readonly (keyof QuirkFlags)[];

const SIMULATION_FLAGS = ['waitErrorNeedsEvents', 'waitErrorFromOutside'] as const;

type Quirks = { -readonly [Name in keyof QuirkFlags]: QuirkFlags[Name] };

/** Draws a stack. The same random numbers give the same stack. */
export function randomStack(random: Random): RandomStack {
  const quirks = randomQuirks(random);
  const reads = random.chance(0.5);
  const waits = pick<readonly WaitKind[]>(random, [['poll', 'select'], ['select', 'poll'], ['poll'], ['select']]);
  const limits = randomLimits(random, quirks);
  const fdSet = randomFdSet(random, limits.lowestDescriptor);
  const layouts = randomLayouts(random, fdSet);
  const errorReport = randomReport(random);
  // A cleared error whose number stood in a result that says -1 instead is gone for good.
  if (quirks.pollErrorCountIsMinusOne && /Result$/.test(errorReport.by)) delete quirks.waitErrorConsumes;
  // A result of -1 is then the error whose number is 1, and no count.
  if (errorReport.by === 'negatedResult') delete quirks.pollErrorCountIsMinusOne;
  // A poll that gives up without an error leaves the last call's number, which might be that of a cleared error.
  if (quirks.pollInvalidFdAborts && !/Result$/.test(errorReport.by)) delete quirks.waitErrorConsumes;
  const profile: StackProfile = {
    ...LINUX,
    name: 'made up',
    byteOrder: pick(random, ['little', 'big']),
    symbols: randomSymbols(random, waits, reads),
    setUp: [{ symbol: 'set_up', arguments: [{ memory: { bytes: 12, words: [[4, 0x1234]] } }, { int32: -5 }] }],
    tearDown: quirks.noTearDown ? [] : [{ symbol: 'tear_down', arguments: [] }],
    errorReport,
    errors: randomErrors(random, errorReport),
    constants: randomConstants(random, layouts, reads),
    layouts,
    nonBlocking: randomSwitch(random, reads),
    waits,
    quirks,
    limits,
  };
  return { profile, flags: randomFlags(random, quirks) };
}

/** Whatever is on, for a report. */
export function describeStack({ profile, flags }: RandomStack): string {
  const { byteOrder, errorReport, layouts, nonBlocking, waits, limits, symbols, constants } = profile;
  return JSON.stringify({
    flags,
    waits,
    byteOrder,
    report: errorReport.by,
    fdSet: layouts.fdSet,
    nonBlocking: nonBlocking.by,
    lowest: limits.lowestDescriptor,
    dontWait: constants.MSG_DONTWAIT !== null,
    missing: CALL_NAMES.filter((name) => symbols[name] === undefined),
  });
}

function randomQuirks(random: Random): Quirks {
  const quirks: Quirks = {};
  for (const name of BOOLEAN_QUIRKS) if (random.chance(FLAG_RATE)) quirks[name] = true;
  if (random.chance(FLAG_RATE)) quirks.timeoutUnit = 'microseconds';
  if (random.chance(FLAG_RATE)) quirks.longestTimeoutMs = 1 + random.below(50);
  if (random.chance(FLAG_RATE)) quirks.descriptorTagBits = pick(random, [0x4000_0000, 0x10_0000, 0x7000_0000]);
  // No stack has both: a failed connect that shows in the third set alone, and a third set that shows nothing.
  if (quirks.exceptNeverSet) delete quirks.connectFailOnlyInExcept;
  // A failed connect that poll hides and SO_ERROR keeps to itself: nothing at all would tell of it.
  if (quirks.soErrorMissing || quirks.soErrorStale) delete quirks.connectFailInvisible;
  // Of several errors one is cleared, and nothing tells which sockets still have theirs.
  if (quirks.soErrorMissing || quirks.soErrorStale) delete quirks.waitErrorConsumes;
  // And a cleared error of a socket that poll hides leaves no trace of it at all.
  if (quirks.waitErrorConsumes) delete quirks.connectFailInvisible;
  return quirks;
}

function randomFlags(random: Random, quirks: QuirkFlags): SimulationFlags {
  const flags: Record<string, unknown> = { ...quirks };
  for (const name of SIMULATION_FLAGS) if (random.chance(FLAG_RATE)) flags[name] = true;
  flags['waitErrorWins'] = pick(random, ['first', 'last', 'lowest']);
  if (random.chance(FLAG_RATE)) flags['interruptEveryNthWait'] = 2 + random.below(4);
  return flags as SimulationFlags;
}

function randomLimits(random: Random, { descriptorTagBits }: QuirkFlags) {
  const lowestDescriptor = pick(random, [0, 1, 3, 24, 100, 5000]);
  const widest = descriptorTagBits === undefined ? 2 ** 31 - 1 : 2 ** 16 - 1;
  return { lowestDescriptor, highestDescriptor: pick(random, [lowestDescriptor + 1000, widest]) };
}

function randomSymbols(random: Random, waits: readonly WaitKind[], reads: boolean): StackProfile['symbols'] {
  const symbols: Record<string, string> = {};
  const prefix = pick(random, ['', 'net_', 'sceNet']);
  for (const name of CALL_NAMES) {
    if (name.startsWith('epoll') || name.startsWith('k')) continue;
    if (name === 'poll' && !waits.includes('poll')) continue;
    if (name === 'select' && !waits.includes('select')) continue;
    if ((name === 'ioctl' || name === 'fcntl') && !reads) continue;
    symbols[name] = `${prefix}${name}${random.below(100)}`;
  }
  return symbols;
}

function randomReport(random: Random): ErrorReport {
  return pick<ErrorReport>(random, [
    { by: 'errno' },
    { by: 'call', symbol: 'last_error' },
    { by: 'location', symbol: 'error_location' },
    { by: 'negatedResult' },
    { by: 'taggedResult', tag: 0x8041_0000 | 0, mask: 0xffff },
  ]);
}

/** A number of its own for each of Linux's errors. */
function randomErrors(random: Random, report: ErrorReport): Record<string, number> {
  const names = Object.keys(errno).filter((name) => name.startsWith('E'));
  const first = pick(random, [1, 1, 10_000]);
  const numbers = shuffled(
    random,
    Array.from({ length: names.length }, (_, i) => first + i),
  );
  const sign = report.by === 'errno' && random.chance(0.2) ? -1 : 1;
  const errors = Object.fromEntries(names.map((name, i) => [name, sign * (numbers[i] as number)]));
  // One error under two names has one number.
  errors['EWOULDBLOCK'] = errors['EAGAIN'] as number;
  errors['EDEADLOCK'] = errors['EDEADLK'] as number;
  errors['ENOTSUP'] = errors['EOPNOTSUPP'] as number;
  return errors;
}

const SOCKET_OPTIONS = [
  'SO_ERROR',
  'SO_LINGER',
  'SO_REUSEADDR',
  'SO_REUSEPORT',
  'SO_KEEPALIVE',
  'SO_BROADCAST',
  'SO_SNDBUF',
  'SO_RCVBUF',
  'SO_TYPE',
] as const;

function randomConstants(random: Random, layouts: StackLayouts, reads: boolean): StackConstants {
  const options = distinct(random, SOCKET_OPTIONS.length, 0x1100);
  const families = distinct(random, 3, 100).map((family) => family + 1);
  const flags = shuffled(random, [1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80, 0x100, 0x4000]);
  const [SOCK_STREAM, SOCK_DGRAM] = distinct(random, 2, 12) as [number, number];
  const [SHUT_RD, SHUT_WR, SHUT_RDWR] = distinct(random, 3, 5) as [number, number, number];
  const bits = shuffled(random, [1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80, 0x100, 0x200, 0x400, 0x1000, 0x2000]);
  // Winsock's POLLIN is two bits.
  const inBits = (bits[0] as number) | (random.chance(0.3) ? (bits[6] as number) : 0);
  return {
    ...LINUX.constants,
    ...Object.fromEntries(SOCKET_OPTIONS.map((name, i) => [name, options[i]])),
    AF_INET: families[0] as number,
    AF_INET6: random.chance(0.5) ? (families[1] as number) : null,
    AF_UNIX: random.chance(0.5) ? (families[2] as number) : null,
    SOCK_STREAM,
    SOCK_DGRAM,
    SOL_SOCKET: pick(random, [1, 0xffff, -1]),
    MSG_PEEK: flags[0] as number,
    MSG_DONTWAIT: random.chance(0.7) ? (flags[1] as number) : null,
    MSG_NOSIGNAL: random.chance(0.5) ? (flags[2] as number) : null,
    MSG_TRUNC: random.chance(0.5) ? (flags[3] as number) : null,
    SHUT_RD,
    SHUT_WR,
    SHUT_RDWR,
    FIONREAD: reads ? pick(random, [0x541b, 0x4004_667f, 127]) : null,
    poll: {
      POLLIN: layouts.pollfd === null ? 1 : inBits,
      POLLPRI: bits[1] as number,
      POLLOUT: bits[2] as number,
      POLLERR: bits[3] as number,
      POLLHUP: bits[4] as number,
      POLLNVAL: bits[5] as number,
    },
  };
}

function randomFdSet(random: Random, lowest: number): StackLayouts['fdSet'] {
  if (random.chance(0.3)) {
    const entryBytes = pick(random, [4, 8] as const);
    const firstAt = pick(random, [4, 8]);
    return { kind: 'array', capacity: pick(random, [3, 8, 64]), count: [0, 4], firstAt, entryBytes };
  }
  const offset = lowest >= 1000 || random.chance(0.3) ? lowest : 0;
  return { kind: 'bits', bits: pick(random, [256, 1024]), wordBytes: pick(random, [4, 8] as const), offset };
}

function randomLayouts(random: Random, fdSet: StackLayouts['fdSet']): StackLayouts {
  const wide = random.chance(0.4);
  const inOrder = random.chance(0.7);
  const width = wide ? 4 : 2;
  const fdAt = inOrder ? 0 : 2 * width;
  const eventsAt = inOrder ? 4 : 0;
  const events: Field = [eventsAt, width];
  const revents: Field = [eventsAt + width, width];
  const seconds = pick(random, [4, 8] as const);
  const lingerBytes = pick(random, [2, 4] as const);
  return {
    sockaddr: { hasLength: random.chance(0.5), inBytes: pick(random, [16, 16, 8]), unixPathBytes: 104 },
    pollfd: { size: 4 + 2 * width, fd: [fdAt, 4], events, revents },
    fdSet,
    timeval: { size: 2 * seconds, seconds: [0, seconds], microseconds: [seconds, seconds] },
    linger: { size: 2 * lingerBytes, onOff: [0, lingerBytes], seconds: [lingerBytes, lingerBytes] },
    epollEvent: null,
  };
}

function randomSwitch(random: Random, reads: boolean): StackProfile['nonBlocking'] {
  const option = { by: 'option', option: 0x1100 + random.below(16) } as const;
  if (!reads) return option;
  return pick<StackProfile['nonBlocking']>(random, [
    option,
    { by: 'fcntl', F_GETFL: 3, F_SETFL: 4, O_NONBLOCK: pick(random, [1, 4, 0o4000, 0x4000_0000]) },
    { by: 'ioctl', FIONBIO: pick(random, [0x8004_667e, 0x5421]) },
  ]);
}

export function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[random.below(choices.length)] as T;
}

export function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const left = [...items];
  return items.map(() => left.splice(random.below(left.length), 1)[0] as T);
}

/** Different numbers from 0 to `limit` - 1. */
function distinct(random: Random, count: number, limit: number): number[] {
  const numbers = new Set<number>();
  while (numbers.size < count) numbers.add(random.below(limit));
  return [...numbers];
}
