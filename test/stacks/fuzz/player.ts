import { mapAnonymousPages } from '../../../native-bindings/linux/pages.js';
import { MappedMemory } from '../../../native-bindings/memory.js';
import type { SocketOptionName } from '../../../src/port/socket-options.js';
import type { OpenStack } from '../../../src/stack.js';
import { DatagramPlayer } from './datagram-player.js';
import { type Limits, newPlayed, type Played } from './played.js';
import { BUFFER_BYTES, isPattern, LOOPBACK, pattern, type RawPeers } from './raw-peers.js';
import type { Step } from './traffic.js';

const FILL_BYTES = 32_768;
const MAX_FILLS = 2000;
const RECEIVE_BYTES = 4096;
const POLLIN = 1;
const POLLPRI = 2;
const POLLOUT = 4;
const POLLERR = 8;
const OPTIONS: readonly SocketOptionName[] = ['noDelay', 'keepAlive', 'reuseAddress', 'broadcast', 'keepAliveCount'];
// Memory for receives and sends by address: mapped once, for every run.
const mapped = MappedMemory.map(RECEIVE_BYTES, mapAnonymousPages);

/** Plays traffic on a stack, and writes down what came of it in words that are the same for all stacks. */
export class Player {
  readonly #opened: OpenStack;
  readonly #peers: RawPeers;
  readonly #limits: Limits;
  /** A descriptor that the stack has not given out. */
  readonly #unknown: number;
  readonly #sockets: Played[] = [];
  readonly #listener: number;
  readonly #listenerPort: number;
  readonly #datagrams: DatagramPlayer;
  readonly trace: string[] = [];

  constructor(opened: OpenStack, peers: RawPeers, limits: Limits, unknown: number) {
    this.#opened = opened;
    this.#peers = peers;
    this.#limits = limits;
    this.#unknown = unknown;
    this.#datagrams = new DatagramPlayer(opened, peers, limits);
    const { stack } = opened;
    this.#listener = stack.socket('IPv4', 'stream', true);
    const failed = [
      stack.setOption(this.#listener, 'reuseAddress', true, 'IPv4'),
      stack.bind(this.#listener, { ...LOOPBACK, port: 0 }),
      stack.listen(this.#listener, 16),
    ].find((result) => result !== 0);
    this.#listenerPort = stack.localAddress(this.#listener)?.port ?? 0;
    this.#note('listen', failed === undefined ? 0 : this.#say(failed), this.#listenerPort > 0);
  }

  play(steps: readonly Step[]): void {
    for (const step of steps) this.#play(step);
  }

  /** Takes everything down without leaving connections behind in TIME_WAIT. */
  end(): void {
    for (const socket of this.#sockets) {
      if (socket.peer >= 0) this.#peers.reset(socket.peer);
      if (!socket.closed) this.#opened.stack.close(socket.descriptor);
    }
    this.#opened.stack.close(this.#listener);
  }

  #play(step: Step): void {
    const { stack } = this.#opened;
    switch (step.kind) {
      case 'connect':
        return this.#connect();
      case 'accept':
        return this.#accept();
      case 'connectRefused':
        return this.#connectRefused();
      case 'poll':
        return this.#poll(step);
      case 'select':
        return this.#select(step);
      case 'waitForNothing':
        return this.#waitForNothing();
      case 'datagramSocket':
      case 'connectDatagram':
      case 'sendDatagram':
      case 'receiveDatagrams':
      case 'peerDatagram':
        return this.#playDatagram(step);
      default: {
        const socket = this.#choose(step, (each) => each.type === 'stream');
        if (socket === undefined) return;
        if (step.kind.startsWith('peer')) return this.#playPeer(step, socket);
        if (step.kind === 'takeError' && this.#limits.errorsByConnect) return;
        if (socket.refused && !socket.told && this.#limits.refusalsAreResets && step.kind !== 'takeError') return;
        if (step.kind === 'connectAgain') return this.#connectAgain(socket);
        // A peek stops at an urgent byte, and FIONREAD counts up to it (tcp(7), SIOCINQ).
        if (step.kind === 'unread' && socket.urgent) return;
        if (step.kind === 'unread') return this.#note('unread', stack.unreadBytes(socket.descriptor));
        return this.#playStream(step, socket);
      }
    }
  }

  #playStream(step: Step, socket: Played): void {
    const { stack } = this.#opened;
    const { descriptor } = socket;
    switch (step.kind) {
      case 'send':
      case 'sendAt':
        return this.#send(socket, step);
      case 'recv':
      case 'recvAt':
        return this.#receive(socket, step);
      case 'fill':
        return this.#fill(socket);
      case 'shutdown': {
        if (this.#limits.forgetsOwners) return;
        const how = (['recv', 'send', 'both'] as const)[(step.draws[0] ?? 0) % 3] ?? 'both';
        socket.shutDown = true;
        return this.#note('shutdown', how, this.#say(stack.shutdown(descriptor, how)));
      }
      case 'takeError':
        return this.#note('takeError', this.#told(socket, -Math.abs(stack.takeError(descriptor))));
      case 'names': {
        const local = stack.localAddress(descriptor);
        const remote = stack.remoteAddress(descriptor);
        const isPeer = remote !== null && remote.port === socket.peerPort;
        return this.#note('names', local?.family, local?.address, remote?.address ?? null, isPeer);
      }
      case 'option':
        return this.#option(socket, step);
      case 'close':
      case 'abort':
        return this.#close(socket, step.kind === 'abort');
      default:
        throw new Error(`No step is called ${step.kind}`);
    }
  }

  #open(type: 'stream' | 'datagram', descriptor: number): Played {
    const socket = newPlayed(descriptor, type, this.#sockets.length);
    this.#sockets.push(socket);
    return socket;
  }

  #connect(): void {
    const { stack } = this.#opened;
    const descriptor = stack.socket('IPv4', 'stream', true);
    if (descriptor < 0) return this.#note('connect', this.#say(descriptor));
    const socket = this.#open('stream', descriptor);
    stack.setOption(descriptor, 'sendBufferBytes', BUFFER_BYTES, 'IPv4');
    this.#note('connect', this.#say(stack.connect(descriptor, { ...LOOPBACK, port: this.#peers.port })));
    socket.peer = this.#peers.accept();
    socket.peerPort = this.#peers.port;
    // Whoever asks who the peer is has seen the connect succeed.
    if (this.#limits.refusalsAreResets) this.#note('peer', stack.remoteAddress(descriptor)?.address ?? null);
  }

  #accept(): void {
    const { stack } = this.#opened;
    const peer = this.#peers.connect(this.#listenerPort);
    const descriptor = stack.accept(this.#listener);
    this.#note('accept', descriptor < 0 ? this.#say(descriptor) : 'accepted');
    if (descriptor < 0) return this.#peers.reset(peer);
    const socket = this.#open('stream', descriptor);
    stack.setOption(descriptor, 'sendBufferBytes', BUFFER_BYTES, 'IPv4');
    socket.peer = peer;
    socket.peerPort = this.#peers.portOf(peer);
    this.#note('accept once more', this.#say(stack.accept(this.#listener)));
  }

  #connectRefused(): void {
    const { stack } = this.#opened;
    const descriptor = stack.socket('IPv4', 'stream', true);
    if (descriptor < 0) return this.#note('connectRefused', this.#say(descriptor));
    const result = stack.connect(descriptor, { ...LOOPBACK, port: this.#peers.refusingPort });
    if (!this.#limits.refusesAtOnce) {
      this.#open('stream', descriptor).refused = true;
      return this.#note('connectRefused', this.#say(result));
    }
    const error = result === -stack.inProgress ? -Math.abs(stack.takeError(descriptor)) : result;
    this.#note('connectRefused', this.#say(error), stack.close(descriptor));
  }

  #connectAgain(socket: Played): void {
    if (this.#limits.errorsByConnect) return;
    const port = socket.refused ? this.#peers.refusingPort : this.#peers.port;
    // A connect that has failed and was told may begin anew, and then it is the peers' business: left out.
    if ((socket.peer < 0 && !socket.refused) || socket.shutDown) return;
    socket.refused = false;
    this.#note('connectAgain', this.#say(this.#opened.stack.connect(socket.descriptor, { ...LOOPBACK, port })));
    if (socket.peer < 0) this.#close(socket, false);
  }

  #send(socket: Played, step: Step): void {
    const { stack } = this.#opened;
    if (socket.filled) return;
    const bytes = pattern(socket.stream, socket.sent, step.amount);
    let sent: number;
    if (step.kind === 'sendAt') {
      mapped.u8.set(bytes);
      sent = stack.sendAt(socket.descriptor, mapped.address(0), bytes.length);
    } else sent = stack.send(socket.descriptor, bytes, bytes.length);
    if (sent > 0) socket.sent += sent;
    this.#note(step.kind, this.#told(socket, sent));
  }

  #receive(socket: Played, step: Step): void {
    const { stack } = this.#opened;
    // A receive of 0 bytes is a question, which the driver asks only where there is something.
    const length = Math.max(1, step.amount);
    let bytes = new Uint8Array(length);
    let received: number;
    if (step.kind === 'recvAt') {
      received = stack.recvAt(socket.descriptor, mapped.address(0), length);
      bytes = mapped.u8.slice(0, length);
    } else received = stack.recv(socket.descriptor, bytes, length);
    const got = bytes.subarray(0, Math.max(0, received));
    // An urgent byte stands out of the stream.
    const intact = socket.urgent || isPattern(~socket.stream, socket.received, got);
    if (received > 0) socket.received += received;
    this.#note(step.kind, this.#told(socket, received), intact);
  }

  #fill(socket: Played): void {
    const { stack } = this.#opened;
    let last = 0;
    for (let i = 0; i < MAX_FILLS && last >= 0; i++) {
      const bytes = pattern(socket.stream, socket.sent, FILL_BYTES);
      last = stack.send(socket.descriptor, bytes, bytes.length);
      if (last > 0) socket.sent += last;
    }
    if (last === -stack.again) socket.filled = true;
    this.#note('fill', this.#told(socket, last));
  }

  #option({ descriptor }: Played, step: Step): void {
    const { stack } = this.#opened;
    const name = OPTIONS[(step.draws[0] ?? 0) % OPTIONS.length] ?? 'noDelay';
    const value = 1 + ((step.draws[1] ?? 0) % 5);
    const set = stack.setOption(descriptor, name, value, 'IPv4');
    this.#note('option', name, this.#say(set), this.#say(stack.getOption(descriptor, name, 'IPv4')));
  }

  #close(socket: Played, reset: boolean): void {
    const { stack } = this.#opened;
    const linger = reset ? stack.lingerZero(socket.descriptor) : 0;
    const closed = stack.close(socket.descriptor);
    socket.closed = true;
    this.#note(
      'close',
      reset,
      this.#say(linger),
      this.#say(closed),
      this.#say(stack.recv(this.#unknown, mapped.u8, 1)),
    );
    if (socket.peer < 0) return;
    if (!socket.filled) this.#note('the peer sees', this.#ending(socket));
    this.#peers.reset(socket.peer);
    socket.peer = -1;
  }

  /** What the peer reads up to the end of the connection, and what kind of end it is. */
  #ending(socket: Played): string {
    for (let i = 0; i < MAX_FILLS; i++) {
      const bytes = this.#peers.receive(socket.peer, RECEIVE_BYTES);
      if (typeof bytes === 'string') return bytes;
      if (bytes.length === 0) return `the end after ${socket.peerReceived}`;
      if (!isPattern(socket.stream, socket.peerReceived, bytes)) return 'other bytes';
      socket.peerReceived += bytes.length;
    }
    return 'no end';
  }

  #playPeer(step: Step, socket: Played): void {
    const { peer } = socket;
    if (peer < 0) return;
    switch (step.kind) {
      case 'peerSend': {
        const sent = this.#peers.send(peer, pattern(~socket.stream, socket.peerSent, Math.max(1, step.amount)));
        if (typeof sent === 'number') socket.peerSent += sent;
        return this.#note('peerSend', sent);
      }
      case 'peerUrgent':
        if (this.#limits.hidesUrgent) return;
        socket.urgent = true;
        return this.#note('peerUrgent', this.#peers.sendUrgent(peer, new Uint8Array(1)));
      case 'peerReceive':
        return this.#peerReceive(socket);
      case 'peerShutdown':
        return this.#peers.shutdown(peer);
      case 'peerReset':
      case 'peerClose':
        socket.peer = -1;
        if (step.kind === 'peerReset') this.#peers.reset(peer);
        else this.#peers.close(peer);
        return;
      default:
        throw new Error(`No step is called ${step.kind}`);
    }
  }

  /** The peer receives all that was sent to it. */
  #peerReceive(socket: Played): void {
    while (socket.peerReceived < socket.sent) {
      const bytes = this.#peers.receive(socket.peer, FILL_BYTES);
      if (typeof bytes === 'string') return this.#note('peerReceive', bytes);
      if (bytes.length === 0) return this.#note('peerReceive', 'the end');
      if (!isPattern(socket.stream, socket.peerReceived, bytes)) return this.#note('peerReceive', 'other bytes');
      socket.peerReceived += bytes.length;
    }
    socket.filled = false;
    this.#note('peerReceive', 'all');
  }

  #playDatagram(step: Step): void {
    if (step.kind === 'datagramSocket') {
      const descriptor = this.#opened.stack.socket('IPv4', 'datagram', true);
      if (descriptor < 0) return this.#note(step.kind, this.#say(descriptor));
      return this.#note(step.kind, this.#datagrams.open(this.#open('datagram', descriptor)));
    }
    const socket = this.#choose(step, (each) => each.type === 'datagram');
    const words = socket === undefined ? null : this.#datagrams.play(step, socket);
    if (words !== null) this.#note(step.kind, ...words);
  }

  #poll(step: Step): void {
    const count = 1 + (step.amount % 8);
    const descriptors = new Int32Array(count);
    const events = new Uint16Array(count);
    const revents = new Uint16Array(count).fill(0xffff);
    for (let i = 0; i < count; i++) {
      const descriptor = this.#anyDescriptor(step.draws[i * 2] ?? 0);
      descriptors[i] = descriptor;
      events[i] = this.#events(step.draws[i * 2 + 1] ?? 0) | (this.#isHidden(descriptor) ? POLLOUT : 0);
    }
    const found = this.#opened.waiter.poll({ descriptors, events, revents, count }, step.amount % 97 === 0 ? 1 : 0);
    const mask = this.#limits.errorsLookLikeEnds ? ~POLLERR : ~0;
    this.#note('poll', [...events], this.#say(found), ...(found < 0 ? [] : revents.map((answer) => answer & mask)));
  }

  #select(step: Step): void {
    const lists: [number[], number[], number[]] = [[], [], []];
    for (let i = 0; i < 1 + (step.amount % 6); i++) {
      const draw = step.draws[i * 2] ?? 0;
      // One that the stack does not know makes the whole select fail: seldom.
      const descriptor = draw % 61 === 0 ? this.#unknown : this.#anyDescriptor(draw, false);
      if (descriptor < 0) continue;
      for (const [kind, list] of lists.entries()) {
        if (kind === 2 && this.#limits.hidesUrgent) continue;
        const wanted = ((step.draws[i * 2 + 1] ?? 0) & (1 << kind)) !== 0 || (kind === 1 && this.#isHidden(descriptor));
        if (wanted && !list.includes(descriptor)) list.push(descriptor);
      }
    }
    const [read, write, except] = lists;
    const found = this.#opened.waiter.select({ read, write, except }, step.amount % 97 === 0 ? 1 : 0);
    if (typeof found === 'number') return this.#note('select', this.#say(found));
    const places = (asked: readonly number[], ready: readonly number[]) =>
      asked.map((descriptor) => ready.includes(descriptor));
    this.#note('select', places(read, found.read), places(write, found.write), places(except, found.except));
  }

  #waitForNothing(): void {
    const { waiter } = this.#opened;
    const none = new Uint16Array(1);
    const polled = waiter.poll({ descriptors: new Int32Array(1), events: none, revents: none, count: 0 }, 1);
    this.#note('waitForNothing', polled, waiter.select({ read: [], write: [], except: [] }, 1));
  }

  #events(draw: number): number {
    return ((draw & 3) !== 0 ? POLLIN : 0) | ((draw & 4) !== 0 ? POLLOUT : 0) | ((draw & 24) === 8 ? this.#urgent : 0);
  }

  get #urgent(): number {
    return this.#limits.hidesUrgent ? 0 : POLLPRI;
  }

  #anyDescriptor(draw: number, alsoWrong = true): number {
    const open = this.#sockets
      .filter((socket) => !socket.closed && this.#isTellable(socket))
      .map((socket) => socket.descriptor);
    const choices = [...open, ...open, ...open, this.#listener, ...(alsoWrong ? [-1, this.#unknown] : [])];
    return choices[draw % choices.length] ?? -1;
  }

  /** Whether this stack can say of a socket what Linux would. */
  #isTellable(socket: Played): boolean {
    const { hidesFailedConnects, hidesHangUps, datagramErrorsLookLikeDatagrams, tellsOfRefusedDatagrams } =
      this.#limits;
    if (socket.shutDown && hidesHangUps) return false;
    // Linux itself makes room as acknowledgements come, which takes its time.
    if (socket.filled) return false;
    if (socket.refused && socket.told && hidesFailedConnects) return false;
    if (socket.type === 'datagram' && socket.sent > 0 && tellsOfRefusedDatagrams) return false;
    return !(socket.connected && datagramErrorsLookLikeDatagrams);
  }

  #isHidden(descriptor: number): boolean {
    return (
      this.#limits.hidesFailedConnects &&
      this.#sockets.some((socket) => socket.descriptor === descriptor && socket.refused && !socket.closed)
    );
  }

  #choose(step: Step, fits: (socket: Played) => boolean): Played | undefined {
    const choices = this.#sockets.filter((socket) => !socket.closed && fits(socket));
    return choices[step.socket % choices.length];
  }

  #told(socket: Played, result: number): string | number {
    if (result < 0 && result !== -this.#opened.stack.again) socket.told = true;
    return this.#say(result);
  }

  #say(result: number): string | number {
    return result >= 0 ? result : this.#opened.stack.errors.name(-result);
  }

  #note(...words: readonly unknown[]): void {
    this.trace.push(JSON.stringify(words));
  }
}
