import { createRequire } from 'node:module';
import type net from 'node:net';
import { portOf, say, sayCarrier } from './report.js';

interface WebSocket extends NodeJS.EventEmitter {
  send(data: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
}

interface WebSocketModule {
  new (url: string): WebSocket;
  WebSocketServer: new (options: object) => NodeJS.EventEmitter & { _server: net.Server; close(): void };
}

const WebSocket = createRequire(import.meta.url)('ws') as WebSocketModule;

/** A WebSocket server and its client: texts, a large message, a close with its code. */
const server = new WebSocket.WebSocketServer({ port: 0, host: '127.0.0.1' });
server.on('connection', (socket: WebSocket) => {
  socket.on('message', (data: Buffer, binary: boolean) => socket.send(binary ? data : `echo of ${data}`));
  socket.on('close', (code: number, reason: Buffer) => {
    say('server close', code, reason);
    server.close();
  });
});
server.on('listening', () => {
  sayCarrier(server._server);
  const client = new WebSocket(`ws://127.0.0.1:${portOf(server._server)}`);
  client.on('open', () => client.send('hello'));
  client.on('message', (data: Buffer, binary: boolean) => {
    say('message', binary, data.length, binary ? data.every((byte) => byte === 7) : data);
    if (binary) client.close(4001, 'enough');
    else client.send(Buffer.alloc(300_000, 7));
  });
  client.on('close', (code: number) => say('client close', code));
});
