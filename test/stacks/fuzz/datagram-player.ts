import type { ManagedBatch } from '../../../src/port/datagram-features.js';
import type { OpenStack } from '../../../src/stack.js';
import type { Limits, Played } from './played.js';
import { LOOPBACK, pattern, type RawPeers } from './raw-peers.js';
import type { Step } from './traffic.js';

const RECEIVE_BYTES = 4096;

/** The steps of datagram sockets: what there is to say of each, or null where it is left out. */
export class DatagramPlayer {
  readonly #opened: OpenStack;
  readonly #peers: RawPeers;
  readonly #limits: Limits;

  constructor(opened: OpenStack, peers: RawPeers, limits: Limits) {
    this.#opened = opened;
    this.#peers = peers;
    this.#limits = limits;
  }

  open(socket: Played): string | number {
    socket.peer = this.#peers.datagramSocket();
    return this.#say(this.#opened.stack.bind(socket.descriptor, { ...LOOPBACK, port: 0 }));
  }

  play(step: Step, socket: Played): readonly unknown[] | null {
    const { stack } = this.#opened;
    const refusing = (step.draws[0] ?? 0) % 2 === 0;
    const port = refusing ? this.#peers.refusingDatagramPort : this.#peers.portOf(socket.peer);
    const { forgetsOwners, tellsOfRefusedDatagrams } = this.#limits;
    switch (step.kind) {
      case 'connectDatagram':
        // What came back of an earlier datagram would be told to the connected socket.
        if (forgetsOwners || socket.connected || (tellsOfRefusedDatagrams && socket.sent > 0)) return null;
        socket.connected = true;
        return [this.#say(stack.connect(socket.descriptor, { ...LOOPBACK, port }))];
      case 'sendDatagram':
        return refusing && forgetsOwners && tellsOfRefusedDatagrams ? null : this.#send(step, socket, port);
      case 'receiveDatagrams': {
        const batch = this.#batch(socket, 3);
        const received = stack.recvBatch(socket.descriptor, batch);
        const lengths = Array.from({ length: Math.max(0, received) }, (_, i) => batch.byteLength(i));
        return [this.#say(received), ...lengths];
      }
      default: {
        if (socket.connected && refusing) return null;
        const own = stack.localAddress(socket.descriptor)?.port ?? 0;
        return [this.#peers.sendDatagram(socket.peer, new Uint8Array(step.amount), own)];
      }
    }
  }

  #send(step: Step, socket: Played, port: number): readonly unknown[] {
    const { stack } = this.#opened;
    const batch = this.#batch(socket, 2);
    const count = 1 + ((step.draws[1] ?? 0) % 2);
    socket.sent += count;
    for (let i = 0; i < count; i++) {
      const bytes = pattern(socket.stream, i, step.amount);
      if (socket.connected) batch.add(bytes);
      else batch.add(bytes, { ...LOOPBACK, port });
    }
    return [this.#say(stack.sendBatch(socket.descriptor, batch, 0))];
  }

  #batch(socket: Played, capacity: number): ManagedBatch {
    const batch = this.#opened.stack.createBatch(capacity, RECEIVE_BYTES) as ManagedBatch;
    batch.failsOnErrors = socket.connected;
    return batch;
  }

  #say(result: number): string | number {
    return result >= 0 ? result : this.#opened.stack.errors.name(-result);
  }
}
