// Bots of every kind, in a process of their own: those that play, and those that stall, trickle off and reset.
import { createSocket } from 'node:dgram';
import net from 'node:net';
import { encodeInput, lines } from './protocol.mjs';

const [port = 0, bots = 0, seed = 0] = process.argv.slice(2).map(Number);
const PING_MS = 500;
const INPUT_MS = 50;
const BACK_MS = 700;

let state = seed;
/** A generator of our own, so that a run can be had again. */
function random() {
  state = (state * 1664525 + 1013904223) >>> 0;
  return state / 2 ** 32;
}

const udp = createSocket('udp4');

/**
 * plays: pings and moves. stalls: says nothing. halfOpen: ends its own direction and stays. deaf: pings, and reads
 * nothing. resets: plays, then resets.
 * @typedef {'plays' | 'stalls' | 'halfOpen' | 'deaf' | 'resets'} Kind
 */

/** @param {Kind} kind @param {number} number */
function bot(kind, number) {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: kind === 'halfOpen' });
  /** @type {NodeJS.Timeout[]} */
  const timers = [];
  const every = (/** @type {number} */ ms, /** @type {() => void} */ work) => timers.push(setInterval(work, ms));
  const take = lines((line) => {
    // A map is nothing to a bot.
    if (line.length > 1000) return;
    const message = JSON.parse(line);
    if (!message.welcome) return;
    if (kind === 'halfOpen') socket.end();
    if (kind === 'stalls' || kind === 'halfOpen') return;
    socket.write(`${JSON.stringify({ name: `${kind}-${number}` })}\n`);
    every(PING_MS, () => socket.write(`${JSON.stringify({ ping: 1 })}\n`));
    every(INPUT_MS, () => {
      const bytes = encodeInput(message.welcome, Math.round(random() * 20 - 10), Math.round(random() * 20 - 10));
      udp.send(bytes, message.udp, '127.0.0.1');
    });
    if (kind === 'deaf') socket.pause();
    if (kind === 'plays') every(3000 + number * 10, () => socket.write(`${JSON.stringify({ chat: 'hi' })}\n`));
    if (kind === 'resets') timers.push(setTimeout(() => socket.resetAndDestroy(), 500 + random() * 1500));
  });
  socket.on('data', take);
  socket.on('error', () => {});
  socket.on('close', () => {
    for (const timer of timers) clearInterval(timer);
    // Every seat is taken again.
    setTimeout(() => bot(kind, number), BACK_MS);
  });
}

/** One of eight of each kind that misbehaves. @type {Kind[]} */
const KINDS = ['plays', 'plays', 'plays', 'plays', 'stalls', 'halfOpen', 'deaf', 'resets'];

udp.bind(0, '127.0.0.1', () => {
  for (let i = 0; i < bots; i++) bot(KINDS[i % KINDS.length] ?? 'plays', i);
});
// The arena is over when whoever started the bots is gone.
process.on('disconnect', () => process.exit());
