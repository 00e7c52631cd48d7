import { Worker } from 'node:worker_threads';
import type { PeerMessage, PeerRequest } from './peer-protocol.js';

/** Who hears what a peer says. */
export interface PeerHearer {
  message(message: PeerMessage): void;
  /** The peer itself has come to its end, and answers no request any more. */
  failed(error: Error): void;
}

/** The way to a peer, wherever it lives. What is posted is answered by one message, later; events come in between. */
export interface PeerTransport {
  post(request: PeerRequest): void;
  /** Lets a peer of this very thread do what it has to do by now. One in a thread of its own needs nobody's leave. */
  goOn(): void;
  terminate(): Promise<void>;
}

export type OpenPeer = (hearer: PeerHearer) => PeerTransport;

/** What reports say of `openWorkerPeer`'s. */
export const WORKER_PEER = "Node's own node:net or node:dgram in a thread of its own";

/** A peer in a thread of its own, on node:net and node:dgram: it hears even when this thread does not. */
export function openWorkerPeer(hearer: PeerHearer): PeerTransport {
  const worker = new Worker(new URL('./peer-worker.js', import.meta.url));
  worker.on('message', (message: PeerMessage) => hearer.message(message));
  worker.on('error', (error) => hearer.failed(error as Error));
  return {
    post: (request) => worker.postMessage(request),
    goOn: () => undefined,
    terminate: async () => void (await worker.terminate()),
  };
}
