import type { StackCalls } from '../library/calls.js';
import { Words } from './words.js';

/** Makes a descriptor non-blocking; gives 0 or the negated error. */
export type MakeNonBlocking = (descriptor: number) => number;

/** The stack's own way of it, for the calls that the profile binds. */
export function nonBlockingSwitch(calls: StackCalls): MakeNonBlocking {
  const { nonBlocking, byteOrder, constants } = calls.profile;
  const one = new Words(4, byteOrder);
  one.setInt32(0, 1);
  switch (nonBlocking.by) {
    case 'fcntl':
      return byFcntl(calls, nonBlocking);
    case 'ioctl': {
      const ioctl = calls.get('ioctl');
      const { FIONBIO } = nonBlocking;
      return (descriptor) => {
        // A stack may change what it is given (libogc writes the result there): it gets a 1 each time.
        one.setInt32(0, 1);
        const result = ioctl(descriptor, FIONBIO, one.bytes);
        return result < 0 ? calls.failure(result) : 0;
      };
    }
    case 'option': {
      const setsockopt = calls.get('setsockopt');
      const { option } = nonBlocking;
      return (descriptor) => {
        const result = setsockopt(descriptor, constants.SOL_SOCKET, option, one.bytes, 4);
        return result < 0 ? calls.failure(result) : 0;
      };
    }
  }
}

type FcntlSwitch = Extract<StackCalls['profile']['nonBlocking'], { readonly by: 'fcntl' }>;

function byFcntl(
  calls: StackCalls,
  { F_GETFL, F_SETFL, O_NONBLOCK, F_SETFD, FD_CLOEXEC }: FcntlSwitch,
): MakeNonBlocking {
  const fcntl = calls.get('fcntl');
  const failure = calls.profile.quirks.fcntlErrnoWrongSign ? wrongSign(calls) : calls.failure;
  const closesOnExec = F_SETFD !== undefined && FD_CLOEXEC !== undefined;
  return (descriptor) => {
    if (closesOnExec) fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    const flags = fcntl(descriptor, F_GETFL, 0);
    if (flags < 0) return failure(flags);
    if ((flags & O_NONBLOCK) === O_NONBLOCK) return 0;
    const result = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
    return result < 0 ? failure(result) : 0;
  };
}

/** libctru's fcntl stores the negated number in errno. */
function wrongSign(calls: StackCalls): (returned: number) => number {
  const { errors, library } = calls;
  return () => errors.failure(Math.abs(library.lastErrno()));
}
