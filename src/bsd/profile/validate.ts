import { ERROR_DESCRIPTIONS } from '../../port/error-names.js';
import { InvalidArgumentError } from '../../port/errors.js';
import type { NativeType } from '../library/library.js';
import { CALL_NAMES, type CallName, NECESSARY_CALLS } from './calls.js';
import {
  type Check,
  integer,
  list,
  object,
  optional,
  orNull,
  Problems,
  record,
  text,
  truth,
  tuple,
  variant,
  within,
  word,
} from './checks.js';
import type {
  EpollConstants,
  ErrorReport,
  Field,
  KeventLayout,
  KqueueConstants,
  NonBlockingSwitch,
  SetUpArgument,
  SetUpCall,
  StackConstants,
  StackLayouts,
  StackProfile,
  TimespecLayout,
  WaitKind,
} from './profile.js';
import type { QuirkFlags } from './quirks.js';

const int32 = integer(-(2 ** 31), 2 ** 32 - 1);
const known = orNull(int32);
const offset = integer(0, 65_535);
const size = integer(1, 65_536);

const field: Check<Field> = (value, path, problems) => {
  const pair = tuple<[number, number]>('[offset, bytes]', offset, integer(1, 8))(value, path, problems);
  if (![1, 2, 4, 8].includes(pair[1]))
    problems.add(within(path, 1), `an integer has 1, 2, 4 or 8 bytes, not ${pair[1]}`);
  return pair as unknown as Field;
};

const nativeType = word<NativeType>('void', 'int32', 'uint32', 'int64', 'uint64', 'size', 'memory', 'address');

const constants = object<StackConstants>({
  AF_INET: int32,
  AF_INET6: known,
  AF_UNIX: known,
  SOCK_STREAM: int32,
  SOCK_DGRAM: int32,
  SOL_SOCKET: int32,
  SO_ERROR: known,
  SO_LINGER: known,
  SO_REUSEADDR: known,
  SO_REUSEPORT: known,
  SO_KEEPALIVE: known,
  SO_BROADCAST: known,
  SO_SNDBUF: known,
  SO_RCVBUF: known,
  SO_TYPE: known,
  IPPROTO_IP: int32,
  IPPROTO_TCP: int32,
  IPPROTO_IPV6: known,
  TCP_NODELAY: known,
  TCP_KEEPIDLE: known,
  TCP_KEEPINTVL: known,
  TCP_KEEPCNT: known,
  TCP_USER_TIMEOUT: known,
  IPV6_V6ONLY: known,
  IPV6_UNICAST_HOPS: known,
  IPV6_MULTICAST_HOPS: known,
  IPV6_MULTICAST_LOOP: known,
  IPV6_JOIN_GROUP: known,
  IPV6_LEAVE_GROUP: known,
  IP_TTL: known,
  IP_MULTICAST_TTL: known,
  IP_MULTICAST_LOOP: known,
  IP_ADD_MEMBERSHIP: known,
  IP_DROP_MEMBERSHIP: known,
  MSG_PEEK: known,
  MSG_DONTWAIT: known,
  MSG_NOSIGNAL: known,
  MSG_TRUNC: known,
  SHUT_RD: int32,
  SHUT_WR: int32,
  SHUT_RDWR: int32,
  FIONREAD: known,
  poll: object({
    POLLIN: integer(0, 0xffff),
    POLLPRI: integer(0, 0xffff),
    POLLOUT: integer(0, 0xffff),
    POLLERR: integer(0, 0xffff),
    POLLHUP: integer(0, 0xffff),
    POLLNVAL: integer(0, 0xffff),
  }),
  epoll: optional(
    object<EpollConstants>({
      EPOLL_CTL_ADD: int32,
      EPOLL_CTL_MOD: int32,
      EPOLL_CTL_DEL: int32,
      EPOLLIN: integer(0, 0x7fff_ffff),
      EPOLLPRI: integer(0, 0x7fff_ffff),
      EPOLLOUT: integer(0, 0x7fff_ffff),
      EPOLLERR: integer(0, 0x7fff_ffff),
      EPOLLHUP: integer(0, 0x7fff_ffff),
    }),
  ) as Check<EpollConstants>,
  kqueue: optional(
    object<KqueueConstants>({
      EVFILT_READ: integer(-0x8000, 0xffff),
      EVFILT_WRITE: integer(-0x8000, 0xffff),
      EV_ADD: integer(1, 0xffff),
      EV_DELETE: integer(1, 0xffff),
      EV_ONESHOT: integer(1, 0xffff),
      EV_EOF: integer(1, 0xffff),
      EV_ERROR: integer(1, 0xffff),
    }),
  ) as Check<KqueueConstants>,
});

const wordBytes: Check<4 | 8> = (value, path, problems) => {
  const bytes = integer()(value, path, problems);
  if (bytes !== 4 && bytes !== 8) problems.add(path, `must be 4 or 8, not ${bytes}`);
  return bytes as 4 | 8;
};

/** A struct of integer fields, all of which must lie inside it. */
function struct<T extends { readonly size: number }>(fields: { readonly [K in keyof T]-?: Check<T[K]> }): Check<T> {
  const check = object<T>(fields);
  return (value, path, problems) => {
    const layout = check(value, path, problems);
    for (const [name, at] of Object.entries(layout)) {
      if (!Array.isArray(at) || at[0] + at[1] <= layout.size) continue;
      problems.add(within(path, name), `[${at}] ends behind the ${layout.size} bytes of its structure`);
    }
    return layout;
  };
}

type Layout<K extends keyof StackLayouts> = NonNullable<StackLayouts[K]>;

const layouts = object<StackLayouts>({
  sockaddr: object<StackLayouts['sockaddr']>({
    hasLength: truth,
    inBytes: integer(8, 32),
    in6Bytes: optional(integer(28, 32)) as Check<number>,
    unixPathBytes: integer(0, 126),
  }),
  pollfd: orNull(struct<Layout<'pollfd'>>({ size, fd: field, events: field, revents: field })),
  fdSet: orNull(
    variant<Layout<'fdSet'>>('kind', {
      bits: object({ kind: word('bits'), bits: integer(32, 1 << 20), wordBytes, offset: integer(0, 65_535) }),
      array: object({
        kind: word('array'),
        capacity: integer(1, 65_536),
        count: field,
        firstAt: offset,
        entryBytes: wordBytes,
      }),
    }),
  ),
  timeval: orNull(struct<Layout<'timeval'>>({ size, seconds: field, microseconds: field })),
  linger: orNull(struct<Layout<'linger'>>({ size, onOff: field, seconds: field })),
  epollEvent: orNull(struct<Layout<'epollEvent'>>({ size, events: field, data: field })),
  kevent: optional(
    orNull(
      struct<KeventLayout>({
        size,
        ident: field,
        filter: field,
        flags: field,
        fflags: field,
        data: field,
        udata: field,
      }),
    ),
  ) as Check<KeventLayout | null>,
  timespec: optional(
    orNull(struct<TimespecLayout>({ size, seconds: field, nanoseconds: field })),
  ) as Check<TimespecLayout | null>,
});

const flag = optional(truth) as Check<boolean>;

const quirks = object<QuirkFlags>({
  waitReportsSocketError: flag,
  waitErrorConsumes: flag,
  pollErrorCountIsMinusOne: flag,
  pollInvalidFdAborts: flag,
  fcntlErrnoWrongSign: flag,
  soErrorMissing: flag,
  soErrorStale: flag,
  connectInProgressIsWouldBlock: flag,
  connectRefusedAtOnce: flag,
  refusedIsReset: flag,
  connectFailOnlyInExcept: flag,
  connectFailInvisible: flag,
  exceptNeverSet: flag,
  emptySetFails: flag,
  pollZeroFails: flag,
  pollZeroReturnsAtOnce: flag,
  timeoutUnit: optional(word('milliseconds', 'microseconds')) as Check<'milliseconds' | 'microseconds'>,
  nullTimeoutCrashes: flag,
  longestTimeoutMs: optional(integer(1, 2 ** 31 - 1)) as Check<number>,
  hupFoldedIntoIn: flag,
  selectCountsDescriptors: flag,
  // The sign bit is none of them: a negative result is a failure.
  descriptorTagBits: optional(integer(0, 2 ** 31 - 1)) as Check<number>,
  socketTypesSwapped: flag,
  acceptInheritsNonBlocking: flag,
  acceptForgetsNoDelay: flag,
  needsInit: flag,
  noTearDown: flag,
  udpReset: flag,
  lingerZeroNoRst: flag,
  reuseAddressHijacks: flag,
  sendEprototype: flag,
});

const setUpArgument: Check<SetUpArgument> = (value, path, problems) => {
  const isMemory = typeof value === 'object' && value !== null && 'memory' in value;
  if (isMemory && value.memory === null)
    return object({ memory: orNull(text) })(value, path, problems) as SetUpArgument;
  if (!isMemory) return object<{ int32: number }>({ int32 })(value, path, problems);
  const memory = object<{ bytes: number; words?: readonly (readonly [number, number])[] }>({
    bytes: integer(1, 1 << 24),
    words: optional(list(tuple<[number, number]>('[offset, value]', offset, int32))) as Check<
      readonly [number, number][]
    >,
  });
  const checked = object({ memory })(value, path, problems);
  for (const [at] of checked.memory?.words ?? []) {
    if (at + 4 > checked.memory.bytes) problems.add(within(path, 'memory.words'), `${at} lies outside the structure`);
  }
  return checked;
};

const setUpCalls = list(
  object<SetUpCall>({
    symbol: text,
    arguments: list(setUpArgument),
    result: optional(word('int32', 'void')) as Check<'int32' | 'void'>,
    success: optional(word('zero', 'notNegative')) as Check<'zero' | 'notNegative'>,
  }),
);

const errorReport = variant<ErrorReport>('by', {
  errno: object({ by: word('errno') }),
  call: object({ by: word('call'), symbol: text }),
  location: object({ by: word('location'), symbol: text }),
  negatedResult: object({ by: word('negatedResult') }),
  taggedResult: object({ by: word('taggedResult'), tag: int32, mask: int32 }),
});

type Fcntl = Extract<NonBlockingSwitch, { readonly by: 'fcntl' }>;

const nonBlocking = variant<NonBlockingSwitch>('by', {
  fcntl: object<Fcntl>({
    by: word('fcntl'),
    F_GETFL: int32,
    F_SETFL: int32,
    O_NONBLOCK: int32,
    F_SETFD: optional(int32) as Check<number>,
    FD_CLOEXEC: optional(int32) as Check<number>,
  }),
  ioctl: object({ by: word('ioctl'), FIONBIO: int32 }),
  option: object({ by: word('option'), option: int32 }),
});

const ERROR_CODES = Object.keys(ERROR_DESCRIPTIONS);

const functionType = object({ result: nativeType, parameters: list(nativeType) });

const profile = object<StackProfile>({
  name: text,
  title: text,
  sources: list(text),
  library: orNull(text),
  byteOrder: word('little', 'big'),
  symbols: record(text, CALL_NAMES) as Check<StackProfile['symbols']>,
  types: optional(record(functionType, CALL_NAMES)) as Check<NonNullable<StackProfile['types']>>,
  setUp: setUpCalls,
  tearDown: setUpCalls,
  errorReport,
  errors: record(int32, ERROR_CODES),
  errorAliases: optional(record(list(int32), ERROR_CODES)) as Check<NonNullable<StackProfile['errorAliases']>>,
  constants,
  layouts,
  nonBlocking,
  waits: list(word<WaitKind>('epoll', 'kqueue', 'poll', 'select')),
  quirks,
  limits: object({ lowestDescriptor: integer(0), highestDescriptor: integer(0) }),
});

/** What each wait needs of a stack. */
const WAIT_NEEDS: Readonly<
  Record<WaitKind, { readonly calls: readonly CallName[]; readonly layouts: readonly (keyof StackLayouts)[] }>
> = {
  epoll: { calls: ['epoll_create', 'epoll_ctl', 'epoll_wait'], layouts: ['epollEvent'] },
  kqueue: { calls: ['kqueue', 'kevent'], layouts: ['kevent', 'timespec'] },
  poll: { calls: ['poll'], layouts: ['pollfd'] },
  select: { calls: ['select'], layouts: ['fdSet', 'timeval'] },
};

const NON_BLOCKING_CALL = { fcntl: 'fcntl', ioctl: 'ioctl', option: 'setsockopt' } as const;

/**
 * Takes a value for a profile, and gives it with every number as a number and every constant that is not there as null.
 * Integers may be bigints, or text as "0x1007". Throws TypeError ERR_STACK_PROFILE, which says of each field what is
 * wrong with it, for unknown fields and flags too.
 */
export function validateProfile(value: unknown, from = ''): StackProfile {
  const problems = new Problems();
  const checked = profile(value, '', problems);
  if (problems.lines.length === 0) checkTogether(checked, problems);
  const { lines } = problems;
  if (lines.length === 0) return checked;
  const what = lines.length === 1 ? lines[0] : `${lines.length} fields are wrong:\n  ${lines.join('\n  ')}`;
  throw new InvalidArgumentError(`Not a stack profile${from === '' ? '' : ` (${from})`}: ${what}`, 'ERR_STACK_PROFILE');
}

/** What fields mean for one another. */
function checkTogether(checked: StackProfile, problems: Problems): void {
  const { symbols, waits, limits, errors } = checked;
  for (const call of NECESSARY_CALLS) {
    if (symbols[call] === undefined) problems.add(`symbols.${call}`, 'is missing: no stack can do without');
  }
  if (waits.length === 0) problems.add('waits', 'must name at least one of epoll, kqueue, poll, select');
  waits.forEach((wait, index) => {
    const needs = WAIT_NEEDS[wait];
    for (const call of needs.calls) {
      if (symbols[call] === undefined) problems.add(`waits.${index}`, `${wait} needs symbols.${call}`);
    }
    for (const layout of needs.layouts) {
      if (!checked.layouts[layout]) problems.add(`waits.${index}`, `${wait} needs layouts.${layout}`);
    }
    if (wait === 'kqueue' && !checked.constants.kqueue) {
      problems.add(`waits.${index}`, 'kqueue needs constants.kqueue');
    }
  });
  const switched = NON_BLOCKING_CALL[checked.nonBlocking.by];
  if (symbols[switched] === undefined) problems.add('nonBlocking.by', `needs symbols.${switched}`);
  if (limits.lowestDescriptor > limits.highestDescriptor) {
    problems.add('limits.highestDescriptor', 'must not be below limits.lowestDescriptor');
  }
  const { fdSet } = checked.layouts;
  if (fdSet?.kind === 'bits' && fdSet.bits % (fdSet.wordBytes * 8) !== 0) {
    problems.add('layouts.fdSet.bits', `must be whole words of ${fdSet.wordBytes} bytes, not ${fdSet.bits} bits`);
  }
  checkErrors(errors, problems);
}

function checkErrors(errors: StackProfile['errors'], problems: Problems): void {
  if (errors['EAGAIN'] === undefined && errors['EWOULDBLOCK'] === undefined) {
    problems.add('errors.EAGAIN', 'is missing: nothing else says that a call would have to wait');
  }
  if (errors['EINPROGRESS'] === undefined) {
    problems.add('errors.EINPROGRESS', 'is missing: nothing else says that a connect has begun');
  }
  const numbers = Object.entries(errors);
  const negative = numbers.filter(([, number]) => number < 0).length;
  for (const [code, number] of numbers) {
    if (number === 0) problems.add(`errors.${code}`, '0 is no error');
    else if (negative !== 0 && number > 0) problems.add(`errors.${code}`, 'is positive, and others are negative');
  }
}
