import { kernel32 } from './kernel32.js';
import { systemLibrary } from './system-library.js';

/** Class 64 of NtQuerySystemInformation, which mingw's winternl.h does not name: every handle of every process. */
const SYSTEM_EXTENDED_HANDLE_INFORMATION = 64;
const STATUS_INFO_LENGTH_MISMATCH = 0xc0000004 | 0;

// SYSTEM_HANDLE_INFORMATION_EX: the number of handles and a reserved word, 8 bytes each, and then for each handle 40
// bytes, the owner's process id after the object's address.
const HEAD_BYTES = 16;
const ENTRY_BYTES = 40;
const ENTRY_PROCESS = 8;

const FIRST_BYTES = 1 << 20;
const MOST_BYTES = 1 << 26;

const counting = systemLibrary('kernel32.dll', (library) => ({
  GetCurrentProcess: library.func<() => number>('intptr_t __stdcall GetCurrentProcess()'),
  /** A BOOL. Wine 8 gives 1 and the number 0. */
  GetProcessHandleCount: library.func<(process: number, count: Uint32Array) => number>(
    'int __stdcall GetProcessHandleCount(intptr_t, void *)',
  ),
}));

const ntdll = systemLibrary('ntdll.dll', (library) => ({
  /** An NTSTATUS: negative where it failed. */
  NtQuerySystemInformation: library.func<
    (kind: number, target: Uint8Array, length: number, needed: Uint32Array) => number
  >('int __stdcall NtQuerySystemInformation(int, void *, uint32_t, void *)'),
}));

/**
 * The open handles of this process, sockets included. For tests and diagnosis: under Wine, which does not implement
 * the cheap question, it lists the handles of all processes. Windows and Wine only; throws where the system does not say.
 * https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-getprocesshandlecount
 */
export function countHandles(): number {
  const { GetCurrentProcess, GetProcessHandleCount } = counting();
  const count = new Uint32Array(1);
  if (GetProcessHandleCount(GetCurrentProcess(), count) === 0)
    throw new Error(`Cannot count this process's handles: error ${kernel32().GetLastError()}`);
  return count[0] === 0 ? countListedHandles() : (count[0] as number);
}

function countListedHandles(): number {
  const { NtQuerySystemInformation } = ntdll();
  for (let length = FIRST_BYTES; length <= MOST_BYTES; length *= 2) {
    const list = Buffer.alloc(length);
    const status = NtQuerySystemInformation(SYSTEM_EXTENDED_HANDLE_INFORMATION, list, length, new Uint32Array(1));
    if (status === STATUS_INFO_LENGTH_MISMATCH) continue;
    if (status < 0) throw new Error(`Cannot list handles: status 0x${(status >>> 0).toString(16)}`);
    let own = 0;
    const total = Number(list.readBigUInt64LE(0));
    for (let at = HEAD_BYTES; at < HEAD_BYTES + total * ENTRY_BYTES; at += ENTRY_BYTES) {
      if (list.readUInt32LE(at + ENTRY_PROCESS) === process.pid) own++;
    }
    return own;
  }
  throw new Error(`The system has more handles than fit into ${MOST_BYTES} bytes`);
}
