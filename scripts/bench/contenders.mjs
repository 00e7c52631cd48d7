// Who competes, in which role, and by which command.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findProgram } from './machine.mjs';
import { WINE_SCRIPT, whyNoWine } from './wine.mjs';

/** @typedef {'tcp' | 'udp' | 'tick' | 'idle' | 'deadlines' | 'wine' | 'stream' | 'cycles'} Role */

/**
 * @typedef {object} Contender one row of a table: `command` or the reason why there is none
 * @property {string} id
 * @property {string} label
 * @property {string[]} command takes the port as its next argument
 * @property {Record<string, string>} env
 * @property {boolean} needsRing whether a run without an io_uring would be a wrong row
 * @property {boolean} collects whether it collects garbage on SIGUSR2
 * @property {boolean} cleansUp whether it is asked to end, and not killed
 * @property {string} [absent]
 */

/** @typedef {{ command: string[], collects?: boolean, cleansUp?: boolean } | { absent: string }} Plan */
/** @typedef {(programs: import('./compile.mjs').Programs) => Plan} Planner */

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SERVERS = fileURLToPath(new URL('./servers/', import.meta.url));
const DEADLINES = fileURLToPath(new URL('./deadlines.mjs', import.meta.url));
const ENTRY = `${ROOT}dist/src/index.js`;
const DEADLINES_MODULE = `${ROOT}dist/src/port/deadlines.js`;

/** @param {string} name @returns {Planner} */
function c(name) {
  return (programs) => {
    const path = programs.paths.get(name);
    if (path) return { command: [path] };
    return { absent: programs.reasons.get(name) ?? `no program ${name}` };
  };
}

/** @param {string} file @returns {Planner} */
function node(file) {
  return () => ({ command: [process.execPath, SERVERS + file] });
}

/** @param {string} file @returns {Planner} */
function collecting(file) {
  return () => ({ command: [process.execPath, '--expose-gc', SERVERS + file], collects: true });
}

/** @param {string} file a server of the library: it needs the build @returns {Planner} */
function library(file, flags = /** @type {string[]} */ ([])) {
  return () => {
    if (!existsSync(ENTRY)) return { absent: 'the library is not built (npm run build)' };
    if (!existsSync(file)) return { absent: `no file ${file.slice(ROOT.length)}` };
    return { command: [process.execPath, ...flags, file], collects: flags.length > 0 };
  };
}

/** @param {string} program @param {string[]} args @returns {Planner} */
function runtime(program, ...args) {
  return () => {
    const path = findProgram(program);
    return path ? { command: [path, ...args] } : { absent: `no \`${program}\` on PATH` };
  };
}

/** @param {string} file a server for the node.exe of Windows @returns {Planner} */
function underWine(file) {
  return () => {
    const absent = whyNoWine() ?? (existsSync(ENTRY) ? undefined : 'the library is not built (npm run build)');
    return absent === undefined ? { command: ['bash', WINE_SCRIPT, file], cleansUp: true } : { absent };
  };
}

/** @type {Partial<Record<Role, Planner>>} */
const LIBRARY_ROLES = {
  tcp: library(`${ROOT}docs/examples/tcp-echo.mjs`),
  udp: library(`${ROOT}docs/examples/udp-echo.mjs`),
  tick: library(`${SERVERS}overlapped-tick.mjs`),
  idle: library(`${SERVERS}overlapped-idle.mjs`, ['--expose-gc']),
};

const REGISTER = `${ROOT}dist/src/register.js`;

/** @param {string} file a server written for node:net, unmodified @param {string[]} flags @returns {Planner} */
function registered(file, flags = []) {
  return () => {
    if (!existsSync(REGISTER)) return { absent: 'the library is not built (npm run build)' };
    const command = [process.execPath, ...flags, '--import', REGISTER, SERVERS + file];
    return { command, collects: flags.length > 0 };
  };
}

/** @type {Partial<Record<Role, Planner>>} */
const NET_ROLES = {
  tcp: registered('net-tcp-echo.mjs'),
  tick: registered('net-tick.mjs'),
  idle: registered('net-idle.mjs', ['--expose-gc']),
  stream: registered('net-stream.mjs'),
  cycles: registered('net-tcp-echo.mjs'),
};

/**
 * @type {{
 *   id: string, label: string | Partial<Record<Role, string>>,
 *   roles: Partial<Record<Role, Planner>>, env?: Record<string, string>, needsRing?: boolean,
 * }[]}
 */
const TABLE = [
  {
    id: 'c-epoll',
    label: { tcp: 'C, epoll', idle: 'C, epoll', tick: 'C, send loop' },
    roles: {
      tcp: c('tcp-echo-epoll'),
      idle: c('tcp-echo-epoll'),
      tick: c('tcp-tick-send'),
    },
  },
  {
    id: 'c-uring',
    label: 'C, io_uring',
    roles: {
      tcp: c('tcp-echo-uring'),
      idle: c('tcp-echo-uring'),
      tick: c('tcp-tick-uring'),
    },
    needsRing: true,
  },
  { id: 'c-mmsg', label: 'C, recvmmsg', roles: { udp: c('udp-echo-mmsg') } },
  {
    id: 'overlapped-uring',
    label: 'overlapped, io_uring',
    roles: LIBRARY_ROLES,
    env: { OVERLAPPED_DRIVER: 'io_uring' },
    needsRing: true,
  },
  {
    id: 'overlapped-readiness',
    label: 'overlapped, readiness',
    roles: LIBRARY_ROLES,
    env: { OVERLAPPED_DRIVER: 'readiness' },
  },
  {
    id: 'overlapped-iocp',
    label: 'overlapped, iocp',
    roles: { wine: underWine(`${ROOT}docs/examples/tcp-echo.mjs`) },
    env: { OVERLAPPED_DRIVER: 'iocp' },
  },
  {
    id: 'net-uring',
    label: 'overlapped/register, io_uring',
    roles: NET_ROLES,
    env: { OVERLAPPED_DRIVER: 'io_uring' },
    needsRing: true,
  },
  {
    id: 'net-readiness',
    label: 'overlapped/register, readiness',
    roles: NET_ROLES,
    env: { OVERLAPPED_DRIVER: 'readiness' },
  },
  {
    id: 'overlapped',
    label: 'overlapped, Deadlines',
    roles: {
      deadlines: () =>
        existsSync(DEADLINES_MODULE)
          ? { command: [process.execPath, DEADLINES, 'deadlines'] }
          : { absent: 'the library is not built (npm run build)' },
    },
  },
  {
    id: 'node',
    label: {
      tcp: 'Node, node:net',
      tick: 'Node, node:net',
      idle: 'Node, node:net',
      udp: 'Node, node:dgram',
      deadlines: 'Node, setTimeout',
      wine: 'Node, node:net',
      stream: 'Node, node:net',
      cycles: 'Node, node:net',
    },
    roles: {
      tcp: node('net-tcp-echo.mjs'),
      udp: node('dgram-udp-echo.mjs'),
      tick: node('net-tick.mjs'),
      idle: collecting('net-idle.mjs'),
      deadlines: () => ({ command: [process.execPath, DEADLINES, 'timers'] }),
      wine: underWine(`${SERVERS}net-tcp-echo.mjs`),
      stream: node('net-stream.mjs'),
      cycles: node('net-tcp-echo.mjs'),
    },
  },
  {
    id: 'bun',
    label: 'Bun',
    roles: {
      tcp: runtime('bun', 'run', `${SERVERS}bun-tcp-echo.js`),
      udp: runtime('bun', 'run', `${SERVERS}bun-udp-echo.js`),
      idle: runtime('bun', 'run', `${SERVERS}bun-tcp-echo.js`),
    },
  },
  {
    id: 'deno',
    label: 'Deno',
    roles: { tcp: runtime('deno', 'run', '--allow-net', `${SERVERS}deno-tcp-echo.js`) },
  },
];

/**
 * @param {Role} role
 * @param {import('./compile.mjs').Programs} programs
 * @returns {Contender[]} in the order they take turns
 */
export function contendersFor(role, programs) {
  return TABLE.flatMap(({ id, label, roles, env = {}, needsRing = false }) => {
    const plan = roles[role]?.(programs);
    if (!plan) return [];
    const name = typeof label === 'string' ? label : (label[role] ?? id);
    const row = { id, label: name, env, needsRing, command: [], collects: false, cleansUp: false };
    return [{ ...row, ...plan }];
  });
}
