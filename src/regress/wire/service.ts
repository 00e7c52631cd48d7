import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { nowMs } from '../clock.js';
import { openLocalSource } from './capture.js';
import type { FrameSource } from './frame.js';
import { Lines } from './lines.js';
import {
  formatServiceAddress,
  MAX_REQUEST_CHARACTERS,
  parseRequest,
  SERVICE_HOST,
  type ServiceAnswer,
  type ServiceRequest,
  writeFrame,
} from './protocol.js';
import { realtimeAheadMs } from './realtime.js';

/** Runs served at the same time: each has a ring of 8 MiB in the kernel. */
const MAX_CLIENTS = 4;

/** How long a client may take to say who it is. */
const OPEN_WITHIN_MS = 5000;

export type OpenSource = () => Promise<{ readonly source: FrameSource } | { readonly reason: string }>;

/**
 * Captures for runs that cannot do it themselves. Listens on the loopback interface only, and serves nobody who does
 * not know the token of its address. What it sends and receives itself is in no capture, for nobody asks for its port.
 */
export class CaptureService {
  readonly #server: Server;
  readonly #token = randomBytes(16).toString('hex');
  readonly #openSource: OpenSource;
  readonly #clients = new Set<Client>();

  private constructor(openSource: OpenSource) {
    this.#openSource = openSource;
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.maxConnections = MAX_CLIENTS;
  }

  static async start(openSource: OpenSource = openLocalSource): Promise<CaptureService> {
    const service = new CaptureService(openSource);
    service.#server.listen(0, SERVICE_HOST);
    await once(service.#server, 'listening');
    return service;
  }

  /** What a run has to be told: `127.0.0.1:PORT/TOKEN`. */
  get address(): string {
    const { port } = this.#server.address() as AddressInfo;
    return formatServiceAddress({ port, token: this.#token });
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.end();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket: Socket): void {
    const client = new Client(socket, this.#token, this.#openSource, () => this.#clients.delete(client));
    this.#clients.add(client);
  }
}

/** One connection to the service. */
class Client {
  readonly #socket: Socket;
  readonly #token: string;
  readonly #openSource: OpenSource;
  readonly #lines = new Lines(MAX_REQUEST_CHARACTERS);
  #source: FrameSource | null = null;
  #ended = false;
  /** Requests are answered one after the other. */
  #last: Promise<void> = Promise.resolve();

  constructor(socket: Socket, token: string, openSource: OpenSource, onEnd: () => void) {
    this.#socket = socket;
    this.#token = token;
    this.#openSource = openSource;
    socket.setEncoding('utf8');
    socket.setNoDelay(true);
    socket.on('data', (text: string) => this.#received(text));
    socket.on('error', () => socket.destroy());
    const timer = setTimeout(() => this.#source ?? this.#refuse('nobody opened the capture'), OPEN_WITHIN_MS);
    socket.once('close', () => {
      clearTimeout(timer);
      this.#ended = true;
      onEnd();
      this.#last = this.#last.then(() => this.#source?.close());
    });
  }

  end(): void {
    this.#socket.destroy();
  }

  #received(text: string): void {
    const lines = this.#lines.add(text);
    if (lines === null) return this.#refuse('the request is too long');
    for (const line of lines) this.#last = this.#last.then(() => this.#serve(line));
  }

  async #serve(line: string): Promise<void> {
    if (this.#ended) return;
    const request = parseRequest(line);
    if (request === null) return this.#refuse('that is no request');
    try {
      const answer = await this.#answer(request);
      if (answer.error === undefined) this.#write(answer);
      else this.#refuse(answer.error);
    } catch (error) {
      this.#refuse((error as Error).message);
    }
  }

  async #answer(request: ServiceRequest): Promise<ServiceAnswer> {
    if (request.verb === 'open') return this.#open(request.token);
    const source = this.#source;
    if (source === null) return { error: 'the capture has to be opened first' };
    switch (request.verb) {
      case 'begin':
        await source.begin();
        return {};
      case 'include':
        await source.include(request.ports);
        return {};
      case 'take': {
        const { frames, dropped } = await source.take();
        return { frames: frames.map(writeFrame), dropped };
      }
      case 'clock':
        return { realtimeMs: nowMs() + realtimeAheadMs() };
    }
  }

  async #open(token: string): Promise<ServiceAnswer> {
    if (this.#source !== null) return { error: 'the capture is open already' };
    const [given, expected] = [Buffer.from(token), Buffer.from(this.#token)];
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return { error: 'the token is wrong' };
    const opened = await this.#openSource();
    if ('reason' in opened) return { error: opened.reason };
    this.#source = opened.source;
    return {};
  }

  #write(answer: ServiceAnswer): void {
    this.#socket.write(`${JSON.stringify(answer)}\n`);
  }

  /** Says why, and ends the connection: a client that went wrong once is not understood the next time either. */
  #refuse(error: string): void {
    this.#ended = true;
    this.#socket.end(`${JSON.stringify({ error })}\n`, () => this.#socket.destroy());
  }
}
