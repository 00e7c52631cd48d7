import * as c from '../../../native-bindings/linux/constants.js';
import { EAFNOSUPPORT, EFAULT, EINVAL } from '../../../native-bindings/linux/errno.js';
import { sockaddr_in, sockaddr_in6, sockaddr_un } from '../../../native-bindings/linux/structs.js';
import type { NativeValue } from '../library/library.js';
import type { StackProfile } from '../profile/profile.js';
import { bytesAt, type Integers } from './memory.js';

/** Family, port and address: what every sockaddr_in begins with. */
const IN_BYTES_THAT_COUNT = 8;
const PATH_AT = 2;

/** Socket addresses between the simulated stack's layout and the host's. Ports and addresses are the same in both. */
export class Addresses {
  readonly #profile: StackProfile;
  readonly #integers: Integers;
  readonly #shortRoomFails: boolean;

  constructor(profile: StackProfile, integers: Integers, shortRoomFails: boolean) {
    this.#profile = profile;
    this.#integers = integers;
    this.#shortRoomFails = shortRoomFails;
  }

  /** The host's address for one that a call was given, or the negated error. */
  toHost(pointer: NativeValue, length: number): Uint8Array | number {
    const { constants, layouts } = this.#profile;
    if (length < PATH_AT) return -EINVAL;
    const bytes = bytesAt(pointer, length);
    if (bytes === null) return -EFAULT;
    const family = this.#readFamily(bytes);
    if (family === constants.AF_INET) {
      const { inBytes } = layouts.sockaddr;
      // libogc's takes no other length than its own; everybody else takes more than is needed.
      if (length < inBytes || (inBytes < sockaddr_in.size && length !== inBytes)) return -EINVAL;
      return hostAddress(c.AF_INET, sockaddr_in.size, bytes.subarray(PATH_AT, IN_BYTES_THAT_COUNT));
    }
    if (family === constants.AF_INET6) return this.#toHostIn6(bytes);
    if (family !== constants.AF_UNIX) return -EAFNOSUPPORT;
    const path = bytes.subarray(PATH_AT);
    if (path.length === 0 || path.length > sockaddr_un.size - PATH_AT) return -EINVAL;
    return hostAddress(c.AF_UNIX, PATH_AT + path.length, path);
  }

  /**
   * Writes a host's address to where a call wants it and its whole length to `lengthPointer`, as far as there is room;
   * 0, or the negated error. NULL is nowhere.
   */
  fromHost(host: Uint8Array, pointer: NativeValue, lengthPointer: NativeValue): number {
    if (pointer === null || pointer === 0) return 0;
    const lengthBytes = bytesAt(lengthPointer, 4);
    if (lengthBytes === null) return -EFAULT;
    const room = this.#integers.readInt32(lengthBytes);
    const refused = this.checkRoom(pointer, lengthPointer);
    if (refused < 0) return refused;
    const address = this.#fromHost(host);
    const target = bytesAt(pointer, Math.min(room, address.length));
    if (target === null) return -EFAULT;
    target.set(address.subarray(0, target.length));
    this.#integers.writeInt32(lengthBytes, address.length);
    return 0;
  }

  /** Whether there is room for an address where a call wants it; to be asked before the call does anything. */
  checkRoom(pointer: NativeValue, lengthPointer: NativeValue): number {
    if (pointer === null || pointer === 0) return 0;
    const lengthBytes = bytesAt(lengthPointer, 4);
    if (lengthBytes === null) return -EFAULT;
    const room = this.#integers.readInt32(lengthBytes);
    if (room < 0 || (this.#shortRoomFails && room < this.#profile.layouts.sockaddr.inBytes)) return -EINVAL;
    return bytesAt(pointer, Math.min(room, this.#profile.layouts.sockaddr.inBytes)) === null ? -EFAULT : 0;
  }

  get #in6Bytes(): number {
    return this.#profile.layouts.sockaddr.in6Bytes ?? sockaddr_in6.size;
  }

  #toHostIn6(bytes: Uint8Array): Uint8Array | number {
    if (bytes.length < this.#in6Bytes) return -EINVAL;
    const host = hostAddress(c.AF_INET6, sockaddr_in6.size, bytes.subarray(PATH_AT, sockaddr_in6.size));
    const scope = this.#integers.readInt32(bytes, sockaddr_in6.offset.sin6_scope_id);
    new DataView(host.buffer).setInt32(sockaddr_in6.offset.sin6_scope_id, scope, true);
    return host;
  }

  #fromHost(host: Uint8Array): Uint8Array {
    const { constants, layouts } = this.#profile;
    const family = new DataView(host.buffer, host.byteOffset).getUint16(0, true);
    switch (family) {
      case c.AF_INET: {
        const address = new Uint8Array(layouts.sockaddr.inBytes);
        address.set(host.subarray(0, IN_BYTES_THAT_COUNT));
        return this.#withFamily(address, constants.AF_INET);
      }
      case c.AF_INET6: {
        const address = new Uint8Array(this.#in6Bytes);
        address.set(host.subarray(0, sockaddr_in6.size));
        const scope = new DataView(host.buffer, host.byteOffset).getInt32(sockaddr_in6.offset.sin6_scope_id, true);
        this.#integers.writeInt32(address, scope, sockaddr_in6.offset.sin6_scope_id);
        return this.#withFamily(address, constants.AF_INET6 ?? 0);
      }
      default:
        return this.#withFamily(host.slice(), constants.AF_UNIX ?? 0);
    }
  }

  #readFamily(bytes: Uint8Array): number {
    if (this.#profile.layouts.sockaddr.hasLength) return bytes[1] ?? 0;
    return this.#integers.read(bytes, 0, [0, 2]);
  }

  #withFamily(address: Uint8Array, family: number): Uint8Array {
    if (this.#profile.layouts.sockaddr.hasLength) {
      address[0] = address.length;
      address[1] = family;
    } else this.#integers.write(address, 0, [0, 2], family);
    return address;
  }
}

function hostAddress(family: number, length: number, rest: Uint8Array): Uint8Array {
  const address = new Uint8Array(length);
  new DataView(address.buffer).setUint16(0, family, true);
  address.set(rest, PATH_AT);
  return address;
}
