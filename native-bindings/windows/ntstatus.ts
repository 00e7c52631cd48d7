/**
 * The NTSTATUS values that a completion carries in OVERLAPPED.Internal, as unsigned numbers: the header's NTSTATUS is
 * a signed LONG, so read the field with getUint32. Checked against ntstatus.h.
 * https://learn.microsoft.com/openspecs/windows_protocols/ms-erref/596a1078-e883-4972-9bbc-49e60bebca55
 */
export const HEADERS = ['winsock2.h', 'windows.h', 'ntstatus.h'] as const;

// winnt.h defines a few STATUS_ names itself, and ntstatus.h would define them again: WIN32_NO_STATUS silences the
// first, and has to be gone when the second is read.
export const PREAMBLE = [
  '#define WIN32_NO_STATUS',
  '#include <winsock2.h>',
  '#include <windows.h>',
  '#undef WIN32_NO_STATUS',
] as const;

// ntstatus.h: severity success
export const STATUS_SUCCESS = 0x00000000;
export const STATUS_ABANDONED_WAIT_0 = 0x00000080;
export const STATUS_USER_APC = 0x000000c0;
export const STATUS_TIMEOUT = 0x00000102;
export const STATUS_PENDING = 0x00000103;

// ntstatus.h: severity informational
export const STATUS_RECEIVE_PARTIAL = 0x4000000f;
export const STATUS_RECEIVE_EXPEDITED = 0x40000010;
export const STATUS_RECEIVE_PARTIAL_EXPEDITED = 0x40000011;

// ntstatus.h: severity warning
export const STATUS_BUFFER_OVERFLOW = 0x80000005;
export const STATUS_HANDLES_CLOSED = 0x8000000a;
export const STATUS_DEVICE_BUSY = 0x80000011;

// ntstatus.h: severity error
export const STATUS_UNSUCCESSFUL = 0xc0000001;
export const STATUS_NOT_IMPLEMENTED = 0xc0000002;
export const STATUS_ACCESS_VIOLATION = 0xc0000005;
export const STATUS_INVALID_HANDLE = 0xc0000008;
export const STATUS_INVALID_PARAMETER = 0xc000000d;
export const STATUS_NO_SUCH_DEVICE = 0xc000000e;
export const STATUS_NO_SUCH_FILE = 0xc000000f;
export const STATUS_INVALID_DEVICE_REQUEST = 0xc0000010;
export const STATUS_END_OF_FILE = 0xc0000011;
export const STATUS_NO_MEMORY = 0xc0000017;
export const STATUS_ACCESS_DENIED = 0xc0000022;
export const STATUS_BUFFER_TOO_SMALL = 0xc0000023;
export const STATUS_OBJECT_TYPE_MISMATCH = 0xc0000024;
export const STATUS_OBJECT_NAME_NOT_FOUND = 0xc0000034;
export const STATUS_OBJECT_PATH_NOT_FOUND = 0xc000003a;
export const STATUS_SHARING_VIOLATION = 0xc0000043;
export const STATUS_QUOTA_EXCEEDED = 0xc0000044;
export const STATUS_THREAD_IS_TERMINATING = 0xc000004b;
export const STATUS_TOO_MANY_PAGING_FILES = 0xc0000097;
export const STATUS_INSUFFICIENT_RESOURCES = 0xc000009a;
export const STATUS_WORKING_SET_QUOTA = 0xc00000a1;
export const STATUS_DEVICE_NOT_READY = 0xc00000a3;
export const STATUS_PIPE_DISCONNECTED = 0xc00000b0;
export const STATUS_IO_TIMEOUT = 0xc00000b5;
export const STATUS_NOT_SUPPORTED = 0xc00000bb;
export const STATUS_REMOTE_NOT_LISTENING = 0xc00000bc;
export const STATUS_BAD_NETWORK_PATH = 0xc00000be;
export const STATUS_NETWORK_BUSY = 0xc00000bf;
export const STATUS_INVALID_NETWORK_RESPONSE = 0xc00000c3;
export const STATUS_UNEXPECTED_NETWORK_ERROR = 0xc00000c4;
export const STATUS_NETWORK_NAME_DELETED = 0xc00000c9;
export const STATUS_NETWORK_ACCESS_DENIED = 0xc00000ca;
export const STATUS_BAD_NETWORK_NAME = 0xc00000cc;
export const STATUS_REQUEST_NOT_ACCEPTED = 0xc00000d0;
export const STATUS_INVALID_USER_BUFFER = 0xc00000e8;
export const STATUS_PROCESS_IS_TERMINATING = 0xc000010a;
export const STATUS_TOO_MANY_OPENED_FILES = 0xc000011f;
export const STATUS_CANCELLED = 0xc0000120;
export const STATUS_FILE_CLOSED = 0xc0000128;
export const STATUS_PAGEFILE_QUOTA_EXCEEDED = 0xc000012c;
export const STATUS_COMMITMENT_LIMIT = 0xc000012d;
export const STATUS_LOCAL_DISCONNECT = 0xc000013b;
export const STATUS_REMOTE_DISCONNECT = 0xc000013c;
export const STATUS_REMOTE_RESOURCES = 0xc000013d;
export const STATUS_LINK_FAILED = 0xc000013e;
export const STATUS_LINK_TIMEOUT = 0xc000013f;
export const STATUS_INVALID_CONNECTION = 0xc0000140;
export const STATUS_INVALID_ADDRESS = 0xc0000141;
export const STATUS_INVALID_BUFFER_SIZE = 0xc0000206;
export const STATUS_INVALID_ADDRESS_COMPONENT = 0xc0000207;
export const STATUS_TOO_MANY_ADDRESSES = 0xc0000209;
export const STATUS_ADDRESS_ALREADY_EXISTS = 0xc000020a;
export const STATUS_ADDRESS_CLOSED = 0xc000020b;
export const STATUS_CONNECTION_DISCONNECTED = 0xc000020c;
export const STATUS_CONNECTION_RESET = 0xc000020d;
export const STATUS_TOO_MANY_NODES = 0xc000020e;
export const STATUS_TRANSACTION_ABORTED = 0xc000020f;
export const STATUS_TRANSACTION_TIMED_OUT = 0xc0000210;
export const STATUS_DATA_NOT_ACCEPTED = 0xc000021b;
export const STATUS_NOT_FOUND = 0xc0000225;
export const STATUS_RETRY = 0xc000022d;
export const STATUS_CONNECTION_REFUSED = 0xc0000236;
export const STATUS_GRACEFUL_DISCONNECT = 0xc0000237;
export const STATUS_ADDRESS_ALREADY_ASSOCIATED = 0xc0000238;
export const STATUS_ADDRESS_NOT_ASSOCIATED = 0xc0000239;
export const STATUS_CONNECTION_INVALID = 0xc000023a;
export const STATUS_CONNECTION_ACTIVE = 0xc000023b;
export const STATUS_NETWORK_UNREACHABLE = 0xc000023c;
export const STATUS_HOST_UNREACHABLE = 0xc000023d;
export const STATUS_PROTOCOL_UNREACHABLE = 0xc000023e;
export const STATUS_PORT_UNREACHABLE = 0xc000023f;
export const STATUS_REQUEST_ABORTED = 0xc0000240;
export const STATUS_CONNECTION_ABORTED = 0xc0000241;
export const STATUS_CONNECTION_COUNT_LIMIT = 0xc0000246;
export const STATUS_HOST_DOWN = 0xc0000350;
export const STATUS_HOPLIMIT_EXCEEDED = 0xc000a012;
export const STATUS_PROTOCOL_NOT_SUPPORTED = 0xc000a013;
