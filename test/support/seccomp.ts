import { lazyLibrary } from '../../native-bindings/ffi.js';
import { mapAnonymousPages } from '../../native-bindings/linux/pages.js';
import { MappedMemory } from '../../native-bindings/memory.js';

// linux/prctl.h, linux/seccomp.h, linux/bpf_common.h, linux/filter.h
const PR_SET_NO_NEW_PRIVS = 38;
const PR_SET_SECCOMP = 22;
const SECCOMP_MODE_FILTER = 2;
const SECCOMP_RET_ALLOW = 0x7fff0000;
const SECCOMP_RET_ERRNO = 0x00050000;
const BPF_LD_W_ABS = 0x20;
const BPF_JMP_JEQ_K = 0x15;
const BPF_RET_K = 0x06;

const prctl = lazyLibrary(null, (library) => ({
  prctl: library.func<(option: number, a: number, b: number, c: number, d: number) => number>(
    'int prctl(int, unsigned long, uintptr_t, unsigned long, unsigned long)',
  ),
}));

/** From here on, the system call fails with `errno` on this thread and those it starts. There is no way back. */
export function refuseSystemCall(number: number, errno: number): void {
  const memory = MappedMemory.map(4096, mapAnonymousPages);
  const view = new DataView(memory.buffer);
  const program: [code: number, jumpTrue: number, jumpFalse: number, k: number][] = [
    // The number of the call is the first field of struct seccomp_data.
    [BPF_LD_W_ABS, 0, 0, 0],
    [BPF_JMP_JEQ_K, 0, 1, number],
    [BPF_RET_K, 0, 0, SECCOMP_RET_ERRNO | errno],
    [BPF_RET_K, 0, 0, SECCOMP_RET_ALLOW],
  ];
  const filterAt = 64;
  program.forEach(([code, jumpTrue, jumpFalse, k], i) => {
    const at = filterAt + i * 8;
    view.setUint16(at, code, true);
    view.setUint8(at + 2, jumpTrue);
    view.setUint8(at + 3, jumpFalse);
    view.setUint32(at + 4, k, true);
  });
  view.setUint16(0, program.length, true);
  memory.setPointer(8, memory.address(filterAt));
  const calls = prctl();
  if (calls.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) !== 0) throw new Error('PR_SET_NO_NEW_PRIVS failed');
  if (calls.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, memory.address(0), 0, 0) !== 0)
    throw new Error('PR_SET_SECCOMP failed');
}
