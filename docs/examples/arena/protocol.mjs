// What the arena's server and bots say to each other. The lobby is TCP, a JSON object a line; the state is UDP.

/** Ticks a second. */
export const TICK_HZ = 30;
/** Width and height of the arena. */
export const ARENA = 1000;
/** A datagram from a bot: its id and where it wants to go. */
export const INPUT_BYTES = 8;
/** In a datagram to a bot: the tick, then id, x and y of each player. */
export const PLAYER_BYTES = 8;

/** @param {number} id @param {number} dx @param {number} dy */
export function encodeInput(id, dx, dy) {
  const bytes = Buffer.alloc(INPUT_BYTES);
  bytes.writeUInt32LE(id, 0);
  bytes.writeInt16LE(dx, 4);
  bytes.writeInt16LE(dy, 6);
  return bytes;
}

/** @param {number} tick @param {Iterable<{ id: number, x: number, y: number }>} players */
export function encodeState(tick, players) {
  const all = [...players];
  const bytes = Buffer.alloc(4 + all.length * PLAYER_BYTES);
  bytes.writeUInt32LE(tick, 0);
  for (const [i, { id, x, y }] of all.entries()) {
    bytes.writeUInt32LE(id, 4 + i * PLAYER_BYTES);
    bytes.writeUInt16LE(x, 8 + i * PLAYER_BYTES);
    bytes.writeUInt16LE(y, 10 + i * PLAYER_BYTES);
  }
  return bytes;
}

/** Splits what arrives into lines. @param {(line: string) => void} take */
export function lines(take) {
  let rest = '';
  return (/** @type {Buffer} */ chunk) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) take(part);
  };
}
