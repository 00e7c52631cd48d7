import { createSocket } from 'node:dgram';
import { soon } from './waiting.js';

/** Where a datagram came from. */
export interface Sender {
  readonly address: string;
  readonly port: number;
}

/** What a peer needs of a datagram socket: node:dgram's has it, and so has one over another stack than the host's. */
export interface UdpPeerSocket {
  on(event: 'message', listener: (data: Buffer, from: Sender) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  address(): Sender;
  send(data: Uint8Array | string, port: number, host: string, done: (error: Error | null) => void): void;
  close(done: () => void): unknown;
}

export interface Message {
  readonly data: Buffer;
  readonly from: Sender;
}

/** The other end: node:dgram, which is an independent user of the stack. It keeps what it received, in order. */
export class UdpPeer {
  readonly socket: UdpPeerSocket;
  readonly #messages: Message[] = [];
  #waiting: ((message: Message) => void)[] = [];

  constructor(socket: UdpPeerSocket) {
    this.socket = socket;
    socket.on('message', (data, from) => {
      const next = this.#waiting.shift();
      if (next) next({ data, from });
      else this.#messages.push({ data, from });
    });
    // ICMP errors are not what the peer is for.
    socket.on('error', () => undefined);
  }

  get port(): number {
    return this.socket.address().port;
  }

  /** Messages that nobody has taken. */
  get kept(): number {
    return this.#messages.length;
  }

  /** Resolves when the system has taken the datagram; on loopback it has then arrived. */
  send(data: Uint8Array | string, port: number, host = this.socket.address().address): Promise<void> {
    const sent = new Promise<void>((resolve, reject) => {
      this.socket.send(data, port, host, (error) => (error ? reject(error) : resolve()));
    });
    return soon(sent, 'the peer to send');
  }

  receive(): Promise<Message> {
    const message = this.#messages.shift();
    if (message) return Promise.resolve(message);
    return soon(new Promise((resolve) => this.#waiting.push(resolve)), 'a datagram at the peer');
  }

  async texts(count: number): Promise<string[]> {
    const texts: string[] = [];
    while (texts.length < count) texts.push((await this.receive()).data.toString());
    return texts;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.socket.close(() => resolve()));
  }
}

/** A socket of node:dgram. */
export async function bindNodeDatagrams(host = '127.0.0.1', port = 0): Promise<UdpPeerSocket> {
  const type = host.includes(':') ? 'udp6' : 'udp4';
  const socket = createSocket({ type, reuseAddr: port !== 0, recvBufferSize: 1 << 20 });
  await soon(new Promise<void>((resolve) => socket.bind(port, host, resolve)), 'a node:dgram socket to be bound');
  return socket;
}
