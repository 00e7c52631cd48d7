import { createRequire } from 'node:module';
import type net from 'node:net';
import { say, sayCarrier } from './report.js';

interface Redis {
  readonly stream: net.Socket;
  set(key: string, value: string): Promise<string>;
  get(key: string): Promise<string | null>;
  incrby(key: string, by: number): Promise<number>;
  subscribe(channel: string): Promise<number>;
  publish(channel: string, message: string): Promise<number>;
  once(event: string, listener: (...args: string[]) => void): void;
  quit(): Promise<string>;
}

const { Redis } = createRequire(import.meta.url)('ioredis') as { Redis: new (port: number, host: string) => Redis };

/** A redis client against a real server, whose port is the first argument. */
async function main(): Promise<void> {
  const port = Number(process.argv[2]);
  const redis = new Redis(port, '127.0.0.1');
  say(await redis.set('large', 'v'.repeat(500_000)));
  sayCarrier(redis.stream);
  say((await redis.get('large'))?.length, await redis.get('none'));
  const many = await Promise.all(Array.from({ length: 1000 }, () => redis.incrby('counter', 2)));
  say(many.at(-1) === many.length * 2 + (many[0] ?? 0) - 2);
  const listener = new Redis(port, '127.0.0.1');
  await listener.subscribe('news');
  const heard = new Promise((resolve) => listener.once('message', (channel, text) => resolve(`${channel}: ${text}`)));
  await redis.publish('news', 'it works');
  say(await heard);
  await listener.quit();
  say(await redis.quit());
}

void main();
