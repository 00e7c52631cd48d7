// The authoritative server of the arena: a lobby over TCP, the state over UDP, 30 times a second.
import { createSocket } from 'node:dgram';
import { ARENA, encodeState, INPUT_BYTES, lines, TICK_HZ } from './protocol.mjs';

// A player who says nothing in the lobby for so long is gone: half-open, or stalled.
const SILENCE_MS = 4000;
// A peer that does not read is found out once the system's own buffers are full: some megabytes.
const MAP_BYTES = 250_000;

/**
 * @typedef {object} Player
 * @property {number} id
 * @property {string} name
 * @property {number} x
 * @property {number} y
 * @property {number} dx
 * @property {number} dy
 * @property {import('node:net').Socket} socket
 * @property {import('node:dgram').RemoteInfo | undefined} udp
 */

/** Counts, for the table. */
export function newFigures() {
  return {
    joined: 0,
    left: 0,
    timeouts: 0,
    slowReaders: 0,
    resets: 0,
    tcpIn: 0,
    tcpOut: 0,
    udpIn: 0,
    udpOut: 0,
    ticks: 0,
    tickMs: 0,
    worstTickMs: 0,
    lateMs: 0,
  };
}

/**
 * Starts the server. `net` is node:net or overlapped/net: the code is the same, and with the latter it also uses what
 * only that has.
 * @param {typeof import('node:net')} net
 * @param {boolean} overlapped
 */
export async function startServer(net, overlapped) {
  const figures = newFigures();
  /** @type {Map<number, Player>} */
  const players = new Map();
  const udp = createSocket('udp4');
  let nextId = 1;

  const extras = overlapped
    ? { recvTimeoutMs: SILENCE_MS, slowPeers: { minSendBytesPerSecond: 1024, windowMs: 1000 } }
    : {};
  const lobby = net.createServer({ noDelay: true, ...extras }, (socket) => {
    const id = nextId++;
    /** @type {Player} */
    const player = { id, name: `#${id}`, x: ARENA / 2, y: ARENA / 2, dx: 0, dy: 0, socket, udp: undefined };
    players.set(id, player);
    figures.joined++;
    socket.on('data', (chunk) => {
      figures.tcpIn += chunk.length;
    });
    socket.on(
      'data',
      lines((line) => hear(player, line)),
    );
    socket.on('operationTimeout', () => {
      figures.timeouts++;
      socket.destroy();
    });
    // With node:net it is the socket's idle timer, which what the server writes winds up again, too.
    if (!overlapped) {
      socket.setTimeout(SILENCE_MS, () => {
        figures.timeouts++;
        socket.destroy();
      });
    }
    socket.on('error', (error) => {
      const { code } = /** @type {NodeJS.ErrnoException} */ (error);
      if (code === 'ECONNRESET' || code === 'EPIPE') figures.resets++;
      if (code === 'ERR_SLOW_READER') figures.slowReaders++;
    });
    socket.on('close', () => {
      figures.left++;
      figures.tcpOut += socket.bytesWritten;
      players.delete(id);
    });
    say(player, { welcome: id, udp: udp.address().port });
  });

  /** @param {Player} player @param {string} line */
  function hear(player, line) {
    /** @type {{ name?: string, chat?: string, ping?: number }} */
    let message;
    try {
      message = JSON.parse(line);
    } catch {
      player.socket.destroy();
      return;
    }
    if (message.name) player.name = String(message.name).slice(0, 16);
    if (message.ping) say(player, { pong: message.ping });
    if (message.chat) for (const each of players.values()) say(each, { from: player.name, chat: message.chat });
  }

  /** @param {Player} player @param {object} message */
  function say(player, message) {
    player.socket.write(`${JSON.stringify(message)}\n`);
  }

  udp.on('message', (bytes, from) => {
    figures.udpIn += bytes.length;
    if (bytes.length !== INPUT_BYTES) return;
    const player = players.get(bytes.readUInt32LE(0));
    if (!player) return;
    player.udp = from;
    player.dx = bytes.readInt16LE(4);
    player.dy = bytes.readInt16LE(6);
  });

  let due = performance.now();
  function tick() {
    const began = performance.now();
    figures.lateMs = Math.max(figures.lateMs, began - due);
    for (const player of players.values()) {
      player.x = Math.min(Math.max(player.x + player.dx, 0), ARENA);
      player.y = Math.min(Math.max(player.y + player.dy, 0), ARENA);
    }
    const state = encodeState(figures.ticks++, players.values());
    for (const { udp: to } of players.values()) {
      if (!to) continue;
      udp.send(state, to.port, to.address);
      figures.udpOut += state.length;
    }
    // Twice a second the lobby gets a map, which a peer that does not read cannot take.
    if (figures.ticks % (TICK_HZ / 2) === 0) {
      const map = Buffer.from(`${JSON.stringify({ map: 'm'.repeat(MAP_BYTES) })}\n`);
      for (const player of players.values()) player.socket.write(map);
    }
    const took = performance.now() - began;
    figures.tickMs = took;
    figures.worstTickMs = Math.max(figures.worstTickMs, took);
    due += 1000 / TICK_HZ;
    timer = setTimeout(tick, Math.max(due - performance.now(), 0));
  }

  await new Promise((resolve) => udp.bind(0, '127.0.0.1', () => resolve(undefined)));
  await new Promise((resolve) => lobby.listen(0, '127.0.0.1', () => resolve(undefined)));
  let timer = setTimeout(tick, 0);
  return {
    port: /** @type {import('node:net').AddressInfo} */ (lobby.address()).port,
    figures,
    players,
    async stop() {
      clearTimeout(timer);
      for (const { socket } of players.values()) socket.destroy();
      await new Promise((resolve) => lobby.close(resolve));
      udp.close();
    },
  };
}
