import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { parentPort } from 'node:worker_threads';
import { nowMs } from './clock.js';
import type { PeerCommand, PeerEvent, PeerRequest, SendPlan } from './peer-protocol.js';

/**
 * The other end, in a thread of its own: Node's own sockets and none of the library's code, so that what it reports
 * about FIN and RST is an independent witness.
 */
class Peer {
  readonly #servers = new Map<number, Server>();
  readonly #connections = new Map<number, Socket>();
  readonly #received = new Map<number, Buffer[]>();
  readonly #datagramSockets = new Map<number, DatagramSocket>();
  #lastNumber = 0;

  run(command: PeerCommand): unknown {
    switch (command.verb) {
      case 'listen':
        return this.#listen(command);
      case 'connect':
        return this.#connect(command);
      case 'closeServer':
        this.#servers.get(command.server)?.close();
        return undefined;
      case 'send':
        return this.#send(command.connection, command.data, command.plan);
      case 'end':
        return this.#end(command.connection);
      case 'reset':
        report('reset', command.connection);
        this.#connection(command.connection).resetAndDestroy();
        return undefined;
      case 'destroy':
        this.#connection(command.connection).destroy();
        return undefined;
      case 'pause':
        this.#connection(command.connection).pause();
        return undefined;
      case 'resume':
        this.#connection(command.connection).resume();
        return undefined;
      case 'received':
        return Buffer.concat(this.#received.get(command.connection) ?? []);
      case 'echo':
        return this.#echo(command.connection);
      case 'bind':
        return this.#bind(command.host, command.port);
      case 'sendTo':
        return this.#sendTo(command);
      case 'closeSocket':
        return this.#closeDatagramSocket(command.socket);
      case 'clear':
        return this.#clear();
    }
  }

  #listen(command: Extract<PeerCommand, { verb: 'listen' }>): Promise<{ server: number; port: number }> {
    const number = ++this.#lastNumber;
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
    this.#servers.set(number, server);
    server.on('connection', (socket) => this.#adopt(socket, command.reading));
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      const listening = () => {
        const address = server.address();
        resolve({ server: number, port: typeof address === 'object' && address !== null ? address.port : 0 });
      };
      if (command.path === undefined) server.listen({ host: command.host, port: 0, backlog: 4096 }, listening);
      else server.listen(command.path, listening);
    });
  }

  #connect(command: Extract<PeerCommand, { verb: 'connect' }>): Promise<number> {
    return new Promise((resolve, reject) => {
      const { host, port, path } = command;
      const sinceMs = nowMs();
      const where = path === undefined ? { host, port } : { path };
      const socket = connect({ ...where, allowHalfOpen: true, noDelay: true });
      socket.pause();
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(this.#adopt(socket, command.reading, sinceMs));
      });
    });
  }

  #adopt(socket: Socket, reading: boolean, sinceMs?: number): number {
    const number = ++this.#lastNumber;
    const chunks: Buffer[] = [];
    this.#connections.set(number, socket);
    this.#received.set(number, chunks);
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      report('data', number, { bytes: chunk.length });
    });
    let probed = false;
    socket.on('end', () => {
      probed = true;
      this.#probeEnd(socket, number);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (probed && isReset(error.code)) return;
      report(error.code === 'ECONNRESET' ? 'rst' : 'error', number, { code: error.code ?? error.message });
    });
    socket.on('close', () => report('closed', number));
    report('connected', number, { remotePort: socket.remotePort ?? 0, ...(sinceMs === undefined ? {} : { sinceMs }) });
    if (reading) socket.resume();
    else socket.pause();
    return number;
  }

  /**
   * Tells a FIN from a RST that libuv calls an end: after a partial read with POLLHUP it reports UV_EOF without asking
   * the kernel (uv__stream_io). An empty write puts nothing on the wire and fails with ECONNRESET after a RST, and with
   * EPIPE where a RST has followed the FIN.
   */
  #probeEnd(socket: Socket, number: number): void {
    const atMs = nowMs();
    const conclude = (code: string | undefined) => {
      if (code !== 'ECONNRESET') report('fin', number, { atMs, sinceMs: atMs });
      if (isReset(code)) report('rst', number, { code: code ?? '' });
    };
    // A UNIX-domain socket knows no RST: there EPIPE says that the other end is closed, which it is.
    const isTcp = socket.remoteAddress !== undefined;
    if (socket.writable && isTcp) {
      socket.write(new Uint8Array(0), (error?: NodeJS.ErrnoException | null) => conclude(error?.code));
    } else conclude('');
  }

  async #send(connection: number, data: Uint8Array, plan: SendPlan): Promise<{ code: string }> {
    if (plan.afterMs > 0) await new Promise((resolve) => setTimeout(resolve, plan.afterMs));
    const socket = this.#connection(connection);
    const sinceMs = nowMs();
    return new Promise((resolve) => {
      socket.write(data, (error?: NodeJS.ErrnoException | null) => {
        const code = error ? (error.code ?? error.message) : '';
        report(code === '' ? 'sent' : 'sendFailed', connection, { bytes: data.length, code, sinceMs });
        // In the same turn of the event loop: an answer to these bytes is not the peer's business any more.
        if (plan.thenClose) socket.destroy();
        resolve({ code });
      });
    });
  }

  #end(connection: number): Promise<undefined> {
    return new Promise((resolve) => {
      this.#connection(connection).end(() => {
        report('ended', connection);
        resolve(undefined);
      });
    });
  }

  #echo(connection: number): undefined {
    const socket = this.#connection(connection);
    socket.on('data', (chunk) => socket.write(chunk));
    socket.on('end', () => socket.end());
    socket.resume();
    return undefined;
  }

  #bind(host: string, port: number): Promise<{ socket: number; port: number }> {
    const number = ++this.#lastNumber;
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    const chunks: Buffer[] = [];
    this.#datagramSockets.set(number, socket);
    this.#received.set(number, chunks);
    socket.on('message', (data, from) => {
      chunks.push(data);
      report('datagram', number, { bytes: data.length, remotePort: from.port });
    });
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.bind({ port, address: host }, () => {
        socket.off('error', reject);
        socket.on('error', (error: NodeJS.ErrnoException) =>
          report('error', number, { code: error.code ?? error.message }),
        );
        resolve({ socket: number, port: socket.address().port });
      });
    });
  }

  async #sendTo(command: Extract<PeerCommand, { verb: 'sendTo' }>): Promise<{ code: string }> {
    const { socket: number, data, host, port, afterMs } = command;
    if (afterMs > 0) await new Promise((resolve) => setTimeout(resolve, afterMs));
    const sinceMs = nowMs();
    return new Promise((resolve) => {
      this.#datagramSockets.get(number)?.send(data, port, host, (error) => {
        const code = error ? ((error as NodeJS.ErrnoException).code ?? error.message) : '';
        report(code === '' ? 'sent' : 'sendFailed', number, { bytes: data.length, code, sinceMs });
        resolve({ code });
      });
    });
  }

  #closeDatagramSocket(number: number): Promise<undefined> {
    const socket = this.#datagramSockets.get(number);
    this.#datagramSockets.delete(number);
    return new Promise((resolve) => {
      if (socket) socket.close(() => resolve(undefined));
      else resolve(undefined);
    });
  }

  #clear(): undefined {
    for (const server of this.#servers.values()) server.close();
    for (const socket of this.#connections.values()) {
      socket.removeAllListeners();
      socket.on('error', () => undefined);
      socket.destroy();
    }
    for (const socket of this.#datagramSockets.values()) socket.close();
    for (const numbered of [this.#servers, this.#connections, this.#datagramSockets, this.#received]) numbered.clear();
    return undefined;
  }

  #connection(number: number): Socket {
    const socket = this.#connections.get(number);
    if (socket === undefined) throw new Error(`the peer has no connection ${number}`);
    return socket;
  }
}

function isReset(code: string | undefined): boolean {
  return code === 'ECONNRESET' || code === 'EPIPE';
}

function report(kind: PeerEvent['kind'], connection: number, more: Partial<PeerEvent> = {}): void {
  const atMs = nowMs();
  const event: PeerEvent = { kind, atMs, connection, bytes: 0, code: '', sinceMs: atMs, remotePort: 0, ...more };
  parentPort?.postMessage({ event });
}

function serve(): void {
  const peer = new Peer();
  parentPort?.on('message', ({ id, command }: PeerRequest) => {
    const answer = async () => peer.run(command);
    answer().then(
      (value) => parentPort?.postMessage({ id, value }),
      (error: NodeJS.ErrnoException) =>
        parentPort?.postMessage({ id, error: error.message, code: error.code ?? error.name }),
    );
  });
}

serve();
