import {
  IP_RECVERR,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_RECVERR,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
} from '../../../native-bindings/linux/constants.js';
import { mmsg } from '../../../native-bindings/linux/mmsg.js';
import { mapAnonymousPages } from '../../../native-bindings/linux/pages.js';
import { cmsghdr, iovec, msghdr, sock_extended_err } from '../../../native-bindings/linux/structs.js';
import { MappedMemory } from '../../../native-bindings/memory.js';
import { type DatagramError, MAX_DATAGRAM_ERRORS } from '../../port/datagram-features.js';
import { MAX_SOCKADDR_BYTES, readSockaddr, type SockaddrLayout } from '../sockaddr.js';

/** Errors taken in one go, so that a flood of them cannot hold the event loop. */
const MAX_TAKEN = 256;
/** Room for the control messages: the error, the address of who reported it, and what else the socket asked for. */
const CONTROL_BYTES = 512;
/** cmsg_len is followed by the next control message on this boundary: CMSG_ALIGN. */
const CONTROL_STEP = 8;

const NAME_AT = 64;
const CONTROL_AT = NAME_AT + MAX_SOCKADDR_BYTES;
const VECTOR_AT = CONTROL_AT + CONTROL_BYTES;
const DATA_AT = VECTOR_AT + iovec.size;
/** The start of the datagram that failed comes back too, and is of no use. */
const DATA_BYTES = 8;

/** Reads a socket's queue of ICMP errors: recvmsg(2) with MSG_ERRQUEUE, ip(7) under IP_RECVERR. */
export class ErrorQueue {
  readonly #layout: SockaddrLayout;
  readonly #memory = MappedMemory.map(DATA_AT + DATA_BYTES, mapAnonymousPages);
  readonly #recvmsg = mmsg().recvmsg;

  constructor(layout: SockaddrLayout) {
    this.#layout = layout;
    const memory = this.#memory;
    memory.setPointer(msghdr.offset.msg_name, memory.address(NAME_AT));
    memory.setPointer(msghdr.offset.msg_iov, memory.address(VECTOR_AT));
    memory.setPointer(msghdr.offset.msg_iovlen, 1);
    memory.setPointer(msghdr.offset.msg_control, memory.address(CONTROL_AT));
    memory.setPointer(VECTOR_AT + iovec.offset.iov_base, memory.address(DATA_AT));
    memory.setPointer(VECTOR_AT + iovec.offset.iov_len, DATA_BYTES);
  }

  /** Moves what is queued to `errors`; gives how many errors that were. */
  drain(descriptor: number, errors: DatagramError[]): number {
    const { u32 } = this.#memory;
    for (let taken = 0; taken < MAX_TAKEN; taken++) {
      u32[msghdr.offset.msg_namelen >> 2] = MAX_SOCKADDR_BYTES;
      u32[msghdr.offset.msg_controllen >> 2] = CONTROL_BYTES;
      if (this.#recvmsg(descriptor, this.#memory.address(0), MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return taken;
      const error = this.#read();
      if (error === null) continue;
      if (errors.length === MAX_DATAGRAM_ERRORS) errors.shift();
      errors.push(error);
    }
    return MAX_TAKEN;
  }

  #read(): DatagramError | null {
    const { u8, u32 } = this.#memory;
    const end = CONTROL_AT + (u32[msghdr.offset.msg_controllen >> 2] as number);
    let at = CONTROL_AT;
    while (at + cmsghdr.size + sock_extended_err.size <= end) {
      const length = u32[(at + cmsghdr.offset.cmsg_len) >> 2] as number;
      const level = u32[(at + cmsghdr.offset.cmsg_level) >> 2];
      const type = u32[(at + cmsghdr.offset.cmsg_type) >> 2];
      if ((level === IPPROTO_IP && type === IP_RECVERR) || (level === IPPROTO_IPV6 && type === IPV6_RECVERR)) {
        const nativeCode = u32[(at + cmsghdr.size + sock_extended_err.offset.ee_errno) >> 2] as number;
        const nameLength = u32[msghdr.offset.msg_namelen >> 2] as number;
        return { nativeCode, address: readSockaddr(this.#layout, u8, NAME_AT, nameLength) };
      }
      if (length < cmsghdr.size) return null;
      at += Math.ceil(length / CONTROL_STEP) * CONTROL_STEP;
    }
    return null;
  }
}
