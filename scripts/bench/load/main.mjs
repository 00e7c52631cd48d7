// The load generators in Node, for machines without a C compiler: main.mjs PROGRAM ARGS takes the
// arguments of c/PROGRAM.c and prints the same. It needs more CPU per message than any server it
// measures, so it is the bottleneck, and the report says so.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { closeWindow, countLost, countReply, openWindow } from './window.mjs';

const HOST = '127.0.0.1';
const RESEND_AFTER_MS = 100;

/** @typedef {{ warmupMs: number, measureMs: number, pid: number }} Times */

/** @param {string} reason @returns {never} */
function die(reason) {
  console.error(reason);
  process.exit(1);
}

/** @param {number} port */
async function open(port) {
  const socket = connect({ port, host: HOST, noDelay: true });
  socket.on('error', (error) => die(error.message));
  socket.on('end', () => die('closed by the server'));
  await once(socket, 'connect');
  return socket;
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** @param {Times} times @param {(messages: number) => number} [toMessages] */
async function measure({ warmupMs, measureMs, pid }, toMessages) {
  await pause(warmupMs);
  openWindow(pid);
  await pause(measureMs);
  closeWindow(toMessages);
  process.exit(0);
}

/** @param {number[]} args @param {Times} times */
async function tcpLoad([port = 0, connections = 0, bytes = 0], times) {
  const request = Buffer.alloc(bytes, 'x');
  for (let i = 0; i < connections; i++) {
    const socket = await open(port);
    let received = 0;
    let sent = performance.now();
    const send = () => {
      sent = performance.now();
      socket.write(request);
    };
    // The first echo before the next connection, as c/tcp-load.c does it.
    send();
    await once(socket, 'readable');
    socket.on('data', (chunk) => {
      received += chunk.length;
      if (received < bytes) return;
      if (received > bytes) die('the reply is not the request');
      received = 0;
      countReply(performance.now() - sent);
      send();
    });
  }
  await measure(times);
}

/** @param {number[]} args @param {Times} times */
async function udpLoad([port = 0, sockets = 0, inFlight = 0, bytes = 0], times) {
  for (let i = 0; i < sockets; i++) {
    const socket = createSocket('udp4');
    socket.on('error', (error) => die(error.message));
    socket.connect(port, HOST);
    await once(socket, 'connect');
    const slots = Array.from({ length: inFlight }, () => ({ sent: 0, sequence: 0 }));
    const send = (/** @type {number} */ index) => {
      const slot = slots[index];
      if (!slot) die('the reply is not the request');
      slot.sent = performance.now();
      slot.sequence += 1;
      const datagram = Buffer.alloc(bytes, 'x');
      datagram.writeUInt32LE(index, 0);
      datagram.writeUInt32LE(slot.sequence, 4);
      socket.send(datagram);
    };
    socket.on('message', (reply) => {
      const index = reply.readUInt32LE(0);
      const slot = slots[index];
      if (!slot || reply.readUInt32LE(4) !== slot.sequence) return;
      countReply(performance.now() - slot.sent);
      send(index);
    });
    setInterval(() => {
      const now = performance.now();
      slots.forEach(({ sent }, index) => {
        if (now - sent < RESEND_AFTER_MS) return;
        countLost();
        send(index);
      });
    }, RESEND_AFTER_MS / 4);
    for (let index = 0; index < inFlight; index++) send(index);
  }
  await measure(times);
}

/** @param {number[]} args @param {Times} times */
async function tickClient([port = 0, connections = 0, bytes = 0], times) {
  /** @type {Promise<unknown>[]} */
  const first = [];
  for (let i = 0; i < connections; i++) {
    const socket = await open(port);
    let last = 0;
    socket.on('data', (chunk) => {
      const now = performance.now();
      countReply(last === 0 ? 0 : now - last, chunk.length);
      last = now;
    });
    first.push(once(socket, 'data'));
  }
  await Promise.race(first);
  await measure(times, (received) => received / bytes);
}

/** @param {number[]} args */
async function idle([port = 0, connections = 0, bytes = 0]) {
  const sockets = [];
  for (let i = 0; i < connections; i++) sockets.push(await open(port));
  for (const socket of sockets) {
    socket.write(Buffer.alloc(bytes, 'x'));
    await once(socket, 'data');
  }
  console.log(`held ${connections}`);
  process.stdin.resume().on('end', () => process.exit(0));
}

const [program, ...rest] = process.argv.slice(2);
const numbers = rest.map(Number);
const [warmupMs = 0, measureMs = 0, pid = 0] = numbers.slice(-3);
const times = { warmupMs, measureMs, pid };
if (program === 'tcp-load') await tcpLoad(numbers, times);
else if (program === 'udp-load') await udpLoad(numbers, times);
else if (program === 'tcp-tick-client') await tickClient(numbers, times);
else if (program === 'tcp-idle') await idle(numbers);
else die(`no such load: ${program}`);
