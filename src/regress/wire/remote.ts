import { connect, type Socket } from 'node:net';
import { nowMs } from '../clock.js';
import type { FrameSource, Taken } from './frame.js';
import { Lines } from './lines.js';
import {
  parseAnswer,
  readFrame,
  SERVICE_HOST,
  type ServiceAddress,
  type ServiceAnswer,
  type ServiceRequest,
} from './protocol.js';

/** How long the service may take for an answer. It needs microseconds, and a millisecond a thousand frames. */
const ANSWER_WITHIN_MS = 10_000;

/** A whole ring in base64 is below this; a longer line is not the service's. */
const MAX_ANSWER_CHARACTERS = 64 * 2 ** 20;

/** The clocks are compared so often; the quickest answer tells best. */
const CLOCK_TRIES = 4;

interface Waiting {
  readonly resolve: (answer: ServiceAnswer) => void;
  readonly reject: (error: Error) => void;
}

/** The packets of a capture service. Throws the service's reason where it refuses. */
export class RemoteSource implements FrameSource {
  readonly #socket: Socket;
  readonly #lines = new Lines(MAX_ANSWER_CHARACTERS);
  readonly #waiting: Waiting[] = [];
  #failure: Error | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.setNoDelay(true);
    socket.on('data', (text: string) => this.#received(text));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the capture service has ended')));
  }

  /** Rejects where nobody answers at the address, or the service may not capture either. */
  static async open({ port, token }: ServiceAddress): Promise<RemoteSource> {
    const source = new RemoteSource(connect({ host: SERVICE_HOST, port }));
    await source.#ask({ verb: 'open', token });
    return source;
  }

  async begin(): Promise<void> {
    await this.#ask({ verb: 'begin' });
  }

  async include(ports: readonly number[]): Promise<void> {
    await this.#ask({ verb: 'include', ports });
  }

  async take(): Promise<Taken> {
    const { frames = [], dropped = 0 } = await this.#ask({ verb: 'take' });
    return { frames: frames.map(readFrame), dropped, clockAheadMs: await this.#clockAheadMs() };
  }

  async close(): Promise<void> {
    this.#fail(new Error('the capture is closed'));
  }

  /** Half of the way there and back is what the service's answer is old. */
  async #clockAheadMs(): Promise<number> {
    let best = { widthMs: Number.POSITIVE_INFINITY, aheadMs: 0 };
    for (let i = 0; i < CLOCK_TRIES; i++) {
      const beforeMs = nowMs();
      const { realtimeMs = 0 } = await this.#ask({ verb: 'clock' });
      const widthMs = nowMs() - beforeMs;
      if (widthMs < best.widthMs) best = { widthMs, aheadMs: realtimeMs - (beforeMs + widthMs / 2) };
    }
    return best.aheadMs;
  }

  #ask(request: ServiceRequest): Promise<ServiceAnswer> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const late = () => this.#fail(new Error(`the capture service did not answer within ${ANSWER_WITHIN_MS} ms`));
      const timer = setTimeout(late, ANSWER_WITHIN_MS);
      const settle = () => clearTimeout(timer);
      this.#waiting.push({
        resolve: (answer) => {
          settle();
          resolve(answer);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      });
      this.#socket.write(`${JSON.stringify(request)}\n`);
    });
  }

  #received(text: string): void {
    const lines = this.#lines.add(text);
    if (lines === null) return this.#fail(new Error('the capture service sent something else than answers'));
    for (const line of lines) {
      const answer = parseAnswer(line);
      if (answer === null) return this.#fail(new Error('the capture service sent something else than answers'));
      if (answer.error !== undefined) return this.#fail(new Error(answer.error));
      this.#waiting.shift()?.resolve(answer);
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#failure);
    this.#socket.destroy();
  }
}
