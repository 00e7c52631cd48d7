import { lastErrno } from '../../../native-bindings/ffi.js';
import * as uring from '../../../native-bindings/linux/io-uring.js';
import { LinuxStack } from '../../bsd/linux/stack.js';
import type { DriverReport } from '../../port/driver.js';
import { ProvidedBuffers } from './provided-buffers.js';
import { Ring, RingError } from './ring.js';

const NEEDED: Readonly<Record<string, number>> = {
  POLL_ADD: uring.IORING_OP_POLL_ADD,
  ACCEPT: uring.IORING_OP_ACCEPT,
  ASYNC_CANCEL: uring.IORING_OP_ASYNC_CANCEL,
  CONNECT: uring.IORING_OP_CONNECT,
  SEND: uring.IORING_OP_SEND,
  RECV: uring.IORING_OP_RECV,
};

const PROBED_OPERATIONS = 64;

/** Whether io_uring can carry sockets here. It is really tried: a version number says nothing under seccomp. */
export function probeIoUring(): DriverReport {
  const findings: string[] = [];
  let ring: Ring | undefined;
  try {
    ring = new Ring({ entries: 8, completionEntries: 64 });
    findings.push('io_uring_setup with COOP_TASKRUN and SINGLE_ISSUER works');
    const missing = missingOperations(ring.fd);
    if (missing.length > 0) return refused(findings, `the kernel lacks ${missing.join(', ')}`);
    findings.push(`${Object.keys(NEEDED).length} operations are there`);
    const buffers = new ProvidedBuffers(ring.fd, 0, 64, 2, 2);
    findings.push('a ring of provided buffers can be registered');
    const failure = tryMultishotReceive(ring, buffers);
    if (failure !== '') return refused(findings, failure);
    findings.push('a multishot receive delivers into provided buffers');
    return { name: 'io_uring', usable: true, reason: '', findings };
  } catch (error) {
    if (!(error instanceof RingError)) throw error;
    return refused(findings, explain(error));
  } finally {
    ring?.close();
  }
}

function refused(findings: readonly string[], reason: string): DriverReport {
  return { name: 'io_uring', usable: false, reason, findings };
}

function explain(error: RingError): string {
  const { errors } = new LinuxStack();
  const code = errors.name(error.errno);
  const hint =
    code === 'EPERM' || code === 'EACCES'
      ? ' (seccomp or the sysctl kernel.io_uring_disabled forbids it)'
      : code === 'ENOSYS'
        ? ' (the kernel was built without it, or a sandbox hides it)'
        : code === 'EINVAL'
          ? ' (Linux 6.0 or later is needed)'
          : '';
  return `${error.message}, ${code}: ${errors.describe(code)}${hint}`;
}

function missingOperations(fd: number): string[] {
  const { io_uring_probe: head, io_uring_probe_op: row } = uring;
  const probe = new Uint8Array(head.size + PROBED_OPERATIONS * row.size);
  const failed = uring
    .ioUring()
    .register(uring.SYS_io_uring_register, fd, uring.IORING_REGISTER_PROBE, probe, PROBED_OPERATIONS);
  if (failed < 0) throw new RingError('io_uring_register (PROBE)', lastErrno());
  const view = new DataView(probe.buffer);
  return Object.keys(NEEDED).filter((name) => {
    const at = head.size + (NEEDED[name] as number) * row.size + row.offset.flags;
    return (view.getUint16(at, true) & uring.IO_URING_OP_SUPPORTED) === 0;
  });
}

/** A datagram that a UDP socket sends to itself must come out of a multishot receive. '' where it does. */
function tryMultishotReceive(ring: Ring, buffers: ProvidedBuffers): string {
  const stack = new LinuxStack();
  const descriptor = stack.socket('unix', 'datagram', false);
  if (descriptor < 0) return 'a UNIX-domain socket cannot be opened';
  try {
    // Autobind to an abstract name (unix(7)), then send to ourselves.
    const self = `\0overlapped-probe-${process.pid}-${descriptor}`;
    const address = { family: 'unix', address: self, port: 0 } as const;
    if (stack.bind(descriptor, address) < 0 || stack.connect(descriptor, address) < 0)
      return 'a UNIX-domain socket fails';
    if (stack.send(descriptor, new Uint8Array(1), 1) !== 1) return 'a UNIX-domain socket does not send';
    const flags = uring.IOSQE_BUFFER_SELECT;
    const at = ring.push(uring.IORING_OP_RECV, flags, uring.IORING_RECV_MULTISHOT, descriptor, 0, 0, 1, 0);
    ring.setBufferGroup(at, buffers.group);
    ring.submit(uring.IORING_ENTER_GETEVENTS);
    let verdict = 'a multishot receive did not complete';
    ring.drain((_low, _high, result, completionFlags) => {
      const wanted = uring.IORING_CQE_F_BUFFER | uring.IORING_CQE_F_MORE;
      const good = result === 1 && (completionFlags & wanted) === wanted;
      verdict = good ? '' : `a multishot receive gave ${result}: Linux 6.0 or later is needed`;
    });
    return verdict;
  } finally {
    stack.close(descriptor);
  }
}
