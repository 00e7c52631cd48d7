import { createRequire } from 'node:module';
import type net from 'node:net';
import { portOf, say, sayCarrier } from './report.js';

interface Peer extends NodeJS.EventEmitter {
  readonly username: string;
  readonly id: number;
  write(packet: string, fields: object): void;
  end(reason: string): void;
}

interface Protocol {
  createServer(options: object): NodeJS.EventEmitter & { readonly socketServer: net.Server; close(): void };
  createClient(options: object): Peer;
}

const require = createRequire(import.meta.url);
const protocol = require('minecraft-protocol') as Protocol;
const { loginPacket } = require('minecraft-data')('1.16.5') as { loginPacket: object };

/** A Minecraft server and a client that logs in offline and says something. */
const common = { host: '127.0.0.1', version: '1.16.5', keepAlive: false };
const server = protocol.createServer({ ...common, 'online-mode': false, port: 0 });
server.on('login', (player: Peer) => {
  say('login', player.username);
  player.write('login', { ...loginPacket, entityId: player.id });
  player.on('chat', ({ message }: { message: string }) => {
    const text = JSON.stringify({ text: `<${player.username}> ${message}` });
    player.write('chat', { message: text, position: 0, sender: '0' });
  });
});
server.on('listening', () => {
  sayCarrier(server.socketServer);
  const client = protocol.createClient({
    ...common,
    profilesFolder: false,
    port: portOf(server.socketServer),
    username: 'Alice',
  });
  client.on('login', () => client.write('chat', { message: 'hello there' }));
  client.on('chat', ({ message }: { message: string }) => {
    say('chat', message);
    client.end('done');
    server.close();
  });
  client.on('end', () => say('end'));
});
