import { lazyLibrary } from '../ffi.js';
import { defineStruct } from '../layout.js';

/** io_uring's interface, verbatim. Checked against linux/io_uring.h and sys/syscall.h. */
export const HEADERS = ['linux/io_uring.h', 'sys/syscall.h', 'stddef.h'] as const;

// sys/syscall.h, the same numbers on every architecture
export const SYS_io_uring_setup = 425;
export const SYS_io_uring_enter = 426;
export const SYS_io_uring_register = 427;

export const ioUring = lazyLibrary(null, (library) => ({
  /** io_uring_setup(2): a ring's descriptor, or -1 and errno. */
  setup: library.func<(syscall: number, entries: number, params: Uint8Array) => number>(
    'int64_t syscall(int64_t, uint32_t, void *)',
  ),
  /** io_uring_register(2): 0 or more, or -1 and errno. */
  register: library.func<(syscall: number, fd: number, opcode: number, argument: Uint8Array, count: number) => number>(
    'int64_t syscall(int64_t, int, uint32_t, void *, uint32_t)',
  ),
  /** io_uring_enter(2): submissions taken, or -1 and errno. */
  enter: library.func<
    (
      syscall: number,
      fd: number,
      toSubmit: number,
      minComplete: number,
      flags: number,
      sigmask: number,
      size: number,
    ) => number
  >('int64_t syscall(int64_t, uint32_t, uint32_t, uint32_t, uint32_t, uintptr_t, size_t)'),
}));

// linux/io_uring.h: operations
export const IORING_OP_POLL_ADD = 6;
export const IORING_OP_ACCEPT = 13;
export const IORING_OP_ASYNC_CANCEL = 14;
export const IORING_OP_CONNECT = 16;
export const IORING_OP_CLOSE = 19;
export const IORING_OP_SEND = 26;
export const IORING_OP_RECV = 27;

// linux/io_uring.h: submission flags
export const IOSQE_BUFFER_SELECT = 1 << 5;
export const IORING_ACCEPT_MULTISHOT = 1 << 0;
export const IORING_RECV_MULTISHOT = 1 << 1;
export const IORING_POLL_ADD_MULTI = 1 << 0;

// linux/io_uring.h: completion flags
export const IORING_CQE_F_BUFFER = 1 << 0;
export const IORING_CQE_F_MORE = 1 << 1;
export const IORING_CQE_BUFFER_SHIFT = 16;

// linux/io_uring.h: io_uring_setup
export const IORING_SETUP_CQSIZE = 1 << 3;
export const IORING_SETUP_CLAMP = 1 << 4;
export const IORING_SETUP_SUBMIT_ALL = 1 << 7;
export const IORING_SETUP_COOP_TASKRUN = 1 << 8;
export const IORING_SETUP_SINGLE_ISSUER = 1 << 12;
export const IORING_FEAT_SINGLE_MMAP = 1 << 0;
export const IORING_FEAT_NODROP = 1 << 1;
export const IORING_SQ_CQ_OVERFLOW = 1 << 1;
export const IORING_OFF_SQ_RING = 0;
export const IORING_OFF_SQES = 0x10000000;

// linux/io_uring.h: io_uring_enter and io_uring_register
export const IORING_ENTER_GETEVENTS = 1 << 0;
export const IORING_REGISTER_PROBE = 8;
export const IORING_REGISTER_PBUF_RING = 22;
export const IO_URING_OP_SUPPORTED = 1 << 0;

export const io_uring_sqe = defineStruct('io_uring_sqe', 64, {
  opcode: [0, 1],
  flags: [1, 1],
  ioprio: [2, 2],
  fd: [4, 4],
  off: [8, 8],
  addr: [16, 8],
  len: [24, 4],
  msg_flags: [28, 4],
  user_data: [32, 8],
  buf_group: [40, 2],
});

export const io_uring_cqe = defineStruct('io_uring_cqe', 16, { user_data: [0, 8], res: [8, 4], flags: [12, 4] });

export const io_uring_buf = defineStruct('io_uring_buf', 16, {
  addr: [0, 8],
  len: [8, 4],
  bid: [12, 2],
  resv: [14, 2],
});

export const io_uring_buf_reg = defineStruct('io_uring_buf_reg', 40, {
  ring_addr: [0, 8],
  ring_entries: [8, 4],
  bgid: [12, 2],
});

export const io_sqring_offsets = defineStruct('io_sqring_offsets', 40, {
  head: [0, 4],
  tail: [4, 4],
  ring_mask: [8, 4],
  ring_entries: [12, 4],
  flags: [16, 4],
  dropped: [20, 4],
  array: [24, 4],
});

export const io_cqring_offsets = defineStruct('io_cqring_offsets', 40, {
  head: [0, 4],
  tail: [4, 4],
  ring_mask: [8, 4],
  ring_entries: [12, 4],
  overflow: [16, 4],
  cqes: [20, 4],
  flags: [24, 4],
});

export const io_uring_params = defineStruct('io_uring_params', 120, {
  sq_entries: [0, 4],
  cq_entries: [4, 4],
  flags: [8, 4],
  features: [20, 4],
  sq_off: [40, 40],
  cq_off: [80, 40],
});

export const io_uring_probe = defineStruct('io_uring_probe', 16, { last_op: [0, 1], ops_len: [1, 1] });
export const io_uring_probe_op = defineStruct('io_uring_probe_op', 8, { op: [0, 1], flags: [2, 2] });
