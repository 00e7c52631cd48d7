// An arena, 30 times a second, with bots that behave badly. Played first over node:net and then over overlapped/net, it
// shows the difference.

import { fork } from 'node:child_process';
import nodeNet from 'node:net';
import { parseArgs } from 'node:util';

import { startServer } from './server.mjs';

const USAGE = `node docs/examples/arena/main.mjs [options]
  --net overlapped|node|both   what carries the sockets (default both, one after the other)
  --bots N                     1 to 10000 (default 64)
  --seconds N                  1 to 3600, each way (default 20)
  --plain                      no table that changes, for a log`;

/** @param {string} reason @returns {never} */
function refuse(reason) {
  console.error(`${reason}\n\n${USAGE}`);
  process.exit(2);
}

function readOptions() {
  try {
    return parseArgs({
      options: {
        net: { type: 'string', default: 'both' },
        bots: { type: 'string', default: '64' },
        seconds: { type: 'string', default: '20' },
        plain: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    return refuse(/** @type {Error} */ (error).message);
  }
}

const values = readOptions();
if (values.help) {
  console.log(USAGE);
  process.exit();
}
if (!['overlapped', 'node', 'both'].includes(values.net)) refuse(`--net may not be ${values.net}`);
for (const [name, most] of /** @type {const} */ ([
  ['bots', 10_000],
  ['seconds', 3600],
])) {
  const value = Number(values[name]);
  if (!(value >= 1 && value <= most)) refuse(`--${name} must be 1 to ${most}`);
}
const REFRESH_MS = 250;
const live = !values.plain && process.stdout.isTTY;

/** @param {number} bytes */
function kilobytes(bytes) {
  return `${(bytes / 1024).toFixed(0)} KB`;
}

/**
 * @param {import('./server.mjs').newFigures extends () => infer F ? F : never} figures
 * @param {number} players
 * @param {number} cpuMs
 * @returns {[string, string][]}
 */
function rows(figures, players, cpuMs) {
  return [
    ['players', String(players)],
    ['joined / left', `${figures.joined} / ${figures.left}`],
    ['timeouts (stalled, half-open)', String(figures.timeouts)],
    ['slow readers cut off', String(figures.slowReaders)],
    ['resets survived', String(figures.resets)],
    ['ticks', String(figures.ticks)],
    ['tick time, last / worst', `${figures.tickMs.toFixed(2)} / ${figures.worstTickMs.toFixed(2)} ms`],
    ['tick late, worst', `${figures.lateMs.toFixed(1)} ms`],
    ['lobby in (TCP)', kilobytes(figures.tcpIn)],
    ['state in / out (UDP)', `${kilobytes(figures.udpIn)} / ${kilobytes(figures.udpOut)}`],
    ['CPU of the server', `${cpuMs.toFixed(0)} ms`],
    ['memory', `${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MB`],
  ];
}

/** @param {string} title @param {[string, string][]} table @param {boolean} again draws over the last one */
function draw(title, table, again) {
  const lines = [
    live ? `\x1b[1m${title}\x1b[0m` : title,
    ...table.map(([name, value]) => `  ${name.padEnd(34)}${value}`),
  ];
  if (again) process.stdout.write(`\x1b[${lines.length}A`);
  for (const line of lines) process.stdout.write(`${line}${live ? '\x1b[K' : ''}\n`);
}

/** @param {'node' | 'overlapped'} kind */
async function play(kind) {
  const overlapped = kind === 'overlapped';
  const net = overlapped ? (await import('overlapped/net')).default : nodeNet;
  const server = await startServer(/** @type {typeof nodeNet} */ (net), overlapped);
  const bots = fork(new URL('./bots.mjs', import.meta.url), [String(server.port), values.bots, '1']);
  const title = `arena over ${overlapped ? 'overlapped/net' : 'node:net'}, ${values.bots} bots, ${values.seconds} s`;
  const before = process.cpuUsage();
  const cpuMs = () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  let drawn = false;
  const table = setInterval(() => {
    if (!live) return;
    draw(title, rows(server.figures, server.players.size, cpuMs()), drawn);
    drawn = true;
  }, REFRESH_MS);
  await new Promise((resolve) => setTimeout(resolve, Number(values.seconds) * 1000));
  clearInterval(table);
  const last = rows(server.figures, server.players.size, cpuMs());
  draw(title, last, drawn);
  bots.disconnect();
  await new Promise((resolve) => bots.once('exit', resolve));
  await server.stop();
  return last;
}

const kinds = /** @type {('node' | 'overlapped')[]} */ (values.net === 'both' ? ['node', 'overlapped'] : [values.net]);
const results = [];
for (const kind of kinds) results.push(await play(kind));
if (results.length === 2) {
  const [first = [], second = []] = results;
  console.log(`\n${''.padEnd(36)}${'node:net'.padEnd(24)}overlapped/net`);
  for (const [i, [name, value]] of first.entries()) {
    console.log(`  ${name.padEnd(34)}${value.padEnd(24)}${second[i]?.[1] ?? ''}`);
  }
}
