import type { ProbeBench } from './bench.js';
import { type Finding, found, unknown } from './finding.js';

const SOCKETS_LOOKED_AT = 4;
/** No stack counts its sockets as far as this: what is larger has something else in it. */
const LARGEST_NUMBER = 0xffff;
/** The number of a tagged descriptor is in here at least. */
const NUMBER_BITS = 0xff;

/** Which of the two numbers makes a stream: only that one listens. */
export function probeTypes(bench: ProbeBench): Finding[] {
  const { SOCK_STREAM, SOCK_DGRAM } = bench.calls.profile.constants;
  const listens = (type: 'stream' | 'datagram') => {
    const { descriptor } = bench.bound(type);
    return bench.stack.listen(descriptor, 1);
  };
  const stream = listens('stream');
  if (stream >= 0) return [found('socketTypesSwapped', false, `a socket of type ${SOCK_STREAM} listens`)];
  const datagram = listens('datagram');
  if (datagram < 0) return [unknown('socketTypesSwapped', `no socket listens: ${bench.code(stream)}`)];
  return [found('socketTypesSwapped', true, `a socket of type ${SOCK_DGRAM} listens, and none of ${SOCK_STREAM}`)];
}

/** Bits that every descriptor has, above any number that sockets are counted by. */
export function probeDescriptors(bench: ProbeBench): Finding[] {
  if (bench.calls.profile.layouts.fdSet?.kind === 'array') {
    return [unknown('descriptorTagBits', 'an fd_set holds whole descriptors')];
  }
  const descriptors = Array.from({ length: SOCKETS_LOOKED_AT }, () => bench.open());
  const how = `descriptors are ${descriptors.map((descriptor) => `0x${descriptor.toString(16)}`).join(' ')}`;
  if (descriptors.every((descriptor) => descriptor <= LARGEST_NUMBER)) return [found('descriptorTagBits', 0, how)];
  const common = descriptors.reduce((all, descriptor) => all & descriptor, ~NUMBER_BITS);
  return [found('descriptorTagBits', common, how)];
}

/** fcntl of a descriptor that is not open. */
export function probeFcntl(bench: ProbeBench): Finding[] {
  const { nonBlocking, errors, errorReport } = bench.calls.profile;
  if (nonBlocking.by !== 'fcntl') return [unknown('fcntlErrnoWrongSign', 'the profile has no fcntl')];
  if (errorReport.by !== 'errno') return [found('fcntlErrnoWrongSign', false, 'errors are not told by errno')];
  const descriptor = bench.open();
  bench.close(descriptor);
  const returned = bench.calls.get('fcntl')(descriptor, nonBlocking.F_GETFL, 0);
  if (returned >= 0) return [unknown('fcntlErrnoWrongSign', 'fcntl of a closed descriptor does not fail')];
  const errno = bench.calls.library.lastErrno();
  const expected = Object.values(errors).includes(errno);
  const turned = Object.values(errors).includes(-errno);
  return [found('fcntlErrnoWrongSign', !expected && turned, `errno was ${errno} for a closed descriptor`)];
}

/** What an accepted socket has of its listener. */
export function probeAccepted(bench: ProbeBench): Finding[] {
  const { descriptor, address } = bench.bound();
  // lwIP takes no option of a socket that listens.
  const forgets = bench.calls.has('getsockopt') ? bench.stack.setOption(descriptor, 'noDelay', true, 'IPv4') : -1;
  bench.stack.listen(descriptor, 1);
  bench.connect(bench.open(), address);
  // By the stack's own call: what the library makes of an accepted socket is not asked.
  const accept = bench.calls.get('accept');
  const accepted = bench.until(
    () => accept(descriptor, null, null),
    (result) => result >= 0,
  );
  if (accepted < 0) throw new Error(`accept fails with ${bench.code(bench.calls.failure(accepted))}`);
  const findings = [probeInherited(bench, accepted)];
  if (forgets < 0) findings.push(unknown('acceptForgetsNoDelay', 'TCP_NODELAY cannot be set'));
  else {
    const kept = bench.stack.getOption(accepted, 'noDelay', 'IPv4');
    findings.push(
      kept < 0
        ? unknown('acceptForgetsNoDelay', 'TCP_NODELAY cannot be read')
        : found('acceptForgetsNoDelay', kept === 0, `the accepted socket's TCP_NODELAY is ${kept}`),
    );
  }
  bench.stack.close(accepted);
  return findings;
}

function probeInherited(bench: ProbeBench, accepted: number): Finding {
  const { constants, nonBlocking } = bench.calls.profile;
  switch (nonBlocking.by) {
    case 'fcntl': {
      const flags = bench.calls.get('fcntl')(accepted, nonBlocking.F_GETFL, 0);
      const inherits = flags >= 0 && (flags & nonBlocking.O_NONBLOCK) !== 0;
      return found('acceptInheritsNonBlocking', inherits, `the accepted socket's F_GETFL is ${flags}`);
    }
    case 'option': {
      const { result, value } = bench.option(accepted, constants.SOL_SOCKET, nonBlocking.option);
      if (result < 0) return unknown('acceptInheritsNonBlocking', 'the mode cannot be read');
      return found('acceptInheritsNonBlocking', value !== 0, `the accepted socket's mode reads ${value}`);
    }
    case 'ioctl':
      return unknown('acceptInheritsNonBlocking', 'the mode cannot be read, and a call to try it may block for ever');
  }
}

/** Two listeners on one port, both with SO_REUSEADDR. */
export function probeReuse(bench: ProbeBench): Finding[] {
  const first = bench.bound();
  const second = bench.open();
  for (const descriptor of [first.descriptor, second]) {
    const set = bench.stack.setOption(descriptor, 'reuseAddress', true, 'IPv4');
    if (set < 0) return [unknown('reuseAddressHijacks', `SO_REUSEADDR cannot be set: ${bench.code(set)}`)];
  }
  const listened = bench.stack.listen(first.descriptor, 1);
  if (listened < 0) return [unknown('reuseAddressHijacks', `the first does not listen: ${bench.code(listened)}`)];
  const taken = bench.stack.bind(second, first.address);
  const result = taken < 0 ? taken : bench.stack.listen(second, 1);
  const how = result < 0 ? `the second one fails with ${bench.code(result)}` : 'both listen';
  return [found('reuseAddressHijacks', result >= 0, how)];
}
