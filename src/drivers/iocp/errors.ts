import * as nt from '../../../native-bindings/windows/ntstatus.js';
import * as win from '../../../native-bindings/windows/winerror.js';
import { ErrorTable } from '../../port/error-names.js';

/** Winsock's name for what others call by another one. A send after a shutdown is the broken pipe of POSIX. */
const RENAMED: Readonly<Record<string, readonly string[]>> = {
  WSAESHUTDOWN: ['EPIPE', 'ESHUTDOWN'],
  WSAEWOULDBLOCK: ['EAGAIN', 'EWOULDBLOCK'],
  WSAEOPNOTSUPP: ['EOPNOTSUPP', 'ENOTSUP'],
  WSAECANCELLED: ['ECANCELED'],
};

/**
 * Further numbers of a code, the system errors that overlapped calls let through among them. ERROR_NETNAME_DELETED is a
 * reset, never an end.
 */
const FURTHER: Readonly<Record<string, readonly number[]>> = {
  ECONNRESET: [win.ERROR_NETNAME_DELETED, win.ERROR_UNEXP_NET_ERR, win.ERROR_VC_DISCONNECTED],
  ECONNABORTED: [win.ERROR_CONNECTION_ABORTED],
  ECONNREFUSED: [win.ERROR_CONNECTION_REFUSED, win.ERROR_PORT_UNREACHABLE],
  ENETUNREACH: [win.ERROR_NETWORK_UNREACHABLE, win.ERROR_PROTOCOL_UNREACHABLE],
  EHOSTUNREACH: [win.ERROR_HOST_UNREACHABLE, win.ERROR_BAD_NETPATH],
  ETIMEDOUT: [win.ERROR_SEM_TIMEOUT],
  ECANCELED: [win.ERROR_OPERATION_ABORTED, win.ERROR_REQUEST_ABORTED, win.WSA_E_CANCELLED],
  ENETDOWN: [win.WSASYSNOTREADY, win.WSANOTINITIALISED],
  EPIPE: [win.WSAEDISCON, win.ERROR_BROKEN_PIPE, win.ERROR_GRACEFUL_DISCONNECT, win.ERROR_NO_DATA],
  EBADF: [win.ERROR_INVALID_HANDLE],
  EINVAL: [win.ERROR_INVALID_PARAMETER],
  EFAULT: [win.ERROR_NOACCESS, win.ERROR_INVALID_USER_BUFFER],
  EACCES: [win.ERROR_ACCESS_DENIED, win.ERROR_NETWORK_ACCESS_DENIED],
  EMFILE: [win.ERROR_TOO_MANY_OPEN_FILES],
  ENOTSUP: [win.ERROR_NOT_SUPPORTED, win.ERROR_INVALID_FUNCTION],
  EMSGSIZE: [win.ERROR_MORE_DATA, win.ERROR_INSUFFICIENT_BUFFER],
  EADDRINUSE: [win.ERROR_ADDRESS_ALREADY_ASSOCIATED],
  EADDRNOTAVAIL: [win.ERROR_INCORRECT_ADDRESS],
  ENOTCONN: [win.ERROR_NOT_CONNECTED, win.ERROR_CONNECTION_INVALID, win.ERROR_PIPE_NOT_CONNECTED],
  EISCONN: [win.ERROR_CONNECTION_ACTIVE],
  ENOMEM: [win.ERROR_NOT_ENOUGH_MEMORY, win.ERROR_OUTOFMEMORY, win.ERROR_COMMITMENT_LIMIT],
  ENOBUFS: [
    win.ERROR_NO_SYSTEM_RESOURCES,
    win.ERROR_WORKING_SET_QUOTA,
    win.ERROR_PAGEFILE_QUOTA,
    win.ERROR_NOT_ENOUGH_QUOTA,
    win.ERROR_CONNECTION_COUNT_LIMIT,
  ],
};

/**
 * Winsock's error numbers by the codes that are the same on every platform. Several numbers may have one code, the
 * system's own errors among them: each keeps its number, and the code stands for Winsock's first.
 */
class WinsockErrorTable extends ErrorTable {
  readonly #furtherNames = new Map<number, string>();

  constructor() {
    const entries: Record<string, number> = {};
    for (const [name, code] of Object.entries(win as unknown as Record<string, unknown>)) {
      if (typeof code !== 'number' || !name.startsWith('WSAE')) continue;
      for (const portable of RENAMED[name] ?? [name.slice('WSA'.length)]) entries[portable] = code;
    }
    super(entries);
    for (const [name, codes] of Object.entries(FURTHER)) {
      for (const code of codes) this.#furtherNames.set(code, name);
    }
  }

  override name(nativeCode: number): string {
    return this.#furtherNames.get(nativeCode) ?? super.name(nativeCode);
  }
}

/** The one table: it has no state. */
export const winsockErrors: ErrorTable = new WinsockErrorTable();

/**
 * The error for the NTSTATUS of a completion, without a call. What it says is this library's choice: most pairs are what
 * libuv's uv__ntstatus_to_winsock_error and Wine's NtStatusToWSAError have too, but WSAGetOverlappedResult and GetLastError need not agree with them. Of
 * STATUS_HANDLES_CLOSED, which a close makes of what is pending, Wine 8's WSAGetOverlappedResult makes WSAEINVAL, and its
 * GetQueuedCompletionStatus the system error 676; here it is an operation that was aborted, as on every other driver.
 */
const BY_STATUS = new Map<number, number>([
  [nt.STATUS_CANCELLED, win.ERROR_OPERATION_ABORTED],
  [nt.STATUS_HANDLES_CLOSED, win.ERROR_OPERATION_ABORTED],
  [nt.STATUS_FILE_CLOSED, win.ERROR_OPERATION_ABORTED],
  [nt.STATUS_REQUEST_ABORTED, win.ERROR_OPERATION_ABORTED],
  [nt.STATUS_CONNECTION_RESET, win.WSAECONNRESET],
  [nt.STATUS_CONNECTION_DISCONNECTED, win.WSAECONNRESET],
  [nt.STATUS_REMOTE_DISCONNECT, win.WSAECONNRESET],
  [nt.STATUS_NETWORK_NAME_DELETED, win.ERROR_NETNAME_DELETED],
  [nt.STATUS_LOCAL_DISCONNECT, win.WSAECONNABORTED],
  [nt.STATUS_CONNECTION_ABORTED, win.WSAECONNABORTED],
  [nt.STATUS_TRANSACTION_ABORTED, win.WSAECONNABORTED],
  [nt.STATUS_LINK_FAILED, win.WSAECONNRESET],
  [nt.STATUS_CONNECTION_REFUSED, win.WSAECONNREFUSED],
  [nt.STATUS_REMOTE_NOT_LISTENING, win.WSAECONNREFUSED],
  [nt.STATUS_PORT_UNREACHABLE, win.WSAECONNRESET],
  [nt.STATUS_HOPLIMIT_EXCEEDED, win.WSAENETRESET],
  [nt.STATUS_NETWORK_UNREACHABLE, win.WSAENETUNREACH],
  [nt.STATUS_BAD_NETWORK_PATH, win.WSAENETUNREACH],
  [nt.STATUS_PROTOCOL_UNREACHABLE, win.WSAENETUNREACH],
  [nt.STATUS_HOST_UNREACHABLE, win.WSAEHOSTUNREACH],
  [nt.STATUS_HOST_DOWN, win.WSAEHOSTDOWN],
  [nt.STATUS_NETWORK_BUSY, win.WSAENETDOWN],
  [nt.STATUS_UNEXPECTED_NETWORK_ERROR, win.WSAENETDOWN],
  [nt.STATUS_INVALID_NETWORK_RESPONSE, win.WSAENETDOWN],
  [nt.STATUS_NO_SUCH_DEVICE, win.WSAENETDOWN],
  [nt.STATUS_NO_SUCH_FILE, win.WSAENETDOWN],
  [nt.STATUS_OBJECT_NAME_NOT_FOUND, win.WSAENETDOWN],
  [nt.STATUS_OBJECT_PATH_NOT_FOUND, win.WSAENETDOWN],
  [nt.STATUS_IO_TIMEOUT, win.WSAETIMEDOUT],
  [nt.STATUS_LINK_TIMEOUT, win.WSAETIMEDOUT],
  [nt.STATUS_TRANSACTION_TIMED_OUT, win.WSAETIMEDOUT],
  [nt.STATUS_GRACEFUL_DISCONNECT, win.WSAEDISCON],
  [nt.STATUS_PIPE_DISCONNECTED, win.WSAESHUTDOWN],
  [nt.STATUS_INVALID_CONNECTION, win.WSAENOTCONN],
  [nt.STATUS_CONNECTION_INVALID, win.WSAENOTCONN],
  [nt.STATUS_CONNECTION_ACTIVE, win.WSAEISCONN],
  [nt.STATUS_ADDRESS_ALREADY_EXISTS, win.WSAEADDRINUSE],
  [nt.STATUS_SHARING_VIOLATION, win.WSAEADDRINUSE],
  [nt.STATUS_INVALID_ADDRESS, win.WSAEADDRNOTAVAIL],
  [nt.STATUS_INVALID_ADDRESS_COMPONENT, win.WSAEADDRNOTAVAIL],
  [nt.STATUS_TOO_MANY_ADDRESSES, win.WSAENOBUFS],
  [nt.STATUS_INSUFFICIENT_RESOURCES, win.WSAENOBUFS],
  [nt.STATUS_QUOTA_EXCEEDED, win.WSAENOBUFS],
  [nt.STATUS_WORKING_SET_QUOTA, win.WSAENOBUFS],
  [nt.STATUS_PAGEFILE_QUOTA_EXCEEDED, win.WSAENOBUFS],
  [nt.STATUS_COMMITMENT_LIMIT, win.WSAENOBUFS],
  [nt.STATUS_NO_MEMORY, win.WSAENOBUFS],
  [nt.STATUS_REMOTE_RESOURCES, win.WSAENOBUFS],
  [nt.STATUS_TOO_MANY_PAGING_FILES, win.WSAENOBUFS],
  [nt.STATUS_BUFFER_OVERFLOW, win.WSAEMSGSIZE],
  [nt.STATUS_INVALID_BUFFER_SIZE, win.WSAEMSGSIZE],
  [nt.STATUS_BUFFER_TOO_SMALL, win.WSAEFAULT],
  [nt.STATUS_ACCESS_VIOLATION, win.WSAEFAULT],
  [nt.STATUS_INVALID_HANDLE, win.WSAENOTSOCK],
  [nt.STATUS_OBJECT_TYPE_MISMATCH, win.WSAENOTSOCK],
  [nt.STATUS_INVALID_PARAMETER, win.WSAEINVAL],
  [nt.STATUS_INVALID_DEVICE_REQUEST, win.WSAEOPNOTSUPP],
  [nt.STATUS_NOT_SUPPORTED, win.WSAEOPNOTSUPP],
  [nt.STATUS_NOT_IMPLEMENTED, win.WSAEOPNOTSUPP],
  [nt.STATUS_ACCESS_DENIED, win.WSAEACCES],
  [nt.STATUS_DEVICE_NOT_READY, win.WSAEWOULDBLOCK],
  [nt.STATUS_REQUEST_NOT_ACCEPTED, win.WSAEWOULDBLOCK],
  [nt.STATUS_TOO_MANY_OPENED_FILES, win.WSAEMFILE],
]);

const FACILITY_NTWIN32 = 7;

/** 0 for a request that ended well; an error for every other NTSTATUS, those that are in no table too. */
export function errorOfStatus(status: number): number {
  // Severities success and information: the two high bits are 00 and 01.
  if (status >>> 31 === 0) return 0;
  const known = BY_STATUS.get(status);
  if (known !== undefined) return known;
  // A driver in between (a firewall's) may have made the status of an error number: NTSTATUS_FROM_WIN32 in ntdef.h.
  const isWin32 = ((status >>> 16) & 0x0fff) === FACILITY_NTWIN32 && (status & 0xffff) !== 0;
  // RtlNtStatusToDosError gives ERROR_MR_MID_NOT_FOUND for what it does not know, which says less than this.
  return isWin32 ? status & 0xffff : win.WSASYSCALLFAILURE;
}

export function isCancelled(error: number): boolean {
  return error === win.ERROR_OPERATION_ABORTED;
}

/**
 * A plain send has found no room. WSAENOBUFS says it of the system's memory rather than of the socket's: that passes, too
 * (libzmq's pull request 1471), and an overlapped send waits for either.
 */
export function isFull(error: number): boolean {
  return error === win.WSAEWOULDBLOCK || error === win.WSAENOBUFS;
}

/** The peer has reset the connection, under whichever of its names. */
export function isReset(error: number): boolean {
  return error === win.WSAECONNRESET || error === win.ERROR_NETNAME_DELETED || error === win.WSAENETRESET;
}
