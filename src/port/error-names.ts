/**
 * What each error code means, in plain English, whatever number a platform gives it. The codes are those of Linux and
 * the BSDs; stacks that name theirs otherwise (Winsock's WSAECONNRESET) translate to these.
 */
export const ERROR_DESCRIPTIONS: Readonly<Record<string, string>> = {
  E2BIG: 'argument list too long',
  EACCES: 'permission denied',
  EADDRINUSE: 'address already in use',
  EADDRNOTAVAIL: 'address not available',
  EADV: 'advertise error',
  EAFNOSUPPORT: 'address family not supported',
  EAGAIN: 'not possible at the moment',
  EALREADY: 'operation already in progress',
  EAUTH: 'authentication failed',
  EBADE: 'invalid exchange',
  EBADF: 'bad file descriptor',
  EBADFD: 'file descriptor in a bad state',
  EBADMSG: 'malformed message',
  EBADR: 'invalid request descriptor',
  EBADRQC: 'invalid request code',
  EBADSLT: 'invalid slot',
  EBFONT: 'bad font file format',
  EBUSY: 'resource busy or locked',
  ECANCELED: 'operation canceled',
  ECHILD: 'no child processes',
  ECHRNG: 'channel number out of range',
  ECOMM: 'communication error while sending',
  ECONNABORTED: 'connection aborted',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  EDEADLK: 'would cause a deadlock',
  EDEADLOCK: 'would cause a deadlock',
  EDESTADDRREQ: 'destination address required',
  EDOM: 'argument outside the domain of the function',
  EDOTDOT: 'remote file sharing error',
  EDQUOT: 'disk quota exceeded',
  EEXIST: 'already exists',
  EFAULT: 'bad address in a system call argument',
  EFBIG: 'file too large',
  EFTYPE: 'inappropriate file type or format',
  EHOSTDOWN: 'host is down',
  EHOSTUNREACH: 'host is unreachable',
  EHWPOISON: 'memory page has a hardware error',
  EIDRM: 'identifier removed',
  EILSEQ: 'invalid byte sequence',
  EINPROGRESS: 'operation in progress',
  EINTR: 'interrupted by a signal',
  EINVAL: 'invalid argument',
  EIO: 'input/output error',
  EISCONN: 'socket is already connected',
  EISDIR: 'is a directory',
  EISNAM: 'is a named type file',
  EKEYEXPIRED: 'key has expired',
  EKEYREJECTED: 'key was rejected',
  EKEYREVOKED: 'key has been revoked',
  EL2HLT: 'level 2 halted',
  EL2NSYNC: 'level 2 not synchronized',
  EL3HLT: 'level 3 halted',
  EL3RST: 'level 3 reset',
  ELIBACC: 'cannot access a shared library',
  ELIBBAD: 'corrupted shared library',
  ELIBEXEC: 'shared libraries cannot be executed',
  ELIBMAX: 'too many shared libraries',
  ELIBSCN: 'corrupted section in a library',
  ELNRNG: 'link number out of range',
  ELOOP: 'too many symbolic links',
  EMEDIUMTYPE: 'wrong medium type',
  EMFILE: 'too many open files in this process',
  EMLINK: 'too many links',
  EMSGSIZE: 'message too long',
  EMULTIHOP: 'multihop attempted',
  ENAMETOOLONG: 'name too long',
  ENAVAIL: 'no semaphores available',
  ENEEDAUTH: 'authentication required',
  ENETDOWN: 'network is down',
  ENETRESET: 'connection dropped by a reset of the network',
  ENETUNREACH: 'network is unreachable',
  ENFILE: 'too many open files in the system',
  ENOANO: 'no anode',
  ENOBUFS: 'no buffer space available',
  ENOCSI: 'no CSI structure available',
  ENODATA: 'no data available',
  ENODEV: 'no such device',
  ENOENT: 'no such file or directory',
  ENOEXEC: 'not an executable format',
  ENOKEY: 'required key not available',
  ENOLCK: 'no locks available',
  ENOLINK: 'link has been severed',
  ENOMEDIUM: 'no medium found',
  ENOMEM: 'not enough memory',
  ENOMSG: 'no message of the desired type',
  ENONET: 'machine is not on the network',
  ENOPKG: 'package not installed',
  ENOPROTOOPT: 'protocol option not available',
  ENOSPC: 'no space left on device',
  ENOSR: 'out of streams resources',
  ENOSTR: 'device is not a stream',
  ENOSYS: 'function not implemented',
  ENOTBLK: 'block device required',
  ENOTCONN: 'socket is not connected',
  ENOTDIR: 'not a directory',
  ENOTEMPTY: 'directory not empty',
  ENOTNAM: 'not a named type file',
  ENOTRECOVERABLE: 'state cannot be recovered',
  ENOTSOCK: 'not a socket',
  ENOTSUP: 'operation not supported',
  ENOTTY: 'control request not suitable for the device',
  ENOTUNIQ: 'name not unique on the network',
  ENXIO: 'no such device or address',
  EOPNOTSUPP: 'operation not supported',
  EOVERFLOW: 'value too large for its type',
  EOWNERDEAD: 'owner died',
  EPERM: 'operation not permitted',
  EPFNOSUPPORT: 'protocol family not supported',
  EPIPE: 'broken pipe',
  EPROCLIM: 'too many processes',
  EPROTO: 'protocol error',
  EPROTONOSUPPORT: 'protocol not supported',
  EPROTOTYPE: 'wrong type of protocol for the socket',
  ERANGE: 'result out of range',
  EREMCHG: 'remote address changed',
  EREMOTE: 'object is remote',
  EREMOTEIO: 'remote input/output error',
  ERESTART: 'interrupted system call should be restarted',
  ERFKILL: 'blocked by a radio switch',
  EROFS: 'file system is read-only',
  ESHUTDOWN: 'socket has been shut down for sending',
  ESOCKTNOSUPPORT: 'socket type not supported',
  ESPIPE: 'cannot seek',
  ESRCH: 'no such process',
  ESRMNT: 'srmount error',
  ESTALE: 'stale file handle',
  ESTRPIPE: 'streams pipe error',
  ETIME: 'timer expired',
  ETIMEDOUT: 'timed out',
  ETOOMANYREFS: 'too many references',
  ETXTBSY: 'executable file is in use',
  EUCLEAN: 'structure needs cleaning',
  EUNATCH: 'protocol driver not attached',
  EUSERS: 'too many users',
  EWOULDBLOCK: 'not possible at the moment',
  EXDEV: 'link across devices',
  EXFULL: 'exchange full',
};

/** One stack's error numbers and the portable codes they stand for. Total: every number has a name. */
export class ErrorTable {
  readonly #names = new Map<number, string>();
  readonly #numbers = new Map<string, number>();

  /**
   * Takes numbers by code: `{ ECONNRESET: 104 }`. Of several codes with one number the first gives the name; a
   * module's namespace lists its exports in alphabetical order, which picks what Node says on Linux: EAGAIN over
   * EWOULDBLOCK, ENOTSUP over EOPNOTSUPP. What is not a number (a binding's HEADERS) is passed over.
   */
  constructor(entries: Readonly<Record<string, number>>) {
    for (const [name, nativeCode] of Object.entries(entries)) {
      if (typeof nativeCode !== 'number') continue;
      this.#numbers.set(name, nativeCode);
      if (!this.#names.has(nativeCode)) this.#names.set(nativeCode, name);
    }
  }

  /** The code of a native number: 'ECONNRESET'; `UNKNOWN_` and the number where the table has none. */
  name(nativeCode: number): string {
    return this.#names.get(nativeCode) ?? `UNKNOWN_${nativeCode}`;
  }

  /** The stack's number for a code; undefined where the stack has no such error. */
  code(name: string): number | undefined {
    return this.#numbers.get(name);
  }

  /** What a code means: 'connection reset by peer'; the code itself where nothing is known about it. */
  describe(name: string): string {
    return Object.hasOwn(ERROR_DESCRIPTIONS, name) ? (ERROR_DESCRIPTIONS[name] ?? name) : name;
  }
}
