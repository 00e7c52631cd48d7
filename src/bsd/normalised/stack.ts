import type { AddressFamily, SocketAddress } from '../../port/address.js';
import type { DatagramBatch } from '../../port/datagrams.js';
import type { ShutdownHow, SocketType } from '../../port/driver.js';
import type { ErrorTable } from '../../port/error-names.js';
import type { SocketOptionName, SocketOptionValue } from '../../port/socket-options.js';
import type { StackCalls } from '../library/calls.js';
import type { NativeCall } from '../library/library.js';
import type { StackConstants, StackProfile } from '../profile/profile.js';
import { MAX_SOCKADDR_BYTES, readSockaddr, type SockaddrLayout, writeSockaddr } from '../sockaddr.js';
import type { BsdStack } from '../stack.js';
import type { PendingErrors } from '../waiting/pending-errors.js';
import { Connects } from './connects.js';
import { NormalisedDatagrams } from './datagrams.js';
import { changeMembership } from './multicast.js';
import { type MakeNonBlocking, nonBlockingSwitch } from './non-blocking.js';
import { optionPlace } from './options.js';
import { UnreadBytes } from './unread-bytes.js';
import { Words } from './words.js';

/** EPROTOTYPE says that a connection is about to go; the send is repeated until the stack says where it went. */
const MAX_EPROTOTYPE_REPEATS = 8;

/** Dynamic ports are 49152 to 65535 (RFC 6335 section 6). */
const FIRST_DYNAMIC_PORT = 49_152;
const DYNAMIC_PORTS = 16_384;
const MAX_PORTS_TRIED = 64;

/** What a stack that wants a name for each socket is given. */
const SOCKET_NAME = Buffer.from('overlapped\0');

/**
 * Any BSD socket stack, as its profile describes it: every call gives 0 or more, or the negated number of the error,
 * and does what it does on Linux. An error that came to light while somebody else was asked (PendingErrors) is told by
 * the socket's own next call.
 */
export class NormalisedStack implements BsdStack {
  readonly name: string;
  readonly errors: ErrorTable;
  readonly sockaddr: SockaddrLayout;
  readonly again: number;
  readonly inProgress: number;
  readonly interrupted: number;
  readonly noBuffers: number;
  readonly #calls: StackCalls;
  readonly #constants: StackConstants;
  readonly #quirks: StackProfile['quirks'];
  readonly #pending: PendingErrors;
  readonly #failure: (returned: number) => number;
  readonly #makeNonBlocking: MakeNonBlocking;
  readonly #connects: Connects;
  readonly #datagrams: NormalisedDatagrams;
  readonly #unread: UnreadBytes;
  readonly #lingerZero: Uint8Array | null;
  readonly #address = new Uint8Array(MAX_SOCKADDR_BYTES);
  readonly #value: Words;
  readonly #length: Words;
  readonly #recvFlags: number;
  readonly #sendFlags: number;
  readonly #prototypeError: number;
  readonly #brokenPipe: number;
  readonly #namesSockets: boolean;
  readonly #acceptedAreReady: boolean;
  /** Listeners whose TCP_NODELAY the stack does not hand on to the sockets that they accept; null where it does. */
  readonly #quick: Set<number> | null;
  /** A wait may clear the error of a socket that nobody asked about: its owner is among those that are connected. */
  readonly #watched: boolean;

  // Bound once: these are called for every byte that moves.
  readonly #recv: NativeCall;
  readonly #recvAt: NativeCall;
  readonly #send: NativeCall;
  readonly #sendAt: NativeCall;
  readonly #accept: NativeCall;

  constructor(calls: StackCalls, pending: PendingErrors) {
    const { profile, errors } = calls;
    const { constants, quirks } = profile;
    this.#calls = calls;
    this.#pending = pending;
    this.#constants = constants;
    this.#quirks = quirks;
    this.#failure = calls.failure;
    this.name = profile.name;
    this.errors = errors.table;
    this.sockaddr = sockaddrLayout(profile);
    this.again = errors.number('EAGAIN');
    this.inProgress = errors.number('EINPROGRESS');
    this.interrupted = errors.number('EINTR');
    this.#brokenPipe = errors.number('EPIPE');
    this.noBuffers = errors.number('ENOBUFS');
    this.#prototypeError = quirks.sendEprototype ? errors.number('EPROTOTYPE') : 0;
    this.#namesSockets = profile.types?.socket?.parameters[0] === 'memory';
    // fcntl also keeps child processes from inheriting it.
    this.#acceptedAreReady = (quirks.acceptInheritsNonBlocking ?? false) && profile.nonBlocking.by !== 'fcntl';
    this.#quick = quirks.acceptForgetsNoDelay ? new Set() : null;
    this.#watched = quirks.waitErrorConsumes ?? false;
    this.#value = new Words(8, profile.byteOrder);
    this.#length = new Words(4, profile.byteOrder);
    this.#lingerZero = lingerZero(profile);
    this.#recvFlags = constants.MSG_DONTWAIT ?? 0;
    this.#sendFlags = this.#recvFlags | (constants.MSG_NOSIGNAL ?? 0);
    this.#makeNonBlocking = nonBlockingSwitch(calls);
    this.#connects = new Connects(calls);
    this.#datagrams = new NormalisedDatagrams(calls, this.sockaddr, pending, this.#recvFlags, this.#sendFlags);
    this.#unread = new UnreadBytes(calls, pending);
    this.#recv = calls.get('recv');
    this.#recvAt = calls.getAt('recv');
    this.#send = calls.get('send');
    this.#sendAt = calls.getAt('send');
    this.#accept = calls.get('accept');
  }

  socket(family: AddressFamily, type: SocketType, nonBlocking: boolean): number {
    const domain = familyNumber(this.#constants, family);
    if (domain === null) return -this.#calls.errors.number('EAFNOSUPPORT');
    if (type === 'datagram') {
      this.#calls.need('recvfrom');
      this.#calls.need('sendto');
    }
    const socket = this.#calls.get('socket');
    const descriptor = this.#namesSockets
      ? socket(SOCKET_NAME, domain, this.#typeNumber(type), 0)
      : socket(domain, this.#typeNumber(type), 0);
    if (descriptor < 0) return this.#failure(descriptor);
    return nonBlocking ? this.#ready(descriptor) : descriptor;
  }

  bind(descriptor: number, address: SocketAddress): number {
    if (address.port !== 0 || address.family === 'unix' || !this.#connects.choosesPorts) {
      return this.#bindTo(descriptor, address);
    }
    // A stack that cannot tell which port it chose is told which to take.
    let result = 0;
    for (let attempt = 0; attempt < MAX_PORTS_TRIED; attempt++) {
      result = this.#bindTo(descriptor, { ...address, port: randomPort() });
      if (result !== -this.#calls.errors.number('EADDRINUSE')) break;
    }
    return result;
  }

  #bindTo(descriptor: number, address: SocketAddress): number {
    const length = writeSockaddr(this.sockaddr, address, this.#address, 0);
    const result = this.#result(this.#calls.get('bind')(descriptor, this.#address, length));
    if (result >= 0) this.#connects.bound(descriptor, address);
    return result;
  }

  listen(descriptor: number, backlog: number): number {
    this.#calls.need('accept');
    return this.#result(this.#calls.get('listen')(descriptor, backlog));
  }

  accept(descriptor: number): number {
    const pending = this.#pending.take(descriptor);
    if (pending !== 0) return -pending;
    // Where nothing else tells the peer's address, this call is the only chance to hear it.
    const wantsPeer = this.#connects.tellsPeers;
    if (wantsPeer) this.#length.setInt32(0, MAX_SOCKADDR_BYTES);
    const accepted = wantsPeer
      ? this.#accept(descriptor, this.#address, this.#length.bytes)
      : this.#accept(descriptor, null, null);
    if (accepted < 0) return this.#failure(accepted);
    if (wantsPeer) this.#rememberPeer(accepted);
    if (this.#watched) this.#pending.watch(accepted);
    if (this.#quick?.has(descriptor)) this.setOption(accepted, 'noDelay', true, 'IPv4');
    return this.#acceptedAreReady ? accepted : this.#ready(accepted);
  }

  connect(descriptor: number, address: SocketAddress): number {
    const pending = this.#pending.take(descriptor);
    if (pending !== 0) return -this.#connects.failed(descriptor, pending);
    this.#connects.begun(descriptor, address);
    if (this.#watched) this.#pending.watch(descriptor);
    const result = this.#connectNow(descriptor, address);
    if (result >= 0) this.#connects.connected(descriptor);
    if (result >= 0 || result === -this.inProgress || result === -this.interrupted) return result;
    if (result === -this.again && this.#quirks.connectInProgressIsWouldBlock) return -this.inProgress;
    return -this.#connects.failed(descriptor, -result);
  }

  recv(descriptor: number, target: Uint8Array, length: number): number {
    const received = this.#recv(descriptor, target, length, this.#recvFlags);
    return received > 0 ? received : this.#notReceived(descriptor, received);
  }

  recvAt(descriptor: number, address: number, length: number): number {
    const received = this.#recvAt(descriptor, address, length, this.#recvFlags);
    return received > 0 ? received : this.#notReceived(descriptor, received);
  }

  send(descriptor: number, source: Uint8Array, length: number): number {
    if (this.#pending.has(descriptor)) return this.#tellPending(descriptor);
    const sent = this.#send(descriptor, source, length, this.#sendFlags);
    if (sent >= 0) return sent;
    const error = this.#failure(sent);
    if (error !== -this.#prototypeError) return this.#notSent(descriptor, error);
    return this.#repeatSend(descriptor, () => this.#send(descriptor, source, length, this.#sendFlags));
  }

  sendAt(descriptor: number, address: number, length: number): number {
    if (this.#pending.has(descriptor)) return this.#tellPending(descriptor);
    const sent = this.#sendAt(descriptor, address, length, this.#sendFlags);
    if (sent >= 0) return sent;
    const error = this.#failure(sent);
    if (error !== -this.#prototypeError) return this.#notSent(descriptor, error);
    return this.#repeatSend(descriptor, () => this.#sendAt(descriptor, address, length, this.#sendFlags));
  }

  shutdown(descriptor: number, how: ShutdownHow): number {
    const { SHUT_RD, SHUT_WR, SHUT_RDWR } = this.#constants;
    const shutdown = this.#calls.find('shutdown');
    // Closing a socket begins with this call, and a stack without it can still close.
    if (shutdown === null) return -this.#calls.errors.number('ENOSYS');
    return this.#result(shutdown(descriptor, how === 'recv' ? SHUT_RD : how === 'send' ? SHUT_WR : SHUT_RDWR));
  }

  close(descriptor: number): number {
    this.#pending.forget(descriptor);
    this.#connects.forget(descriptor);
    this.#quick?.delete(descriptor);
    return this.#result(this.#calls.get('close')(descriptor));
  }

  lingerZero(descriptor: number): number {
    const { SOL_SOCKET, SO_LINGER } = this.#constants;
    const setsockopt = this.#calls.find('setsockopt');
    if (setsockopt === null) return -this.#calls.errors.number('ENOSYS');
    if (SO_LINGER === null || this.#lingerZero === null) return -this.#calls.errors.number('ENOPROTOOPT');
    return this.#result(setsockopt(descriptor, SOL_SOCKET, SO_LINGER, this.#lingerZero, this.#lingerZero.length));
  }

  takeError(descriptor: number): number {
    const pending = this.#pending.take(descriptor);
    const own = this.#connects.askByConnect ? this.#askByConnect(descriptor) : this.#ownError(descriptor);
    const error = pending !== 0 ? pending : own;
    if (error > 0 && this.#watched) this.#pending.settle(descriptor);
    return error > 0 ? this.#connects.failed(descriptor, error) : error;
  }

  unreadBytes(descriptor: number): number {
    return this.#unread.count(descriptor);
  }

  setOption(descriptor: number, name: SocketOptionName, value: SocketOptionValue, family: AddressFamily): number {
    const place = optionPlace(this.#constants, name, family);
    if (place === null) return -this.#calls.errors.number('ENOPROTOOPT');
    this.#value.setInt32(0, Number(value));
    const set = this.#result(this.#calls.get('setsockopt')(descriptor, place[0], place[1], this.#value.bytes, 4));
    if (this.#quick !== null && name === 'noDelay' && set >= 0) this.#remember(descriptor, value === true);
    return set;
  }

  getOption(descriptor: number, name: SocketOptionName, family: AddressFamily): number {
    const place = optionPlace(this.#constants, name, family);
    if (place === null) return -this.#calls.errors.number('ENOPROTOOPT');
    const failed = this.#getOption(descriptor, place[0], place[1]);
    return failed < 0 ? failed : this.#value.getInt32(0);
  }

  recvBatch(descriptor: number, batch: DatagramBatch): number {
    return this.#datagrams.receive(descriptor, batch);
  }

  sendBatch(descriptor: number, batch: DatagramBatch, from: number): number {
    return this.#datagrams.send(descriptor, batch, from);
  }

  createBatch(capacity: number, datagramBytes: number): DatagramBatch {
    return this.#datagrams.create(capacity, datagramBytes);
  }

  membership(descriptor: number, group: SocketAddress, localInterface: string, join: boolean): number {
    return changeMembership(this.#calls, descriptor, group, localInterface, join);
  }

  localAddress(descriptor: number): SocketAddress | null {
    const getsockname = this.#calls.find('getsockname');
    return getsockname === null ? this.#connects.localOf(descriptor) : this.#name(getsockname, descriptor);
  }

  remoteAddress(descriptor: number): SocketAddress | null {
    const getpeername = this.#calls.find('getpeername');
    if (getpeername === null) return this.#connects.peerOf(descriptor);
    const address = this.#name(getpeername, descriptor);
    if (address !== null) this.#connects.connected(descriptor);
    return address;
  }

  #typeNumber(type: SocketType): number {
    const { SOCK_STREAM, SOCK_DGRAM } = this.#constants;
    return (type === 'stream') !== (this.#quirks.socketTypesSwapped ?? false) ? SOCK_STREAM : SOCK_DGRAM;
  }

  /** Makes a new descriptor non-blocking; closes it where that fails. */
  #ready(descriptor: number): number {
    const failed = this.#makeNonBlocking(descriptor);
    if (failed === 0) return descriptor;
    this.#calls.get('close')(descriptor);
    return failed;
  }

  #result(returned: number): number {
    return returned < 0 ? this.#failure(returned) : returned;
  }

  #connectNow(descriptor: number, address: SocketAddress): number {
    const length = writeSockaddr(this.sockaddr, address, this.#address, 0);
    return this.#result(this.#calls.get('connect')(descriptor, this.#address, length));
  }

  /** What has arrived comes before an error that was heard of early, as it does in the stack. */
  #notReceived(descriptor: number, received: number): number {
    const result = received < 0 ? this.#failure(received) : 0;
    if (result === -this.interrupted) return result;
    const pending = this.#pending.take(descriptor);
    // A reset that came after the stream's end is the sender's to hear: EPIPE (tcp_reset, in CLOSE_WAIT).
    if (result === 0 && pending === this.#brokenPipe) this.#pending.keep(descriptor, pending);
    else if (pending !== 0) return -pending;
    // A reset has been told, or the stream has ended: no other error is to come.
    if (this.#watched && result !== 0 && result !== -this.again) this.#pending.settle(descriptor);
    return result;
  }

  /** The socket has told its error to a send: no other is to come. */
  #notSent(descriptor: number, error: number): number {
    if (this.#watched && error !== -this.again && error !== -this.interrupted) this.#pending.settle(descriptor);
    return error;
  }

  /** An error stands before a send. It may still be in the socket, too, which must not tell of it again. */
  #tellPending(descriptor: number): number {
    const pending = this.#pending.take(descriptor);
    if (!this.#connects.askByConnect) this.#ownError(descriptor);
    return -pending;
  }

  #repeatSend(descriptor: number, send: () => number): number {
    for (let repeat = 0; repeat < MAX_EPROTOTYPE_REPEATS; repeat++) {
      const sent = send();
      if (sent >= 0) return sent;
      const error = this.#failure(sent);
      if (error !== -this.#prototypeError) return this.#notSent(descriptor, error);
    }
    return -this.#calls.errors.number('EPIPE');
  }

  #ownError(descriptor: number): number {
    const { SOL_SOCKET, SO_ERROR } = this.#constants;
    if (SO_ERROR === null) return 0;
    const failed = this.#getOption(descriptor, SOL_SOCKET, SO_ERROR);
    if (failed < 0) return failed;
    const error = this.#value.getInt32(0);
    return error === 0 ? 0 : -this.#calls.errors.failure(error);
  }

  /** A second connect says EISCONN when the first has succeeded, and its error when it has failed. */
  #askByConnect(descriptor: number): number {
    const address = this.#connects.addressOf(descriptor);
    if (address === undefined) return 0;
    const result = this.#connectNow(descriptor, address);
    const { errors } = this.#calls;
    if (result >= 0 || result === -errors.number('EISCONN')) {
      this.#connects.connected(descriptor);
      return 0;
    }
    const unfinished = [this.inProgress, errors.number('EALREADY'), this.again, this.interrupted];
    return unfinished.includes(-result) ? 0 : -result;
  }

  /** Reads an option to `#value`; gives 0 or the negated error. */
  #getOption(descriptor: number, level: number, option: number): number {
    this.#value.setInt32(0, 0);
    this.#length.setInt32(0, 4);
    const getsockopt = this.#calls.get('getsockopt');
    return this.#result(getsockopt(descriptor, level, option, this.#value.bytes, this.#length.bytes));
  }

  /** Whether the socket has TCP_NODELAY: should it be a listener, those that it accepts are to have it too. */
  #remember(descriptor: number, noDelay: boolean): void {
    if (noDelay) this.#quick?.add(descriptor);
    else this.#quick?.delete(descriptor);
  }

  #rememberPeer(descriptor: number): void {
    const address = readSockaddr(this.sockaddr, this.#address, 0, this.#length.getInt32(0));
    if (address !== null) this.#connects.accepted(descriptor, address);
  }

  #name(call: NativeCall, descriptor: number): SocketAddress | null {
    this.#length.setInt32(0, MAX_SOCKADDR_BYTES);
    if (call(descriptor, this.#address, this.#length.bytes) < 0) return null;
    return readSockaddr(this.sockaddr, this.#address, 0, this.#length.getInt32(0));
  }
}

function randomPort(): number {
  return FIRST_DYNAMIC_PORT + Math.floor(Math.random() * DYNAMIC_PORTS);
}

function familyNumber(constants: StackConstants, family: AddressFamily): number | null {
  return family === 'IPv4' ? constants.AF_INET : family === 'IPv6' ? constants.AF_INET6 : constants.AF_UNIX;
}

/** No family has this number: addresses of a family that the stack lacks cannot come from it, nor be given to it. */
const NO_FAMILY = 0xff;

function sockaddrLayout({ constants, layouts, byteOrder }: StackProfile): SockaddrLayout {
  const { hasLength, inBytes, in6Bytes, unixPathBytes } = layouts.sockaddr;
  return {
    AF_UNIX: constants.AF_UNIX ?? NO_FAMILY,
    AF_INET: constants.AF_INET,
    AF_INET6: constants.AF_INET6 ?? NO_FAMILY,
    hasLength,
    bigEndian: byteOrder === 'big',
    unixPathBytes,
    inBytes,
    in6Bytes: in6Bytes ?? 28,
  };
}

/** SO_LINGER's value {1, 0}; null where the layout is not known. */
function lingerZero({ layouts, byteOrder }: StackProfile): Uint8Array | null {
  if (layouts.linger === null) return null;
  const words = new Words(layouts.linger.size, byteOrder);
  words.setField(layouts.linger.onOff, 1);
  return words.bytes;
}
