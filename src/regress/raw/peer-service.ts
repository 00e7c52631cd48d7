import { createServer, type Socket } from 'node:net';
import { openCapture } from '../wire/capture.js';
import { LinuxListener, type LinuxPeer } from './linux-calls.js';
import type { PeerReply, PeerRequest } from './peer-protocol.js';
import { linuxVersion } from './platforms.js';
import { CaptureWatch, type WatchedConnection, type WireWatch } from './wire-watch.js';

/** How long the service waits for the run that it is for. */
const ANNOUNCED_MS = 120_000;

/**
 * Serves as the peer, and as the eye on the wire, of one run that happens elsewhere on this machine: under Wine. Ends
 * with that run. `announce` is told the port to give to the run's `--peer`.
 */
export async function servePeer(announce: (port: number) => void): Promise<void> {
  const opened = await openCapture();
  const capture = 'capture' in opened ? opened.capture : null;
  const listener = new LinuxListener();
  const watch = capture === null ? null : new CaptureWatch(capture);
  const service = new PeerService(listener, watch, 'reason' in opened ? opened.reason : '');
  try {
    await serveOne(service, announce);
  } finally {
    listener.close();
    await capture?.close();
  }
}

function serveOne(service: PeerService, announce: (port: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true });
    const impatience = setTimeout(() => {
      server.close();
      reject(new Error(`Nobody came within ${ANNOUNCED_MS} ms`));
    }, ANNOUNCED_MS);
    server.once('error', reject);
    server.once('connection', (socket) => {
      clearTimeout(impatience);
      server.close();
      converse(service, socket).then(resolve, reject);
    });
    server.listen({ host: '127.0.0.1', port: 0 }, () => {
      const address = server.address();
      announce(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}

async function converse(service: PeerService, socket: Socket): Promise<void> {
  let rest = '';
  for await (const chunk of socket) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) socket.write(`${JSON.stringify(await service.answer(JSON.parse(line)))}\n`);
  }
  service.end();
}

class PeerService {
  readonly #listener: LinuxListener;
  readonly #watch: WireWatch | null;
  readonly #blind: string;
  readonly #peers = new Map<number, LinuxPeer>();
  #watched: WatchedConnection | null = null;
  #lastPeer = 0;

  constructor(listener: LinuxListener, watch: WireWatch | null, blind: string) {
    this.#listener = listener;
    this.#watch = watch;
    this.#blind = blind;
  }

  async answer(request: PeerRequest): Promise<PeerReply> {
    try {
      return await this.#serve(request);
    } catch (error) {
      return { error: (error as Error).message };
    }
  }

  end(): void {
    for (const peer of this.#peers.values()) peer.close();
    this.#peers.clear();
  }

  async #serve(request: PeerRequest): Promise<PeerReply> {
    switch (request.verb) {
      case 'hello':
        return { hello: { port: this.#listener.port, system: `linux ${linuxVersion()}`, blind: this.#blind } };
      case 'accept':
        this.#peers.set(++this.#lastPeer, this.#listener.accept());
        return { peer: this.#lastPeer };
      case 'watch':
        this.#watched = (await this.#watch?.begin(request.port)) ?? null;
        return {};
      case 'unwatch':
        return this.#unwatch(request.asFile);
      case 'wait':
        return { ready: this.#peer(request.peer).waitReadable(request.ms) };
      case 'recv':
        return { got: this.#peer(request.peer).recv() };
      case 'send':
        return { code: this.#peer(request.peer).send(Buffer.from(request.base64, 'base64')) };
      case 'close':
        this.#peer(request.peer).close();
        this.#peers.delete(request.peer);
        return {};
    }
  }

  async #unwatch(asFile: boolean): Promise<PeerReply> {
    if (this.#watched === null) return { error: 'nothing is watched' };
    const { outcome, pcap } = await this.#watched.end(asFile);
    return { wire: outcome, ...(pcap === null ? {} : { pcap: Buffer.from(pcap).toString('base64') }) };
  }

  #peer(number: number): LinuxPeer {
    const peer = this.#peers.get(number);
    if (peer === undefined) throw new Error(`there is no peer ${number}`);
    return peer;
  }
}
